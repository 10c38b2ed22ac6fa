"""What all detectors share: the estimator, written once.

A detector never touches a gradient. It encodes, builds a model, has it trained, and turns the model's scores into
scikit-learn's methods: there, larger is more normal. `anomaly_score` is the one place where larger is stranger.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from .. import storage
from ..calibration import Calibration, FalseAlarmRate, Rule, benjamini_hochberg
from ..encoding import PictureEncoder
from ..errors import ParameterError
from ..layout import Layout
from ..scores import (
    Anchored,
    Combined,
    Encodes,
    Panel,
    Reconstructs,
    Referring,
    Settles,
    code,
    combination,
    each,
    expected,
    explained,
    named,
    reasons,
    statistics,
)
from ..shapes import Rows
from ..training import Scored
from . import keeping, parameters
from .blocks import Applied, encoded
from .card import model_card
from .estimator import Estimator, check_fitted, hyperparameters
from .preparing import Prepared
from .pyod import PyODView
from .rows import raw_rows

__all__ = ["Detector"]


@hyperparameters
class Detector(Estimator):
    """The estimator that every detector is; subclasses add fields and `build`, nothing else.

    Arguments:
        scoring: The score that `score_samples` and the alarms use: a key of the model's `scores`, or several of them
            as one, `oodles.scores.Combined(("elbo", "kl"), "fisher")` or in words `fisher(elbo, kl)`.
        validation_fraction: Share of the rows kept from training, for early stopping and for calibration. Which rows
            these are depends on their number alone, never on `random_state`.
        contamination: None sets the alarm by `false_alarm_rate`; a share in (0, 0.5] alarms that share of the
            training rows, as in scikit-learn; a rule of `oodles.calibration` sets it from the held-out scores.
        false_alarm_rate: Share of new normal rows that may be alarmed.
        schema: Kinds of columns where the guess is wrong: name → `real`, `scaled`, `binary`, `category` or `ignore`.
        device: `auto`, `cpu` or `cuda`.
        random_state: Seed of everything random in `fit`.
        verbose: Show a progress bar.
    """

    scoring: str | Combined = ""
    validation_fraction: float = 0.1
    contamination: float | Rule | None = None
    false_alarm_rate: float = 0.05
    schema: Mapping[str, str] | None = None
    device: str = "auto"
    random_state: int | None = None
    verbose: bool = False

    model_class: ClassVar[type[Scored]]

    @abstractmethod
    def build(self, layout: Layout, members: int, missing: list[int]) -> Scored:
        """The untrained model for rows of this layout; `missing` are encoded columns with missing training cells."""

    @abstractmethod
    def learn(self, X: Any, negatives: Any) -> Prepared:
        """Set `encoder_`, `model_` and `history_`; returns the rows that were learned and held out."""

    def blocks_of(self, X: Any) -> Iterable[Any]:
        """What `fit` was given, in pieces that fit into memory."""
        return [X]

    def resolved(self, layout: Layout) -> dict[str, Any]:  # noqa: ARG002 - for those who have any
        """Parameters that `auto` stood for, by name: a later version may mean something else."""
        return {}

    @property
    def support(self) -> str:
        """What numbers the model can see in a real column: any (`line`) or those in [0, 1] (`unit`)."""
        return "line"

    # -- learning ---------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, *, negatives: Any = None) -> Self:  # noqa: ARG002 - y is scikit-learn's
        """Learn from (mostly) normal rows or pictures.

        Arguments:
            X: An array (N, F), a pandas, polars or pyarrow table, or pictures (N, H, W) or (N, H, W, C); NaN and null
                are missing cells.
            y: Ignored; here for scikit-learn.
            negatives: Rows or pictures known not to belong, or a fitted generator with `sample(n)`, or a list of
                such. Only detectors that can learn from them take any.

        Raises:
            ParameterError: If a parameter is impossible, or negatives are given to a detector that cannot use them.
            DataError: If the rows cannot be learned from; the message says why.
            CheckpointError: If `checkpoint` belongs to another run.
        """
        parameters.check(self)
        rows = self.learn(X, negatives)
        if isinstance(self.model_, Referring):
            self._refer(self.model_, rows.learned)
        if isinstance(self.model_, Anchored):
            self.model_.anchor.row.copy_(rows.learned.nanmean(0).nan_to_num())
        if isinstance(self.model_, Settles):
            self.model_.settle(rows.learned, Applied(self, type(self.model_).summary)(rows.learned))
        if self.model_.panel is not None:
            self._compare(self.model_.panel, rows.learned)
        self._calibrate([rows.held_out])
        if isinstance(self.contamination, float):
            self.offset_ = float(np.quantile(-np.concatenate(list(self.scored(self.blocks_of(X)))), self.contamination))
        return self

    def calibrate(self, X: Any) -> Self:
        """Set p-values and alarms anew from normal rows that the model was not fitted to, without retraining.

        The alarm is set by the rule in `contamination`, else by `false_alarm_rate`: a share of training rows given as
        `contamination` has no meaning for new rows.
        """
        check_fitted(self)
        self._calibrate(self._read(X))
        return self

    def _refer(self, model: Referring, learned: Rows) -> None:
        """Remember what is usual for rows that were learned."""
        usual = model.reference.statistics
        usual.copy_(Applied(self, statistics)(repeated(learned, usual.shape[1])))

    def _compare(self, panel: Panel, learned: Rows) -> None:
        """Remember what the scores that are combined say of rows that were learned."""
        scores = tuple(map(self.score_named, panel.kinds))
        panel.scores.copy_(Applied(self, each, scores=scores)(repeated(learned, panel.scores.shape[1])))

    def _calibrate(self, held_out: Iterable[Rows]) -> None:
        """Learn what scores, and what surprises per feature, are usual."""
        blocks = list(held_out)
        score = self.score_named(self.scoring)
        self.calibration_ = Calibration.from_scores(self._mean(Applied(self, score), blocks))
        self.usual_ = self._mean(Applied(self, reasons, score=score), blocks).mean(0)
        rule = self.contamination if callable(self.contamination) else FalseAlarmRate(self.false_alarm_rate)
        self.offset_ = -float(rule(self.calibration_.scores))

    def placed(self, members: int, missing: list[int]) -> Scored:
        """The model for what the encoder learned, on the device, before it has weights."""
        model = self.build(self.encoder_.layout, members, missing)
        model.members, model.missing, model.work = members, missing, {}
        several = combination(self.scoring)
        model.panel = several and Panel(several.kinds, members)
        return model.to(self._device).eval()

    @property
    def _pictures(self) -> bool:
        """Whether pictures were learned."""
        return isinstance(self.encoder_, PictureEncoder)

    @property
    def reason_unit(self) -> str:
        """What `explain` counts in: `nats`, or for a model without a likelihood shares of the `score`."""
        return "nats" if isinstance(self.model_, Reconstructs) else "score"

    @property
    def epochs_(self) -> int:
        """How many passes over the rows were made; 0 if the model was computed, not trained."""
        return int(self.history_["epoch"][-1][0]) if self.history_ else 0

    # -- scoring ----------------------------------------------------------------------------------------------------

    def anomaly_score(self, X: Any, kind: str | Combined | None = None) -> np.ndarray:
        """How strange each row is, (N,); larger is stranger.

        Arguments:
            X: Rows or pictures as in `fit`; columns are matched by name.
            kind: A key of the model's `scores` (its unit is in that function's docstring), or None for `scoring`.
                A number after a dash sets the draws: `iwae-500`; `reconstruction_probability-100-random` takes
                independent points, as the paper does, instead of evenly spread ones. Some of the scores that
                `scoring` combines may be combined by another rule.

        Raises:
            DataError: If the rows do not fit what was learned.
            ParameterError: If the model has no such score.
        """
        return next(self.scored([X], kind))

    def score_samples(self, X: Any) -> np.ndarray:
        """How normal each row is, (N,); larger is more normal: scikit-learn's sign of `anomaly_score`."""
        return -self.anomaly_score(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples - offset_`, (N,): negative for alarms."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """-1 for alarms and 1 for normal rows, (N,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_value(self, X: Any) -> np.ndarray:
        """The conformal p-value of each row, (N,), in (0, 1]: how often a normal row is at least as strange."""
        return self.calibration_.p_value(self.anomaly_score(X))

    def detect(self, X: Any, fdr: float = 0.05) -> np.ndarray:
        """Which of these rows are discoveries, (N,) of bool: of them, at most the share `fdr` is expected to be normal.

        Unlike `predict`, the answer for a row depends on the rows it is judged with (Benjamini-Hochberg).
        """
        return benjamini_hochberg(self.p_value(X), fdr)

    def explain(self, X: Any) -> np.ndarray:
        r"""By how much each feature is stranger than usual: (N, F) in the table's order, or the pictures' shape.

        Models with a likelihood: nats, $-E_q[\log p(x_f | z)]$ minus its mean over the held-out rows. For `elbo`, the
        numbers of a row without missing cells and its excess KL add up to its score minus the mean held-out score.
        Others: integrated gradients of the score (`oodles.scores.attributed`), minus their mean over the held-out rows;
        they add up to the score minus the mean held-out score. A missing cell explains nothing: 0.
        """
        return next(self.explained([X]))[1]

    def member_scores(self, X: Any, kind: str | Combined | None = None) -> np.ndarray:
        """`anomaly_score` as each member alone would give it, (M, N)."""
        check_fitted(self)
        apply = Applied(self, self.score_named(kind or self.scoring))
        return torch.cat([apply(x).double().cpu() for x in self._read(X)], dim=1).numpy()

    def scored(self, blocks: Iterable[Any], kind: str | Combined | None = None) -> Iterator[np.ndarray]:
        """`anomaly_score` of rows that come in blocks, however many: (n,) for each block."""
        check_fitted(self)
        apply = Applied(self, self.score_named(kind or self.scoring))
        return (self._mean(apply, self._read(X)) for X in blocks)

    def explained(self, blocks: Iterable[Any], kind: str | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """`anomaly_score` and `explain`, in one pass over rows that come in blocks, however many."""
        check_fitted(self)
        usual = torch.as_tensor(self.usual_, dtype=torch.float32, device=self._device)
        apply = Applied(self, explained, score=self.score_named(kind or self.scoring), usual=usual)
        both = (self._mean(apply, self._read(X)) for X in blocks)
        return ((numbers[:, 0], self.encoder_.unshuffled(numbers[:, 1:])) for numbers in both)

    def reconstruct(self, X: Any) -> Any:
        """What the model expects in place of each row, in raw units: a pyarrow table, or pictures in [0, 1].

        A model without a decoder expects the mean of learned rows, which its reasons compare with.
        """
        check_fitted(self)
        return self.encoder_.decode(self._mean(Applied(self, expected), self._read(X)))

    def embed(self, X: Any) -> np.ndarray:
        """The codes that the first member gives each row, (N, L); without an encoder, its last hidden layer.

        Raises:
            ParameterError: If the model has neither.
        """
        check_fitted(self)
        if not isinstance(self.model_, Encodes):
            raise ParameterError(f"{type(self).__name__} gives rows no codes: it compares them with learned rows only.")
        apply = Applied(self, code)
        return torch.cat([apply(x)[0].cpu() for x in self._read(X)]).numpy()

    def _mean(self, apply: Applied, blocks: Iterable[Rows]) -> np.ndarray:
        """The members' mean of what is said about encoded rows, (N, …) in float64."""
        return torch.cat([apply(x).double().mean(0).cpu() for x in blocks]).numpy()

    def score_named(self, kind: str | Combined) -> Callable[..., Tensor]:
        """The function behind a name such as `elbo` or `iwae-500`, or behind several `Combined`."""
        return named(self.model_class.scores, kind, owner=type(self).__name__)

    # -- rows -------------------------------------------------------------------------------------------------------

    def _read(self, X: Any) -> Iterator[Rows]:
        """What a user gives → blocks of encoded rows on the device."""
        return encoded(self, raw_rows(self, X, reset=False), self._device)

    def _raw(self, x: Rows) -> Any:
        """Encoded rows in raw units: an array, or a pyarrow table if names were learned."""
        decoded = self.encoder_.decode(x.cpu().numpy())
        if isinstance(decoded, np.ndarray) or hasattr(self, "feature_names_in_"):
            return decoded
        return np.stack([column.to_numpy() for column in decoded.columns], axis=1)

    @property
    def _device(self) -> torch.device:
        """Where the model lives.

        Raises:
            ParameterError: If the device does not exist here.
        """
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device.split(":")[0] not in ("cpu", "cuda"):
            raise ParameterError(f"device is {self.device!r}, but must be auto, cpu or cuda.")
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise ParameterError("device='cuda', but no CUDA device is available here. Use 'auto' or 'cpu'.")
        return torch.device(self.device)

    # -- keeping ----------------------------------------------------------------------------------------------------

    def as_pyod(self) -> PyODView:
        """This detector with PyOD's habits: larger scores and label 1 mean strange."""
        return PyODView(self)

    def save(self, path: str | Path) -> None:
        """Write the fitted detector as a folder: `config.json`, `model.safetensors`, `README.md`.

        Raises:
            ArtefactError: If it cannot be written, or something else stands there.
        """
        check_fitted(self)
        storage.write(Path(path), keeping.configuration(self), keeping.tensors(self), model_card(self))


def repeated(rows: Rows, count: int) -> Rows:
    """The first `count` rows; few are taken several times."""
    return rows[torch.arange(count, device=rows.device) % len(rows)]
