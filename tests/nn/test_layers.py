"""Layers with a member axis: they compute what their names say, and members never meet."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad

from oodles.layout import Column, Layout
from oodles.nn import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Draws,
    Linear,
    Observed,
    Picture,
    SpectralNorm,
    Upsample,
    color_decoder,
    color_encoder,
    gray_decoder,
    gray_encoder,
    initialize,
)
from oodles.nn.layers import glorot, normal

SEEDS = [11, 12, 13]


def drawn(*shape, seed=0):
    """Standard normal numbers in float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def same_by_hand(x, weight, bias, stride):
    """TensorFlow's "SAME": ⌈size / stride⌉ outputs, the surplus of an odd padding at the bottom and the right."""
    sizes, kernel = x.shape[-2:], weight.shape[-1]
    total = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in sizes]
    (top, bottom), (left, right) = ((t // 2, t - t // 2) for t in total)
    return conv2d(pad(x, (left, right, top, bottom)), weight, bias, stride)


class TestLinear:
    def test_every_member_has_its_own_affine_map(self):
        """Member m gives x W_m + b_m."""
        layer = Linear(4, 3, 2)
        initialize(layer, Draws([0, 1]))
        x = drawn(2, 5, 4).float()
        for m in range(2):
            torch.testing.assert_close(layer(x)[m], x[m] @ layer.weight[m, :, :3] + layer.bias[m, :, :3])

    def test_the_filling_is_zero_and_stays_zero(self):
        """Columns up to the next multiple of 16 carry nothing, and no gradient reaches them."""
        network = Dense(5, 3, (13, 20), 2)
        initialize(network, Draws([0, 1]))
        network(drawn(2, 16, 5).float()).square().sum().backward()
        for layer in network.layers:
            for parameter in (layer.weight, layer.bias):
                for numbers in (parameter.detach(), parameter.grad):
                    assert (numbers[..., layer.outputs :] == 0).all()
                    assert (numbers[..., : layer.outputs] != 0).any()
            assert (layer.weight[:, layer.inputs :] == 0).all()
            assert (layer.weight.grad[:, layer.inputs :] == 0).all()


class TestConv:
    @pytest.mark.parametrize("size", [(5, 8), (6, 7), (4, 4)])
    @pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (4, 1), (4, 2), (3, 3), (1, 2)])
    def test_padding_is_that_of_tensorflow(self, size, kernel, stride):
        """⌈size / stride⌉ outputs, equal to a padded convolution member by member, for odd and even sizes."""
        layer = Conv(2, 3, kernel, 2, stride=stride).double()
        initialize(layer, Draws([0, 1]))
        x = drawn(2, 4, 2, *size)
        y = layer(x)
        assert y.shape == (2, 4, 3, *(-(-s // stride) for s in size))
        for m in range(2):
            torch.testing.assert_close(y[m], same_by_hand(x[m], layer.weight[m], layer.bias[m], stride))

    def test_an_even_kernel_reaches_further_to_the_right_and_the_bottom(self):
        """A 2x2 kernel of ones sums a pixel with its right, lower and lower right neighbours: TensorFlow's habit."""
        layer = Conv(1, 1, 2, 1, bias=False)
        nn.init.ones_(layer.weight)
        x = torch.arange(1.0, 10.0).reshape(1, 1, 1, 3, 3)
        assert layer(x)[0, 0, 0].tolist() == [[12, 16, 9], [24, 28, 15], [15, 17, 9]]


class TestConvTranspose:
    @pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (4, 2), (3, 1), (3, 3), (2, 2)])
    def test_it_is_the_adjoint_of_the_convolution(self, kernel, stride):
        """⟨Conv x, y⟩ = ⟨x, ConvTranspose y⟩ with the same weights and no biases."""
        forward = Conv(2, 3, kernel, 2, stride=stride, bias=False).double()
        backward = ConvTranspose(3, 2, kernel, 2, stride=stride).double()
        initialize(forward, Draws([0, 1]))
        with torch.no_grad():
            backward.weight.copy_(forward.weight)
            backward.bias.zero_()
        x, y = drawn(2, 4, 2, 5 * stride, 4 * stride), drawn(2, 4, 3, 5, 4, seed=1)
        left, right = ((a * b).sum((1, 2, 3, 4)) for a, b in ((forward(x), y), (x, backward(y))))
        torch.testing.assert_close(left, right)

    def test_its_bias_is_added_to_every_pixel(self):
        """Without weights, only the member's bias remains."""
        layer = ConvTranspose(2, 3, 5, 2, stride=2)
        initialize(layer, Draws([0, 1]))
        nn.init.zeros_(layer.weight)
        assert torch.equal(layer(torch.ones(2, 1, 2, 3, 3)), layer.bias[:, None, :, None, None].expand(2, 1, 3, 6, 6))


class TestInitializers:
    @pytest.mark.parametrize(
        ("layer", "inputs", "outputs"),
        [
            (partial(Linear, 40, 64), 40, 64),
            (partial(Conv, 6, 8, 5), 150, 200),
            (partial(ConvTranspose, 6, 8, 5), 150, 200),
        ],
    )
    def test_weights_have_the_spread_that_their_names_promise(self, layer, inputs, outputs):
        """Uniform in ±1/√fan-in; uniform in ±√(6/(fan-in + fan-out)); N(0, σ²)."""
        bounds = {"fan_in": inputs**-0.5, "glorot": (6 / (inputs + outputs)) ** 0.5}
        for name, made in (("fan_in", layer(2)), ("glorot", layer(2, init=glorot))):
            initialize(made, Draws([0, 1]))
            assert made.weight.abs().max() <= bounds[name]
            assert made.weight.std().item() == pytest.approx(bounds[name] / 3**0.5, rel=0.05)
        assert (made.bias == 0).all()
        gaussian = layer(2, init=normal(0.3))
        initialize(gaussian, Draws([0, 1]))
        assert gaussian.weight.std().item() == pytest.approx(0.3, rel=0.05)


class TestBatchNorm:
    def test_training_normalizes_each_member_over_its_own_batch(self):
        """Mean 0 and variance 1 per member and channel; γ and β act afterwards; running moments move by 1 %."""
        layer = BatchNorm(3, 2).double().train()
        x = drawn(2, 50, 3, 4, 4) * 10 + torch.tensor([5.0, -7.0]).view(2, 1, 1, 1, 1)
        y = layer(x)
        torch.testing.assert_close(y.mean((1, 3, 4)), torch.zeros(2, 3).double(), atol=1e-12, rtol=0)
        torch.testing.assert_close(y.var((1, 3, 4), correction=0), torch.ones(2, 3).double(), atol=1e-4, rtol=0)
        torch.testing.assert_close(layer.mean, 0.01 * x.mean((1, 3, 4)))
        torch.testing.assert_close(layer.variance, 0.99 + 0.01 * x.var((1, 3, 4), correction=0))
        nn.init.constant_(layer.weight, 3)
        nn.init.constant_(layer.bias, 2)
        torch.testing.assert_close(layer(x), 3 * y + 2)

    def test_evaluation_uses_the_running_moments_and_leaves_them(self):
        """A row's result no longer depends on its batch."""
        layer = BatchNorm(3, 2).double().eval()
        layer.mean.copy_(drawn(2, 3))
        layer.variance.copy_(drawn(2, 3).square())
        x, before = drawn(2, 6, 3), [b.clone() for b in layer.buffers()]
        expected = (x - layer.mean[:, None]) / (layer.variance[:, None] + 1e-3).sqrt()
        torch.testing.assert_close(layer(x), expected)
        torch.testing.assert_close(layer(x[:, :1]), expected[:, :1])
        assert all(torch.equal(a, b) for a, b in zip(before, layer.buffers(), strict=True))

    def test_affine_only_never_looks_at_the_batch(self):
        """It is γ x + β with the moments 0 and 1, in training too."""
        layer = BatchNorm(3, 2, affine_only=True).double().train()
        nn.init.constant_(layer.weight, 3)
        nn.init.constant_(layer.bias, 2)
        x = drawn(2, 6, 3, 2, 2)
        torch.testing.assert_close(layer(x), 3 * x + 2)
        assert (layer.mean == 0).all()
        assert (layer.variance == 1).all()


class TestSpectralNorm:
    def test_sigma_converges_to_the_largest_singular_value(self):
        """After enough passes in training, for each member; evaluation no longer moves the iteration."""
        layer = SpectralNorm(Conv(3, 6, 4, 2)).double()
        initialize(layer, Draws([0, 1]))
        exact = torch.linalg.svdvals(layer.conv.weight.flatten(2))[:, 0]
        assert (layer.sigma() < exact).all()
        for _ in range(300):
            layer(torch.zeros(2, 1, 3, 4, 4).double())
        torch.testing.assert_close(layer.sigma(), exact)
        u = layer.eval().u.clone()
        layer.sigma()
        assert torch.equal(u, layer.u)

    def test_the_kernel_is_divided_by_sigma(self):
        """The convolution has kernels of norm 1, and the gradient flows through σ."""
        layer = SpectralNorm(Conv(3, 6, 4, 2)).double().eval()
        initialize(layer, Draws([0, 1]))
        x, sigma = drawn(2, 5, 3, 4, 4), layer.sigma()
        for m in range(2):
            expected = same_by_hand(x[m], layer.conv.weight[m] / sigma[m], layer.conv.bias[m], 1)
            torch.testing.assert_close(layer(x)[m], expected)
        gradient = torch.autograd.grad(
            (layer(x) - layer.conv.bias[:, None, :, None, None]).square().sum(), layer.conv.weight
        )[0]
        along = (gradient * layer.conv.weight).sum()  # a longer kernel changes nothing
        torch.testing.assert_close(along, torch.zeros_like(along), atol=1e-6, rtol=0)


LAYERS = {
    "linear": (partial(Linear, 7, 5), (9, 7)),
    "conv": (partial(Conv, 3, 5, 5, stride=2), (4, 3, 7, 6)),
    "transpose": (partial(ConvTranspose, 3, 5, 5, stride=2), (4, 3, 4, 3)),
    "mlp": (partial(Dense, 16, 32, (128, 64)), (48, 16)),
    "mlp-odd": (partial(Dense, 7, 5, (13, 11)), (48, 7)),
    "mlp-one": (partial(Dense, 5, 1, (64, 1, 64)), (48, 5)),
    "gray": (
        lambda members: nn.Sequential(gray_encoder((1, 9, 9), 3, members), gray_decoder(3, (1, 9, 9), 1, members)),
        (2, 81),
    ),
    "norm": (lambda members: nn.Sequential(Conv(3, 5, 4, members, bias=False), BatchNorm(5, members)), (4, 3, 6, 6)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_stack_is_its_members_alone_bit_for_bit(name):
    """Start, output, gradient and one Adam step of member m equal those of a stack of one with the same seed."""
    make, shape = LAYERS[name]

    def after_a_step(seeds, x):
        network = make(members=len(seeds))
        initialize(network, Draws(seeds))
        start = [tensor.detach().clone() for tensor in network.state_dict().values()]
        y = network(x)
        y.square().mean((*range(1, y.dim()),)).sum().backward()
        gradients = [parameter.grad for parameter in network.parameters()]
        torch.optim.Adam(network.parameters(), fused=True).step()
        return [*start, y.detach(), *gradients, *network.state_dict().values()]

    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    together = after_a_step(SEEDS, x)
    for m, seed in enumerate(SEEDS):
        alone = after_a_step([seed], x[m : m + 1])
        assert all(torch.equal(a[m : m + 1], b) for a, b in zip(together, alone, strict=True))


class TestDraws:
    def test_a_stream_does_not_know_the_others(self):
        """Member m draws what it would draw alone, whatever its company, for every kind of draw in turn."""

        def some(draws):
            return [draws.normal(3, 5), draws.uniform(17), draws.permutations(40), draws.normal(100)]

        together = some(Draws(SEEDS))
        for m, seed in enumerate(SEEDS):
            assert all(torch.equal(a[m], b[0]) for a, b in zip(together, some(Draws([seed])), strict=True))
        assert not torch.equal(together[0][0], together[0][1])

    def test_a_restored_stream_continues_where_it_stood(self):
        """`state` and `restore` are inverse: the numbers after it repeat."""
        draws = Draws(SEEDS)
        draws.normal(5)
        state, after = draws.state(), draws.normal(5)
        draws.restore(state)
        assert torch.equal(draws.normal(5), after)
        other = Draws([0, 0, 0])
        other.restore(state)
        assert torch.equal(other.normal(5), after)
        assert draws.members == 3

    def test_the_global_generator_is_left_alone(self):
        """Neither read nor written, whatever is drawn."""
        torch.manual_seed(0)
        before, first = torch.get_rng_state(), Draws([5]).normal(4)
        initialize(gray_encoder((1, 4, 4), 2, 1), Draws([5]))
        assert torch.equal(before, torch.get_rng_state())
        torch.manual_seed(1)
        assert torch.equal(first, Draws([5]).normal(4))


class TestNetworks:
    @pytest.mark.parametrize("shape", [(1, 28, 28), (1, 9, 13), (3, 32, 32), (3, 7, 10), (1, 4, 4)])
    @pytest.mark.parametrize(
        ("encoder", "decoder"),
        [
            (gray_encoder, gray_decoder),
            (color_encoder, color_decoder),
            (partial(color_encoder, spectral=True), color_decoder),
        ],
    )
    def test_rows_come_back_in_their_own_width(self, shape, encoder, decoder):
        """Whatever the size of the pictures, odd ones included: (M, B, D) → (M, B, L) → (M, B, P·D)."""
        pixels = shape[0] * shape[1] * shape[2]
        networks = nn.Sequential(encoder(shape, 5, 2), decoder(5, shape, 2, 2))
        initialize(networks, Draws([0, 1]))
        with torch.no_grad():
            z = networks[0](torch.rand(2, 3, pixels))
            assert z.shape == (2, 3, 5)
            assert networks[1](z).shape == (2, 3, 2 * pixels)

    def test_pictures_are_read_row_by_row_and_doubled_pixel_by_pixel(self):
        """`Picture` and `Upsample` keep members, rows and channels apart."""
        x = torch.arange(2 * 3 * 2 * 4.0).reshape(2, 3, 8)
        doubled = Upsample()(Picture(2, 2, 2)(x))
        assert torch.equal(doubled[1, 2, 1, ::2, 1::2], x[1, 2, 4:].reshape(2, 2))
        assert doubled.shape == (2, 3, 2, 4, 4)


class TestObserved:
    layout = Layout((Column("a", "real"), Column("b", "real"), Column("c", "real")))

    def test_missing_cells_become_zero_with_an_indicator(self):
        """NaN becomes 0; columns that had missing cells in training also say so."""
        x = torch.tensor([[[1.0, torch.nan, 3.0], [torch.nan, 2.0, torch.nan]]])
        assert Observed(self.layout)(x).tolist() == [[[1, 0, 3], [0, 2, 0]]]
        observed = Observed(self.layout, [1, 2])
        assert observed(x).tolist() == [[[1, 0, 3, 1, 0], [0, 2, 0, 0, 1]]]
        assert observed.width == 5

    def test_wild_cells_are_cut_for_the_network(self):
        """Beyond four deviations a network sees no difference."""
        x = torch.tensor([[[3.9, 40.0, -1e30]]])
        assert Observed(self.layout)(x).tolist() == [[[pytest.approx(3.9), 4, -4]]]
