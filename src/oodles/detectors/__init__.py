"""Detectors: one paper, one file; theory, `Model`, `Detector`."""

from pathlib import Path

from .. import storage
from ..errors import ArtefactError
from .adversaries import Chain
from .autoencoder import AutoEncoder, AutoEncoderModel
from .base import Detector
from .bigan import BiGAN, BiGANModel
from .dagmm import DAGMM, DAGMMModel
from .dsebm import DSEBM, DSEBMModel
from .engan import EnGAN, EnGANModel
from .keeping import restored
from .kernel_pca import KernelPCA, KernelPCAModel
from .latent_one_class_svm import LatentOneClassSVM, LatentOneClassSVMModel
from .negative_sampling_vae import NegativeSamplingVAE, NegativeSamplingVAEModel
from .one_class_svm import OneClassSVM, OneClassSVMModel
from .pyod import PyODView
from .semi_supervised_vae import SemiSupervisedVAE, SemiSupervisedVAEModel
from .vae import VAE, VAEModel
from .wgan_gp import WGANGP, WGANGPModel

__all__ = [
    "DAGMM",
    "DSEBM",
    "NAMES",
    "VAE",
    "WGANGP",
    "AutoEncoder",
    "AutoEncoderModel",
    "BiGAN",
    "BiGANModel",
    "Chain",
    "DAGMMModel",
    "DSEBMModel",
    "Detector",
    "EnGAN",
    "EnGANModel",
    "KernelPCA",
    "KernelPCAModel",
    "LatentOneClassSVM",
    "LatentOneClassSVMModel",
    "NegativeSamplingVAE",
    "NegativeSamplingVAEModel",
    "OneClassSVM",
    "OneClassSVMModel",
    "PyODView",
    "SemiSupervisedVAE",
    "SemiSupervisedVAEModel",
    "VAEModel",
    "WGANGPModel",
    "load",
]

NAMES: dict[str, type[Detector]] = {
    detector.__name__: detector
    for detector in (
        AutoEncoder,
        VAE,
        NegativeSamplingVAE,
        SemiSupervisedVAE,
        EnGAN,
        BiGAN,
        WGANGP,
        DSEBM,
        DAGMM,
        LatentOneClassSVM,
        OneClassSVM,
        KernelPCA,
    )
}
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
