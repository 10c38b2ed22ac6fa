"""scikit-learn's contract for an estimator, without importing scikit-learn: a command that scores saves a second.

scikit-learn asks for methods, not for a base class; its own checks run on every detector (tests/contract).
"""

from abc import ABC, abstractmethod
from dataclasses import Field, dataclass, fields
from typing import TYPE_CHECKING, Any, Self, TypeVar, dataclass_transform

from ..errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from sklearn.utils import Tags

    from ..encoding import Encoder
    from ..training import History, Scored

__all__ = ["Estimator", "check_fitted", "hyperparameters"]

C = TypeVar("C", bound=type)


@dataclass_transform(kw_only_default=True)
def hyperparameters(cls: C) -> C:
    """Make the annotated fields of a class its keyword-only parameters, stored untouched as scikit-learn expects."""
    return dataclass(kw_only=True, repr=False, eq=False)(cls)  # type: ignore[return-value]


class Estimator(ABC):
    """Parameters that can be read, changed and shown, and what scikit-learn may expect of an outlier detector."""

    encoder_: "Encoder"
    model_: "Scored"
    history_: "History"
    n_features_in_: int
    feature_names_in_: "np.ndarray"

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from rows."""

    @abstractmethod
    def predict(self, X: Any) -> "np.ndarray":
        """-1 for alarms and 1 for normal rows, (N,)."""

    @classmethod
    def hyperparameters(cls) -> tuple[Field[Any], ...]:
        """The parameters, as `hyperparameters` declared them."""
        return fields(cls)  # type: ignore[arg-type]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - no parameter is an estimator
        """The parameters by name."""
        return {field.name: getattr(self, field.name) for field in self.hyperparameters()}

    def set_params(self, **parameters: Any) -> Self:
        """Change parameters; a fitted model is not touched.

        Raises:
            ParameterError: If there is no such parameter.
        """
        known = [field.name for field in self.hyperparameters()]
        for name, value in parameters.items():
            if name not in known:
                raise ParameterError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}. Valid parameters are: {known}."
                )
            setattr(self, name, value)
        return self

    def fit_predict(self, X: Any, y: Any = None, **parameters: Any) -> "np.ndarray":
        """`fit` and then `predict` on the same rows: -1 for alarms and 1 for normal rows, (N,)."""
        return self.fit(X, y, **parameters).predict(X)

    def __repr__(self) -> str:
        given = ((field, getattr(self, field.name)) for field in self.hyperparameters())
        changed = [f"{field.name}={value!r}" for field, value in given if repr(value) != repr(field.default)]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> "Tags":
        """What scikit-learn may expect; nobody but scikit-learn asks."""
        from sklearn.utils import InputTags, Tags, TargetTags  # noqa: PLC0415

        accepted = InputTags(allow_nan=True, three_d_array=True, string=True)
        return Tags(estimator_type="outlier_detector", target_tags=TargetTags(required=False), input_tags=accepted)


def check_fitted(estimator: Any) -> None:
    """Refuse to go on without a model.

    Raises:
        NotFittedError: If `fit` was never called, in scikit-learn's words.
    """
    if not hasattr(estimator, "model_"):
        from sklearn.exceptions import NotFittedError  # noqa: PLC0415 - an error may take its time

        raise NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
            "using this estimator."
        )
