"""Generators and trunks for pictures: the authors' layers, any size of picture, gradients of gradients."""

from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import conv_transpose2d, leaky_relu, softplus

from oodles.nn import (
    ACTIVATIONS,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Draws,
    Leaky,
    Linear,
    dcgan_generator,
    dcgan_trunk,
    initialize,
    standard_generator,
    standard_trunk,
)
from oodles.training.tape import PLAIN, Recorded

SHAPES = [(1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 8, 8), (1, 9, 10)]
CELEBA = (partial(dcgan_generator, levels=5), partial(dcgan_trunk, levels=5))
PAIRS = {"dcgan": (dcgan_generator, dcgan_trunk), "standard": (standard_generator, standard_trunk), "celeba": CELEBA}


def started(network, members):
    """The network with parameters, one seed per member."""
    initialize(network, Draws(range(11, 11 + members)))
    return network


def normal(*shape):
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def layers(network):
    """Inputs, outputs, kernel and stride of the convolutions in order; a transposed one has stride -2."""
    told = []
    for layer in network:
        if isinstance(layer, ConvTranspose):
            told.append((*layer.weight.shape[1:4], -layer.stride))
        elif isinstance(layer, Conv):
            told.append((layer.weight.shape[2], layer.weight.shape[1], layer.kernel, layer.stride))
    return told


def size(network):
    """Parameters of a member."""
    return sum(parameter[0].numel() for parameter in network.parameters())


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("shape", SHAPES)
def test_codes_become_rows_in_range_and_rows_become_features(pair, shape):
    """(M, B, L) → (M, B, C·H·W) in [-1, 1] → (M, B, F), whatever the size of the pictures."""
    generator, trunk = PAIRS[pair]
    generate, see = started(generator(6, shape, 2, width=2), 2), started(trunk(shape, 2, width=2), 2)
    with torch.no_grad():
        x = generate(100 * normal(2, 3, 6))
        assert x.shape == (2, 3, shape[0] * shape[1] * shape[2])
        assert x.abs().max() <= 1
        levels = {"dcgan": 4, "standard": 3, "celeba": 5}[pair]
        height, width = (-(-pixels // 2**levels) for pixels in shape[1:])
        assert see(x).shape == (2, 3, see.features)
        assert see.features == 16 * height * width


class TestLayersAreTheAuthors:
    def test_gray_generator(self):
        """512·2·2 from a dense layer; 5x5 kernels to 256, 128, 64 and 1 channels; 2 → 4 → 7 → 14 → 28 pixels."""
        network = dcgan_generator(128, (1, 28, 28), 1)
        assert layers(network) == [(512, 256, 5, -2), (256, 128, 5, -2), (128, 64, 5, -2), (64, 1, 5, -2)]
        assert [x.size for x in network if isinstance(x, ConvTranspose)] == [(4, 4), (7, 7), (14, 14), (28, 28)]
        kinds = [type(layer).__name__ for layer in network]
        normal = ["BatchNorm", "Rectifier"]
        up = ["ConvTranspose", *normal]
        assert kinds == ["Linear", "Picture", *normal, *up, *up, *up, "ConvTranspose", "Flatten", "Tanh"]
        dense = (128 + 1) * 512 * 2 * 2
        kernels = 25 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 1)
        biases, norms = 256 + 128 + 64 + 1, 2 * (512 + 256 + 128 + 64)
        assert size(network) == dense + kernels + biases + norms == 4_568_961

    def test_gray_trunk(self):
        """5x5 kernels of stride 2 to 64, 128, 256 and 512 channels, slope 0.2, nothing else."""
        network = dcgan_trunk((1, 28, 28), 1)
        assert layers(network) == [(1, 64, 5, 2), (64, 128, 5, 2), (128, 256, 5, 2), (256, 512, 5, 2)]
        assert [layer.slope for layer in network if isinstance(layer, Leaky)] == [0.2] * 4
        assert size(network) == 25 * (64 + 64 * 128 + 128 * 256 + 256 * 512) + 64 + 128 + 256 + 512 == 4_303_360
        assert network.features == 2 * 2 * 512

    def test_color_generator(self):
        """512·4·4 from a dense layer, not normalized; 4x4 kernels to 256, 128, 64; a 3x3 one to the colors."""
        network = standard_generator(128, (3, 32, 32), 1)
        assert layers(network) == [(512, 256, 4, -2), (256, 128, 4, -2), (128, 64, 4, -2), (64, 3, 3, 1)]
        assert [len(layer.weight[0]) for layer in network if isinstance(layer, BatchNorm)] == [256, 128, 64]
        convolutions = 16 * (512 * 256 + 256 * 128 + 128 * 64) + 256 + 128 + 64 + 9 * 64 * 3 + 3
        assert size(network) == 129 * 512 * 16 + convolutions + 2 * (256 + 128 + 64)

    def test_color_trunk(self):
        """3x3 and 4x4 kernels in turn, slope 0.1."""
        network = standard_trunk((3, 32, 32), 1)
        widths = [3, 64, 64, 128, 128, 256, 256, 512]
        kernels = [(3, 1), (4, 2)] * 3 + [(3, 1)]
        channels = pairwise(widths)
        assert layers(network) == [(*pair, *kernel) for pair, kernel in zip(channels, kernels, strict=True)]
        assert [layer.slope for layer in network if isinstance(layer, Leaky)] == [0.1] * 7
        assert network.features == 4 * 4 * 512

    def test_a_fifth_level_for_faces(self):
        """One layer from 512 to 512 channels more on either side."""
        generator, trunk = CELEBA[0](128, (3, 64, 64), 1), CELEBA[1]((3, 64, 64), 1)
        assert layers(generator)[0] == (512, 512, 5, -2)
        assert layers(generator)[1:] == layers(dcgan_generator(128, (3, 32, 32), 1))
        assert layers(trunk) == [*layers(dcgan_trunk((3, 32, 32), 1)), (512, 512, 5, 2)]


class TestStart:
    def test_kernels_slopes_and_biases(self):
        """N(0, 0.02²), N(1, 0.02²), and PyTorch's own uniform biases; running moments 0 and 1."""
        for generator, trunk in PAIRS.values():
            for network in (generator(16, (3, 16, 16), 1, width=16), trunk((3, 16, 16), 1, width=16)):
                for layer in started(network, 1):
                    if isinstance(layer, Conv | ConvTranspose) and layer.weight.numel() > 5000:
                        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
                        assert layer.weight.mean().abs() < 0.002
                    if isinstance(layer, BatchNorm):
                        assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)
                        assert 0.01 < layer.weight.std() < 0.04
                        assert not layer.bias.any()
                        assert not layer.mean.any()
                        assert (layer.variance == 1).all()
                        assert (layer.momentum, layer.epsilon) == (0.1, 1e-5)

    @pytest.mark.parametrize(("network", "twin"), [(0, nn.ConvTranspose2d), (1, nn.Conv2d)])
    def test_biases_have_the_bounds_of_pytorch(self, network, twin):
        """The largest of many biases is just below the bound, here and there."""
        made = (dcgan_generator(4, (1, 64, 64), 40, width=4), dcgan_trunk((1, 64, 64), 40, width=4))[network]
        for layer in started(made, 40):
            if isinstance(layer, Conv | ConvTranspose):
                inputs, outputs, kernel, _ = layers([layer])[0]
                with torch.random.fork_rng():
                    theirs = torch.cat([twin(inputs, outputs, kernel).bias.detach() for _ in range(40)])
                assert layer.bias.abs().max().item() == pytest.approx(theirs.abs().max().item(), rel=0.3)


class TestBatchNorm:
    def test_pytorch_with_its_numbers_says_the_same(self):
        """Momentum 0.1 and ε 1e-5: outputs in training and in evaluation, and running means."""
        layer, theirs = started(BatchNorm(5, 1, momentum=0.1, epsilon=1e-5, spread=0.02), 1), nn.BatchNorm2d(5)
        with torch.no_grad():
            theirs.weight.copy_(layer.weight[0])
            x = 3 * normal(1, 64, 5, 4, 4) + 1
            torch.testing.assert_close(layer(x)[0], theirs(x[0]))
            torch.testing.assert_close(layer.mean[0], theirs.running_mean)
            theirs.running_var.copy_(layer.variance[0])  # they divide by n - 1
            torch.testing.assert_close(layer.eval()(x)[0], theirs.eval()(x[0]))

    def test_without_a_spread_nothing_is_drawn(self):
        """A network that has always begun with the identity still does, and its later layers start as they did."""
        first, second = Draws([3]), Draws([3])
        initialize(BatchNorm(5, 1), first)
        assert torch.equal(first.normal(4), second.normal(4))


class TestConvTranspose:
    @pytest.mark.parametrize("target", [(7, 8), (8, 7), (7, 7), (1, 2)])
    @pytest.mark.parametrize("kernel", [4, 5])
    def test_with_a_size_it_is_the_adjoint_of_the_convolution_that_sees_it(self, target, kernel):
        """⟨Conv x, y⟩ = ⟨x, ConvTranspose y⟩ for odd sizes too."""
        forward = started(Conv(2, 3, kernel, 2, stride=2, bias=False).double(), 2)
        backward = started(ConvTranspose(3, 2, kernel, 2, stride=2, size=target).double(), 2)
        with torch.no_grad():
            backward.weight.copy_(forward.weight)
            backward.bias.zero_()
        x = normal(2, 4, 2, *target).double()
        seen = forward(x)
        y = normal(*seen.shape).double()
        torch.testing.assert_close((seen * y).sum((1, 2, 3, 4)), (x * backward(y)).sum((1, 2, 3, 4)))

    def test_the_authors_padding_gives_the_same_from_four_to_seven(self):
        """5x5, stride 2, padding 2, no output padding."""
        layer = started(ConvTranspose(3, 2, 5, 1, stride=2, size=(7, 7)), 1)
        x = normal(1, 2, 3, 4, 4)
        theirs = conv_transpose2d(x[0], layer.weight[0], layer.bias[0], stride=2, padding=2)
        torch.testing.assert_close(layer(x)[0], theirs)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("shape", [(1, 9, 10), (3, 16, 16)])
def test_a_stack_is_its_members_alone_bit_for_bit(pair, shape):
    """Start, rows, energies, gradients and a gradient penalty's gradients of member m are those of a stack of one."""
    generator, trunk = PAIRS[pair]

    def after_a_step(seeds, z):
        members = len(seeds)
        generate, see = generator(6, shape, members, width=4), trunk(shape, members, width=4)
        head = Linear(see.features, 1, members)
        networks, energy = nn.ModuleList([generate, see, head]), nn.Sequential(see, head)
        initialize(networks, Draws(seeds))
        start = [tensor.detach().clone() for tensor in networks.state_dict().values()]
        x = generate(z)
        (slope,) = torch.autograd.grad(energy(x).sum(), x, create_graph=True)
        loss = energy(x).mean((1, 2)) + slope.square().sum(-1).mean(-1)
        gradients = torch.autograd.grad(loss.sum(), [*networks.parameters()])
        return [*start, x.detach(), slope.detach(), *gradients, *networks.buffers(), generate.eval()(z).detach()]

    z = normal(3, 16, 6)
    together = after_a_step([1, 2, 3], z)
    for m in range(3):
        alone = after_a_step([m + 1], z[m : m + 1])
        assert all(torch.equal(a[m : m + 1], b) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("pair", PAIRS)
def test_a_gradient_penalty_moves_every_parameter_of_a_trunk(pair):
    """Its gradient is that of differences: along a random direction, in float64."""
    see = started(PAIRS[pair][1]((3, 9, 10), 2, width=2).double(), 2)
    weight, x = normal(see.features).double(), normal(2, 4, 270).double().requires_grad_()

    def penalty():
        (slope,) = torch.autograd.grad((see(x).tanh() @ weight).sum(), x, create_graph=True)
        return slope.square().sum()

    parameters = [*see.parameters()]
    gradients = torch.autograd.grad(penalty(), parameters)
    assert all(gradient.isfinite().all() and gradient.flatten(1).any(1).all() for gradient in gradients)
    ways = [normal(*parameter.shape).double() for parameter in parameters]
    expected = sum((gradient * way).sum() for gradient, way in zip(gradients, ways, strict=True))
    sides = []
    for step in (1e-7, -2e-7):
        with torch.no_grad():
            torch._foreach_add_(parameters, ways, alpha=step)
        sides.append(penalty().detach())
    torch.testing.assert_close((sides[0] - sides[1]) / 2e-7, expected, rtol=1e-4, atol=0)


def test_few_outputs_have_second_gradients_too():
    """The convolution that scatters is twice differentiable, in inputs and in parameters."""
    layer = started(Conv(3, 2, 3, 1).double(), 1)
    x = normal(1, 2, 3, 4, 4).double().requires_grad_()

    def squares(x, weight):
        return layer.convolve(x, weight).square()

    assert torch.autograd.gradgradcheck(squares, (x, layer.weight.detach().requires_grad_()))


class TestActivations:
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_nothing_becomes_nothing(self, name):
        """0 ↦ 0 exactly, in vectors and in ragged ends: a layer's filling stays 0."""
        for length in (1, 5, 16, 37):
            assert not ACTIVATIONS[name](torch.zeros(length)).any()

    @pytest.mark.parametrize(
        ("name", "formula"),
        [
            ("leaky", lambda x: torch.maximum(x, 0.2 * x)),
            ("leaky-0.1", lambda x: torch.maximum(x, 0.1 * x)),
            ("softplus", lambda x: softplus(x) - softplus(torch.zeros(()))),
        ],
    )
    def test_they_are_their_formulas_called_or_recorded(self, name, formula):
        """A recorded network with gradients of gradients says what the called one says, bit for bit."""
        x = normal(7, 33)
        torch.testing.assert_close(ACTIVATIONS[name](x), formula(x))
        network, rows = started(Dense(5, 1, (20, 20), 2, activation=name), 2), torch.zeros(2, 16, 5)

        def gradients():
            x = rows.detach().requires_grad_()
            (slope,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
            loss = slope.square().sum() + network(x).square().sum()
            return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [*network.parameters()])])

        recorded = Recorded(gradients)
        for i in range(PLAIN + 3):
            rows.copy_(normal(2, 16, 5) * (i + 1))
            expected = gradients()
            assert torch.equal(recorded(), expected)
        assert recorded.tape.calls
        kernels = [getattr(call[0], "__name__", "") for call in recorded.tape.calls]
        assert "again" not in [kernel for kernel in kernels if "leaky" in name]

    def test_pictures_keep_members_and_rows_apart(self):
        """`Leaky` is element-wise on (M, B, C, H, W)."""
        x = normal(2, 3, 4, 5, 6)
        assert torch.equal(Leaky(0.1)(x), leaky_relu(x, 0.1))
