"""Which networks a detector is made of, by name."""

from collections.abc import Callable
from functools import partial

from torch import nn

from ..errors import ParameterError
from ..layout import Layout
from ..likelihoods import Likelihood
from ..nn import Dense, Observed, color_decoder, color_encoder, gray_decoder, gray_encoder
from ..nn.networks import face_decoder, face_encoder

__all__ = ["NETWORKS", "chosen_network", "codec"]

NETWORKS: dict[str, tuple[Callable[..., nn.Sequential], Callable[..., nn.Sequential]]] = {
    "gray": (gray_encoder, partial(gray_decoder, width=256)),
    "gray-light": (gray_encoder, gray_decoder),
    "color": (color_encoder, color_decoder),
    "color-affine": (partial(color_encoder, affine_only=True), partial(color_decoder, affine_only=True)),
    "faces": (face_encoder, face_decoder),
    "color-spectral": (partial(color_encoder, spectral=True), partial(color_decoder, norm=False)),
}
"""Encoders `(shape, outputs, members)` and decoders `(inputs, shape, parameters, members)` for pictures."""


def chosen_network(name: str, layout: Layout) -> str:
    """The network's name, `auto` resolved."""
    if name != "auto":
        return name
    return "mlp" if not layout.shape else "color" if layout.shape[0] == 3 else "gray-light"


def codec(
    name: str,
    layout: Layout,
    likelihood: Likelihood,
    *,
    codes: int,
    latent: int,
    hidden: tuple[int, ...],
    activation: str,
    members: int,
    missing: list[int],
) -> tuple[nn.Module, nn.Module]:
    """An encoder from rows to `codes` numbers and a decoder from `latent` codes to the likelihood's parameters.

    Raises:
        ParameterError: If the network is unknown, or is for pictures and the layout is a table.
    """
    name = chosen_network(name, layout)
    if name not in ("mlp", *NETWORKS):
        raise ParameterError(f"network is {name!r}, but must be auto, mlp or one of {', '.join(NETWORKS)}.")
    if name == "mlp":
        observed = Observed(layout, missing)
        return (
            nn.Sequential(observed, Dense(observed.width, codes, hidden, members, activation=activation)),
            Dense(latent, likelihood.parameters_per_row, hidden[::-1], members, activation=activation),
        )
    if not layout.shape:
        raise ParameterError(f"network={name!r} is for pictures; for a table use 'mlp'.")
    encoder, decoder = NETWORKS[name]
    parameters = likelihood.parameters_per_row // layout.width
    return (
        nn.Sequential(Observed(layout), encoder(layout.shape, codes, members)),
        decoder(latent, layout.shape, parameters, members),
    )
