"""Networks that are stacks of M independent copies: every tensor starts with a member axis."""

from .adversarial import Trunk, dcgan_generator, dcgan_trunk, standard_generator, standard_trunk
from .averaging import Averaged
from .convolutions import Conv, ConvTranspose
from .draws import Draws
from .dropout import Dropout
from .heads import Made
from .layers import Layer, Linear, initialize
from .missing import knowing_missing, may_be_missing
from .networks import ACTIVATIONS, Dense, color_decoder, color_encoder, gray_decoder, gray_encoder
from .normalization import BatchNorm, SpectralNorm
from .reshaping import Leaky, Observed, Picture, Upsample
from .seeing import Seen

__all__ = [
    "ACTIVATIONS",
    "Averaged",
    "BatchNorm",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Draws",
    "Dropout",
    "Layer",
    "Leaky",
    "Linear",
    "Made",
    "Observed",
    "Picture",
    "Seen",
    "SpectralNorm",
    "Trunk",
    "Upsample",
    "color_decoder",
    "color_encoder",
    "dcgan_generator",
    "dcgan_trunk",
    "gray_decoder",
    "gray_encoder",
    "initialize",
    "knowing_missing",
    "may_be_missing",
    "standard_generator",
    "standard_trunk",
]
