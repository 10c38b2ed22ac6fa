"""Detectors: one paper, one file; theory, `Model`, `Detector`."""

from pathlib import Path

from .. import storage
from ..errors import ArtefactError
from .autoencoder import AutoEncoder, AutoEncoderModel
from .base import Detector
from .keeping import restored
from .negative_sampling_vae import NegativeSamplingVAE, NegativeSamplingVAEModel
from .pyod import PyODView
from .vae import VAE, VAEModel

__all__ = [
    "NAMES",
    "VAE",
    "AutoEncoder",
    "AutoEncoderModel",
    "Detector",
    "NegativeSamplingVAE",
    "NegativeSamplingVAEModel",
    "PyODView",
    "VAEModel",
    "load",
]

NAMES: dict[str, type[Detector]] = {detector.__name__: detector for detector in (AutoEncoder, VAE, NegativeSamplingVAE)}
"""Every detector by name: what the command line, the contract tests and saved models go by."""


def load(path: str | Path, *, device: str = "auto") -> Detector:
    """A saved detector, ready to score, on any device.

    Raises:
        ArtefactError: If the folder is no model, was edited or cut short, or is newer than this version.
    """
    config, tensors = storage.read(Path(path))
    if config["class"] not in NAMES:
        raise ArtefactError(
            f"{path} holds a {config['class']!r}, which this version does not know. Install a newer one."
        )
    try:
        return restored(NAMES[config["class"]], config, tensors, device=device)
    except (KeyError, TypeError) as error:
        raise ArtefactError(f"{path} does not describe a whole model ({error}). Save it again.") from error
