"""Sources of negatives: shape, range, and the same numbers for the same seeds."""

from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch

from oodles.layout import Column, Layout
from oodles.nn import Draws, knowing_missing
from oodles.sampling import SOURCES, Frozen, FrozenPool, Given, Noise, Own, Uniform

GRAY = Layout((Column("pixels", "pixel", 16, scale=255.0),), (1, 4, 4))
TABLE = Layout((Column("a", "real"), Column("b", "real"), Column("c", "binary"), Column("d", "category", 3)))
LATENT = 2


class Decoder:
    """A generative model of two members whose rows are a fixed function of the codes."""

    def __init__(self, layout, seeds=(1, 2)):
        self.draws = Draws(seeds)
        self.likelihood = SimpleNamespace(layout=layout, mean=torch.sigmoid)
        feature = [n for n, column in enumerate(layout.columns) for _ in range(column.width)]
        self.feature = torch.tensor(feature)
        self.real = torch.tensor([layout.columns[n].kind == "real" for n in feature])
        self.weight = torch.randn(LATENT, layout.width, generator=torch.Generator().manual_seed(0))

    def decoder(self, z):
        return z @ self.weight


def batch(layout, rows=40, members=2):
    """Rows of that layout."""
    generator = torch.Generator().manual_seed(5)
    x = torch.rand(members, rows, layout.width, generator=generator)
    if not layout.shape:
        x[..., 2] = (x[..., 2] > 0.5).float()
        x[..., 3:] = torch.eye(3)[torch.randint(3, (members, rows), generator=generator)]
    return x


def codes(rows=40):
    """Codes from the prior."""
    return torch.randn(2, rows, LATENT, generator=torch.Generator().manual_seed(6))


def sources(layout):
    """Every source, ready for use."""
    return {
        **{name: source for name, source in SOURCES.items() if not isinstance(source, Frozen)},
        "frozen": FrozenPool(2, 50, layout.width, 3),
        "given": Given([torch.rand(7, layout.width), torch.rand(9, layout.width)]),
    }


@pytest.mark.parametrize("layout", [GRAY, TABLE], ids=["pictures", "table"])
@pytest.mark.parametrize("name", [*SOURCES, "given"])
class TestEverySource:
    def test_gives_a_batch_like_the_data_without_a_gradient(self, layout, name):
        """(M, B, D), finite."""
        x = batch(layout)
        with knowing_missing(x):
            found = sources(layout)[name](Decoder(layout), x, codes())
        assert found.shape == x.shape
        assert found.isfinite().all()
        assert not found.requires_grad

    def test_equal_seeds_give_equal_negatives(self, layout, name):
        """Member by member: a stack draws what its members draw alone."""
        x = batch(layout)
        torch.manual_seed(1)
        first = sources(layout)[name](Decoder(layout), x, codes())
        torch.manual_seed(1)
        again = sources(layout)[name](Decoder(layout), x, codes())
        assert torch.equal(first, again)
        if name not in ("own", "adversarial"):
            torch.manual_seed(1)
            other = sources(layout)[name](Decoder(layout, seeds=(3, 4)), x, codes())
            assert not torch.equal(first, other)

    def test_a_member_does_not_see_the_others(self, layout, name):
        """The second member's negatives do not depend on the first one's rows."""
        torch.manual_seed(1)
        x = batch(layout)
        before = sources(layout)[name](Decoder(layout), x, codes())[1]
        torch.manual_seed(1)
        changed = x.clone()
        changed[0] += 1
        assert torch.equal(before, sources(layout)[name](Decoder(layout), changed, codes())[1])


def test_uniform_pixels_are_the_authors_levels():
    """0 … 254 of 255, each as often as the others."""
    x = torch.zeros(1, 2000, 16)
    levels = Uniform()(Decoder(GRAY, seeds=(1,)), x, codes()) * 255
    assert torch.equal(levels, levels.round())
    assert (levels.min(), levels.max()) == (0, 254)
    assert levels.mean().item() == pytest.approx(127, abs=1.5)


def test_uniform_rows_fill_the_box_and_keep_levels_whole():
    """Real cells lie between the batch's least and largest; a category has one level, a binary cell is 0 or 1."""
    x = batch(TABLE)
    x[..., 0] = x[..., 0] * 3 - 7
    found = Uniform()(Decoder(TABLE), x, codes())
    assert (found[..., :2] >= x[..., :2].amin(1, keepdim=True)).all()
    assert (found[..., :2] <= x[..., :2].amax(1, keepdim=True)).all()
    assert set(found[..., 2].unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(found[..., 3:].sum(-1), torch.ones(2, 40))
    pairs = torch.stack([found[..., 2], found[..., 3:].argmax(-1)], -1)
    assert not torch.equal(pairs, torch.stack([x[..., 2], x[..., 3:].argmax(-1)], -1))


def test_noise_has_its_spread_and_stays_a_picture():
    """σ = 0.25 around the data, cut to [0, 1]; on a table only real cells move."""
    x = torch.full((2, 4000, 16), 0.5)
    found = Noise()(Decoder(GRAY), x, codes())
    assert found.std().item() == pytest.approx(0.25, rel=0.1)
    assert found.min() >= 0
    assert found.max() <= 1
    rows = batch(TABLE)
    moved = Noise(1.0)(Decoder(TABLE), rows, codes())
    assert torch.equal(moved[..., 2:], rows[..., 2:])
    assert not torch.equal(moved[..., :2], rows[..., :2])


def test_own_samples_are_the_means_of_the_codes():
    """G(z), with or without a pull; only the adversarial scheme pulls."""
    model, z = Decoder(GRAY), codes()
    assert torch.equal(Own()(model, batch(GRAY), z), torch.sigmoid(z @ model.weight))
    assert SOURCES["adversarial"].pull == 1.0
    assert SOURCES["own"].pull == 0.0


def test_given_sets_share_a_batch_equally():
    """Two sets of very different sizes give half of the rows each; rows come back as they are."""
    pools = [torch.zeros(3, 16), torch.ones(1000, 16)]
    found = Given(pools)(Decoder(GRAY), batch(GRAY, rows=50), codes())
    assert (found == 0).all(-1).sum(1).tolist() == [25, 25]
    three = Given([torch.zeros(1, 16), torch.ones(1, 16), 2 * torch.ones(1, 16)])
    assert three(Decoder(GRAY), batch(GRAY, rows=50), codes()).shape == (2, 50, 16)
    assert deepcopy(three) is three


def test_missing_cells_of_given_rows_are_filled_only_where_none_may_be_missing():
    """A column's middle where the data have no missing cells, else NaN, which models understand."""
    given, x = Given([torch.full((1, 16), torch.nan)]), batch(GRAY)
    with knowing_missing(x):
        assert (given(Decoder(GRAY), x, codes()) == 0).all()
        assert (given.first(x) == 0).all()
    with knowing_missing(x * torch.nan):
        assert given(Decoder(GRAY), x, codes()).isnan().all()


def test_a_frozen_pool_stops_changing():
    """In the first steps it takes what the model makes; afterwards it only gives."""
    model, pool = Decoder(GRAY), FrozenPool(2, 100, 16, 2)
    generator = torch.Generator().manual_seed(3)
    kept = []
    for _ in range(4):
        z = torch.randn(2, 40, LATENT, generator=generator)
        found = pool(model, batch(GRAY), z)
        kept.append(pool.rows.clone())
        made = {tuple(row.tolist()) for row in pool.rows[1]}
        assert all(tuple(row.tolist()) in made for row in found[1])
    assert torch.equal(kept[0][:, :40], kept[3][:, :40])
    assert not torch.equal(kept[0], kept[1])
    assert torch.equal(kept[1], kept[3])
    assert (kept[3][:, 80:] == 0).all()
