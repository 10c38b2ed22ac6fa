"""A fitted detector ↔ a configuration and named tensors."""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from .. import __version__
from ..calibration import Calibration
from ..encoding import TableEncoder, from_json
from ..errors import ArtefactError
from . import parameters

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["configuration", "restored", "tensors"]

D = TypeVar("D", bound="Detector")


def configuration(detector: "Detector") -> dict[str, Any]:
    """Everything but numbers by the thousand, as JSON."""
    return {
        "class": type(detector).__name__,
        "parameters": parameters.as_json(detector),
        "encoder": detector.encoder_.to_json(),
        "built": detector.resolved(detector.encoder_.layout),
        "members": detector.model_.members,
        "missing": detector.model_.missing,
        "n_features_in": detector.n_features_in_,
        "history": detector.history_,
        "versions": {"oodles": __version__, "torch": torch.__version__, "numpy": np.__version__},
    }


def tensors(detector: "Detector") -> dict[str, Tensor]:
    """Weights and calibration."""
    return {
        **{f"model.{name}": tensor for name, tensor in detector.model_.state_dict().items()},
        "calibration.scores": torch.from_numpy(detector.calibration_.scores),
        "calibration.usual": torch.from_numpy(detector.usual_),
        "calibration.offset": torch.tensor(detector.offset_, dtype=torch.float64),
    }


def restored(kind: type[D], config: dict[str, Any], tensors: dict[str, Tensor], *, device: str) -> D:
    """The detector that `configuration` and `tensors` described, on another device if need be."""
    given = {**parameters.from_json(config["parameters"]), "device": device}
    detector = kind(**{**given, **config["built"]})
    detector.encoder_ = from_json(config["encoder"])
    detector.n_features_in_, detector.history_ = config["n_features_in"], config["history"]
    if isinstance(detector.encoder_, TableEncoder) and detector.encoder_.named:
        detector.feature_names_in_ = np.asarray(detector.encoder_.inputs, dtype=object)
    detector.model_ = detector.placed(config["members"], config["missing"])
    weights = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
    try:
        detector.model_.load_state_dict(weights)
    except RuntimeError as error:
        raise ArtefactError(f"The weights do not fit the model that config.json describes: {error}") from error
    detector.set_params(**given)
    detector.calibration_ = Calibration(tensors["calibration.scores"].numpy())
    detector.usual_ = tensors["calibration.usual"].numpy()
    detector.offset_ = float(tensors["calibration.offset"])
    return detector
