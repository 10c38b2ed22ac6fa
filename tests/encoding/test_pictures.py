"""Pictures are one column per pixel, in [0, 1], whatever they came as."""

import json

import numpy as np
import pytest
import torch

from oodles import encoding
from oodles.data.reading import Pictures
from oodles.encoding import PictureEncoder, as_pictures
from oodles.errors import DataError

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (5, 6, 8), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (5, 6, 8, 3), dtype=np.uint8)


def test_arrays_tensors_and_files_are_pictures():
    for X in (GRAY, torch.from_numpy(GRAY), Pictures(GRAY, list("abcde"))):
        np.testing.assert_array_equal(as_pictures(X), GRAY)
    for X in (GRAY[0], GRAY.reshape(5, -1), [[1]], "picture"):
        assert as_pictures(X) is None


@pytest.mark.parametrize(("X", "shape", "flat"), [(GRAY, (1, 6, 8), True), (COLOR, (3, 6, 8), False)])
class TestShapes:
    def test_the_layout_has_channels_first(self, X, shape, flat):
        encoder = PictureEncoder.fit(X)

        assert encoder.layout.shape == shape
        assert encoder.layout.features == encoder.layout.width == np.prod(shape)
        assert encoder.flat is flat

    def test_levels_are_divided_by_255(self, X, shape, flat):  # noqa: ARG002
        rows = PictureEncoder.fit(X).transform(X)

        assert rows.dtype == np.float32
        assert rows.shape == (5, np.prod(shape))
        assert (rows.min(), rows.max()) == (X.min() / np.float32(255), X.max() / np.float32(255))

    def test_floats_and_levels_are_encoded_alike(self, X, shape, flat):  # noqa: ARG002
        """uint8 and [0, 1], single and double."""
        encoder = PictureEncoder.fit(X)
        for kind in (np.float32, np.float64):
            np.testing.assert_allclose(encoder.transform((X / 255).astype(kind)), encoder.transform(X), atol=1e-7)
        np.testing.assert_array_equal(encoder.transform(X > 99), (encoder.transform(X) > 99.5 / 255).astype(float))

    def test_decode_inverts_transform(self, X, shape, flat):  # noqa: ARG002
        """In the shape that the pictures came in, cut to [0, 1]."""
        encoder = PictureEncoder.fit(X)

        np.testing.assert_allclose(encoder.decode(encoder.transform(X)), X / 255, atol=1e-7)
        assert encoder.decode(encoder.transform(X) * 9 - 4).min() == 0
        assert encoder.decode(encoder.transform(X) * 9 - 4).max() == 1

    def test_numbers_per_pixel_return_to_their_pixels(self, X, shape, flat):  # noqa: ARG002
        encoder = PictureEncoder.fit(X)
        back = encoder.unshuffled(encoder.transform(X) * -7)

        np.testing.assert_allclose(back, X / 255 * -7, rtol=1e-6)

    def test_json_says_everything(self, X, shape, flat):  # noqa: ARG002
        encoder = PictureEncoder.fit(X)

        assert encoding.from_json(json.loads(json.dumps(encoder.to_json()))) == encoder


def test_one_channel_may_have_an_axis_or_not():
    """(N, H, W) and (N, H, W, 1) hold the same."""
    flat, deep = PictureEncoder.fit(GRAY), PictureEncoder.fit(GRAY[..., None])

    assert flat.layout == deep.layout
    for encoder in (flat, deep):
        np.testing.assert_array_equal(encoder.transform(GRAY), encoder.transform(GRAY[..., None]))
    assert deep.decode(deep.transform(GRAY)).shape == (5, 6, 8, 1)
    assert flat.decode(flat.transform(GRAY[..., None])).shape == (5, 6, 8)


def test_a_missing_pixel_stays_missing():
    X = GRAY / 255
    X[1, 2, 3] = np.nan

    assert np.isnan(PictureEncoder.fit(X).transform(X)).sum() == 1


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.concatenate([COLOR, COLOR], -1), "1, 3 or 4 channels, but these have 6"),
        (COLOR[..., :2], "1, 3 or 4 channels, but these have 2"),
        (COLOR.transpose(0, 3, 1, 2), "channels must come last"),
        (GRAY[:, :3], "at least 4 x 4 pixels, but these are 3 x 8"),
        (GRAY[:, :, :2], "at least 4 x 4 pixels, but these are 6 x 2"),
        (np.full_like(GRAY, 9), "nothing to learn"),
    ],
)
def test_what_cannot_be_learned_is_refused(X, words):
    with pytest.raises(DataError, match=words):
        PictureEncoder.fit(X)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (GRAY[:, :, :7], r"\(6, 8\) are expected, but these are \(6, 7\)"),
        (GRAY.transpose(0, 2, 1), r"\(6, 8\) are expected, but these are \(8, 6\)"),
        (COLOR, r"\(6, 8\) are expected, but these are \(6, 8, 3\)"),
        (GRAY.astype(int), "uint8 or numbers in"),
        (GRAY.astype(float), r"must lie in \[0, 1\], but these reach from 0 to 255"),
        (GRAY / 255 - 1, r"must lie in \[0, 1\], but these reach from -1"),
        (np.full(GRAY.shape, np.inf), r"must lie in \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_refused(X, words):
    with pytest.raises(DataError, match=words):
        PictureEncoder.fit(GRAY).transform(X)
