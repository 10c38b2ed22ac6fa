"""Networks that are stacks of M independent copies: every tensor starts with a member axis."""

from .draws import Draws
from .layers import BatchNorm, Conv, ConvTranspose, Layer, Linear, SpectralNorm, initialize
from .networks import color_decoder, color_encoder, gray_decoder, gray_encoder, mlp
from .reshaping import Observed, Picture, Upsample

__all__ = [
    "BatchNorm",
    "Conv",
    "ConvTranspose",
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
    "mlp",
]
