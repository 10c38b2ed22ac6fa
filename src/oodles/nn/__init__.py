"""Networks that are stacks of M independent copies: every tensor starts with a member axis."""

from .convolutions import Conv, ConvTranspose
from .draws import Draws
from .layers import Layer, Linear, initialize
from .missing import knowing_missing, may_be_missing
from .networks import ACTIVATIONS, Dense, color_decoder, color_encoder, gray_decoder, gray_encoder
from .normalization import BatchNorm, SpectralNorm
from .reshaping import Observed, Picture, Upsample

__all__ = [
    "ACTIVATIONS",
    "BatchNorm",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Draws",
    "Layer",
    "Linear",
    "Observed",
    "Picture",
    "SpectralNorm",
    "Upsample",
    "color_decoder",
    "color_encoder",
    "gray_decoder",
    "gray_encoder",
    "initialize",
    "knowing_missing",
    "may_be_missing",
]
