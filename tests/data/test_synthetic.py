"""The generated sets: what they look like, and that a seed is all that matters."""

import numpy as np
import pytest

from oodles import data
from oodles.data import synthetic
from oodles.errors import ParameterError

NAMES = ["25-gaussians", "8-gaussians", "swiss-roll", "lines", "four-pictures"]


class TestDraws:
    @pytest.mark.parametrize("name", NAMES)
    def test_the_same_seed_gives_the_same_rows(self, name):
        first, second = (data.load(name, rows=64, seed=3) for _ in range(2))
        assert np.array_equal(first.X, second.X)
        assert np.array_equal(first.labels, second.labels)
        assert len(first.X) == len(first.labels) == 64
        assert first.y is None

    @pytest.mark.parametrize("name", NAMES[:4])
    def test_another_seed_or_split_gives_other_rows(self, name):
        draws = [data.load(name, rows=64), data.load(name, rows=64, seed=1), data.load(name, "test", rows=64)]
        assert len({draw.X.tobytes() for draw in draws}) == 3

    def test_no_seed_is_seed_0(self):
        assert np.array_equal(data.load("lines", rows=5).X, synthetic.lines(5, 0)[0])

    @pytest.mark.parametrize("name", NAMES)
    def test_the_global_generator_is_left_alone(self, name):
        before = np.random.get_state()[1].copy()  # noqa: NPY002 - the legacy state is what is looked at
        data.load(name, rows=16)
        assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("options", [{"rows": 0}, {"rows": -3}, {"seed": -1}])
    def test_impossible_rows_and_seeds_are_refused(self, name, options):
        with pytest.raises(ParameterError, match="must"):
            data.load(name, **options)


class TestPoints:
    def test_25_gaussians_lie_on_a_grid(self):
        points, labels = synthetic.twenty_five_gaussians(50_000)
        assert points.shape == (50_000, 2)
        centers = np.array([points[labels == mode].mean(axis=0) for mode in range(25)])
        grid = [[x, y] for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
        assert np.allclose(centers * 2.828, grid, atol=0.01)
        assert (points - centers[labels]).std() * 2.828 == pytest.approx(0.05, rel=0.02)

    def test_8_gaussians_lie_on_a_circle(self):
        points, labels = synthetic.eight_gaussians(50_000)
        centers = np.array([points[labels == mode].mean(axis=0) for mode in range(8)])
        assert np.allclose(np.hypot(*centers.T), 2 / 1.414, atol=0.001)
        assert np.allclose(np.arctan2(*centers[2]), 0, atol=0.001)
        assert (points - centers[labels]).std() * 1.414 == pytest.approx(0.02, rel=0.02)

    def test_the_swiss_roll_unrolls(self):
        points, t = synthetic.swiss_roll(50_000)
        spiral = t[:, None] * np.stack([np.cos(t), np.sin(t)], axis=-1)
        assert (points * 7.5 - spiral).std() == pytest.approx(0.25, rel=0.02)
        assert 1.5 * np.pi < t.min() < t.max() < 4.5 * np.pi
        assert np.abs(points).max() < 2


class TestPictures:
    def test_lines_part_each_picture_in_two_halves(self):
        lines = data.load("lines")
        assert lines.X.shape == (1000, 32, 32)
        assert lines.X.dtype == np.uint8
        assert set(np.unique(lines.X)) == {0, 255}
        # A line through the center: each pixel is the opposite of its mirror image.
        assert np.array_equal(lines.X, 255 - lines.X[:, ::-1, ::-1])

    def test_the_label_of_a_line_points_to_its_white_half(self):
        pictures, angles = synthetic.lines(500)
        up = angles[:, None, None] * 0 + np.arange(15.5, -16, -1)[:, None]
        right = np.arange(-15.5, 16)
        white = pictures / 255
        assert (((white * up).sum((1, 2)) > 0) == (np.sin(angles) > 0)).mean() > 0.98
        assert (((white * right).sum((1, 2)) > 0) == (np.cos(angles) > 0)).mean() > 0.98

    def test_the_four_pictures_are_those_of_the_paper(self):
        four = data.load("four-pictures")
        assert (four.X // 255).reshape(4, 4).tolist() == [[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1]]
        many = data.load("four-pictures", rows=1000)
        assert np.array_equal(many.X[:4], four.X)
        assert np.bincount(many.labels).tolist() == [250] * 4


class TestStackedDigits:
    def test_a_short_draw_of_tuples_begins_a_long_one(self):
        long = synthetic.stacked_digits(1000, seed=2, channels=4)
        assert np.array_equal(long[:10], synthetic.stacked_digits(10, seed=2, channels=4))
        assert long.min() >= 0
        assert long.max() < 60_000

    def test_stacking_puts_pictures_into_channels(self):
        pictures = np.random.default_rng(0).integers(256, size=(20, 28, 28), dtype=np.uint8)
        tuples = synthetic.stacked_digits(7, pictures=20)
        stacked = synthetic.stack(pictures, tuples)
        assert stacked.shape == (7, 28, 28, 3)
        assert stacked.dtype == np.uint8
        assert np.array_equal(stacked[5, :, :, 2], pictures[tuples[5, 2]])

    @pytest.mark.parametrize("channels", [3, 4])
    def test_stacked_mnist_is_labelled_by_its_digits(self, channels, needs):
        mnist = needs("mnist", "test")
        stacked = needs(f"stacked-mnist-{channels}", "test", rows=200, seed=5)
        assert stacked.X.shape == (200, 28, 28, channels)
        digits = [int(digit) for digit in f"{stacked.labels[0]:0{channels}d}"]
        tuples = synthetic.stacked_digits(200, (5, 1), channels=channels, pictures=10_000)
        assert mnist.labels[tuples[0]].tolist() == digits
        assert np.array_equal(stacked.X[0, :, :, 1], mnist.X[tuples[0, 1]])
        assert stacked.note.startswith("200 of the published")

    def test_stacked_mnist_has_its_published_size(self, needs):
        stacked = needs("stacked-mnist-3")
        assert stacked.X.shape == (128_000, 28, 28, 3)
        assert stacked.note == ""
        assert np.unique(stacked.labels).size == 1000
