"""What all detectors share: the estimator, written once.

A detector never touches a gradient. It encodes, builds a model, has it trained, and turns the model's scores into
scikit-learn's methods: there, larger is more normal. `anomaly_score` is the one place where larger is stranger.
"""

import hashlib
import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

import numpy as np
import torch
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from .. import storage
from ..calibration import RULES, Calibration, FalseAlarmRate, Rule, benjamini_hochberg
from ..encoding import Encoder, PictureEncoder, TableEncoder, as_pictures, as_table, from_json
from ..errors import DataError, ParameterError
from ..likelihoods import support
from ..nn import Draws, initialize
from ..scores import surprise
from ..shapes import Rows
from ..training import History, Model, Schedule, flops, in_chunks, threads_for, train
from .card import model_card
from .pyod import PyODView

__all__ = ["Detector", "hyperparameters"]

C = TypeVar("C", bound=type)
ROWS_AT_ONCE, PICTURES_AT_ONCE = 512, 64
LEAST_STEPS, MOST_STEPS, PICTURE_EPOCHS = 1000, 6000, 10


@dataclass_transform(kw_only_default=True)
def hyperparameters(cls: C) -> C:
    """Make the annotated fields of a class its keyword-only parameters, stored untouched as scikit-learn expects."""
    return dataclass(kw_only=True, repr=False, eq=False)(cls)


@hyperparameters
class Detector(OutlierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """The estimator that every detector is; subclasses add fields and `build`, nothing else.

    Arguments:
        latent: Number of latent codes L.
        hidden: Widths of the dense encoder; the decoder mirrors them. Pictures with a convolutional network ignore it.
        network: `auto` (`mlp` for tables, `gray-light` or `color` for pictures), `mlp`, `gray`, `gray-light`, `color`,
            `color-affine`.
        likelihood: A name of `oodles.likelihoods.NAMES`: what is assumed of real columns or pixels. `auto` learns one
            σ per column of a table and one σ for all pixels of a picture.
        scoring: The score that `score_samples` and the alarms use: a key of the model's `scores`.
        members: Models trained as one and averaged when scoring; `auto` is 5 for tables and 1 for pictures. Member m
            is, bit for bit on a CPU, what `random_state + m` would have trained alone.
        epochs: Passes over the training rows, at most; `auto` chooses by the number of rows.
        batch_size: Rows of a batch.
        lr: Learning rate.
        validation_fraction: Share of the rows kept from training, for early stopping and for calibration. Which rows
            these are depends on their number alone, never on `random_state`.
        early_stopping: Restore the weights that were best on the held-out rows, and stop when they stop improving.
        contamination: None sets the alarm by `false_alarm_rate`; a share in (0, 0.5] alarms that share of the
            training rows, as in scikit-learn; a rule of `oodles.calibration` sets it from the held-out scores.
        false_alarm_rate: Share of new normal rows that may be alarmed.
        schema: Kinds of columns where the guess is wrong: name → `real`, `binary`, `category` or `ignore`.
        checkpoint: File to save the training to and to continue from; None saves nothing.
        device: `auto`, `cpu` or `cuda`.
        random_state: Seed of everything random in `fit`.
        verbose: Show a progress bar.
    """

    latent: int | str = "auto"
    hidden: tuple[int, ...] = (128, 64)
    network: str = "auto"
    likelihood: str = "auto"
    scoring: str = "likelihood"
    members: int | str = "auto"
    epochs: int | str = "auto"
    batch_size: int = 256
    lr: float = 2e-3
    validation_fraction: float = 0.1
    early_stopping: bool = True
    contamination: float | Rule | None = None
    false_alarm_rate: float = 0.05
    schema: Mapping[str, str] | None = None
    checkpoint: str | Path | None = None
    device: str = "auto"
    random_state: int | None = None
    verbose: bool = False

    model_class: ClassVar[type[Model]]

    @abstractmethod
    def build(self, layout: Any, members: int, missing: list[int]) -> Model:
        """The untrained model for rows of this layout; `missing` are encoded columns with missing training cells."""

    # -- learning ---------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, *, negatives: Any = None) -> Self:  # noqa: ARG002 - y is scikit-learn's
        """Learn from (mostly) normal rows or pictures.

        Arguments:
            X: An array (N, F), a pandas, polars or pyarrow table, or pictures (N, H, W) or (N, H, W, C); NaN and null
                are missing cells.
            y: Ignored; here for scikit-learn.
            negatives: Rows known to be bad. Only detectors that can learn from them take any.

        Raises:
            ParameterError: If a parameter is impossible, or negatives are given to a detector that cannot use them.
            DataError: If the rows cannot be learned from; the message says why.
            CheckpointError: If `checkpoint` belongs to another run.
        """
        if negatives is not None:
            raise ParameterError(f"{type(self).__name__} cannot learn from negatives; fit it without them.")
        self._check_parameters()
        raw = self._raw(X, reset=True)
        if len(raw) < 2:
            raise DataError(f"fit needs at least 2 rows, but got 1 row (n_samples = {len(raw)}).")
        pictures = isinstance(raw, np.ndarray) and raw.ndim > 2
        if pictures and self.schema:
            raise ParameterError("schema describes the columns of a table, but X holds pictures: leave it out.")
        likelihood_support = support(self._likelihood(pictures=pictures))
        self.encoder_: Encoder = (
            PictureEncoder.fit(raw) if pictures else TableEncoder.fit(raw, self.schema, support=likelihood_support)
        )
        x = self._encoded(raw)
        seeds = self._seeds(pictures=pictures)
        missing = x.isnan().any(0).nonzero().flatten().tolist()
        self.model_ = self._initialized(len(seeds), missing, x.device)
        self.model_.draws = Draws(seeds, x.device)
        initialize(self.model_, self.model_.draws)

        kept, held_out = held_out_split(len(x), self.validation_fraction, self.false_alarm_rate)
        schedule = self._schedule(x, len(kept), pictures=pictures)
        self.history_: History = train(self.model_, x[kept], x[held_out], schedule, seeds=seeds)
        self._calibrate(x[held_out])
        if isinstance(self.contamination, float):
            self.offset_ = float(np.quantile(-self._scores(x), self.contamination))
        if schedule.checkpoint is not None:
            schedule.checkpoint.unlink(missing_ok=True)
        return self

    def calibrate(self, X: Any) -> Self:
        """Set p-values and alarms anew from normal rows that the model was not fitted to, without retraining."""
        check_is_fitted(self)
        self._calibrate(self._encoded(self._raw(X)))
        return self

    def _calibrate(self, held_out: Rows) -> None:
        """Learn what scores, and what surprises per feature, are usual."""
        self.calibration_ = Calibration.from_scores(self._scores(held_out))
        self.usual_ = self._applied(surprise, held_out).mean(dim=(0, 1)).double().cpu().numpy()
        rule = self.contamination if callable(self.contamination) else FalseAlarmRate(self.false_alarm_rate)
        self.offset_ = -float(rule(self.calibration_.scores))

    def _initialized(self, members: int, missing: list[int], device: torch.device) -> Model:
        """The model on its device, ready for its weights."""
        model = self.build(self.encoder_.layout, members, missing)
        model.members, model.missing = members, missing
        return model.to(device).eval()

    def _seeds(self, *, pictures: bool) -> list[int]:
        """One seed per member: `random_state`, `random_state` + 1, …"""
        count = (1 if pictures else 5) if self.members == "auto" else int(self.members)
        state = self.random_state
        first = state if isinstance(state, int) else int(check_random_state(state).randint(2**31 - 1))
        if state is None:
            first = int(np.random.SeedSequence().generate_state(1)[0])
        return [int(first) + member for member in range(count)]

    def _schedule(self, x: Rows, rows: int, *, pictures: bool) -> Schedule:
        """How long and how fast to train."""
        steps_an_epoch = -(-rows // self.batch_size)
        automatic = (
            PICTURE_EPOCHS if pictures else -(-min(max(LEAST_STEPS, 30 * steps_an_epoch), MOST_STEPS) // steps_an_epoch)
        )
        epochs = automatic if self.epochs == "auto" else int(self.epochs)
        checkpoint = None if self.checkpoint is None else Path(self.checkpoint)
        return Schedule(
            epochs=epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            patience=max(20, epochs // 5) if self.early_stopping else None,
            chunk=self._chunk,
            checkpoint=checkpoint,
            fingerprint=self._fingerprint(x) if checkpoint else "",
            verbose=self.verbose,
        )

    def _fingerprint(self, x: Rows) -> str:
        """What tells this run from others: the parameters that matter, and the rows."""
        parameters = {k: v for k, v in self._json_parameters().items() if k not in ("checkpoint", "verbose")}
        text = json.dumps([type(self).__name__, parameters], sort_keys=True)
        return hashlib.sha256(text.encode() + x.cpu().numpy().tobytes()).hexdigest()

    def _likelihood(self, *, pictures: bool) -> str:
        """The likelihood's name, `auto` resolved."""
        if self.likelihood != "auto":
            return self.likelihood
        return "gaussian-global" if pictures else "gaussian-column"

    def _check_parameters(self) -> None:
        """Refuse impossible values before any work is done.

        Raises:
            ParameterError: In a sentence.
        """
        shown = type(self).__name__
        for name in ("latent", "members", "epochs"):
            value = getattr(self, name)
            if value != "auto" and not (isinstance(value, (int, np.integer)) and value >= 1):
                raise ParameterError(f"{shown}({name}={value!r}): a whole number of at least 1 is expected, or 'auto'.")
        if not (isinstance(self.batch_size, (int, np.integer)) and self.batch_size >= 1):
            raise ParameterError(f"{shown}(batch_size={self.batch_size!r}): a whole number of at least 1 is expected.")
        if not self.lr > 0:
            raise ParameterError(f"{shown}(lr={self.lr!r}): a positive number is expected.")
        for name in ("validation_fraction", "false_alarm_rate"):
            if not 0 < getattr(self, name) < 1:
                raise ParameterError(f"{shown}({name}={getattr(self, name)!r}): a share between 0 and 1 is expected.")
        share = self.contamination
        if share is not None and not callable(share) and not (isinstance(share, float) and 0 < share <= 0.5):
            raise ParameterError(
                f"{shown}(contamination={share!r}): None, a share in (0, 0.5] or a rule of oodles.calibration is expected."
            )
        if self.scoring.split("-")[0] not in self.model_class.scores:
            raise ParameterError(
                f"{shown}(scoring={self.scoring!r}): one of {', '.join(self.model_class.scores)} is expected."
            )

    # -- scoring ----------------------------------------------------------------------------------------------------

    def anomaly_score(self, X: Any, kind: str | None = None) -> np.ndarray:
        """How strange each row is, (N,); larger is stranger.

        Arguments:
            X: Rows or pictures as in `fit`; columns are matched by name.
            kind: A key of the model's `scores` (its unit is in that function's docstring), or None for `scoring`.
                A number after a dash sets the draws: `iwae-500`.

        Raises:
            DataError: If the rows do not fit what was learned.
            ParameterError: If the model has no such score.
        """
        check_is_fitted(self)
        return self._scores(self._encoded(self._raw(X)), kind)

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
        """Nats by which each feature is stranger than usual: (N, F) in the table's order, or the pictures' shape.

        $-E_q[\\log p(x_f | z)]$ minus its mean over the held-out rows. For `elbo`, a row's numbers and its excess KL
        add up to its score minus the mean held-out score. A missing cell explains nothing: 0.
        """
        check_is_fitted(self)
        x = self._encoded(self._raw(X))
        usual = torch.as_tensor(self.usual_, dtype=torch.float32, device=x.device)
        excess = self._applied(partial(excess_surprise, usual=usual), x)
        return self.encoder_.unshuffled(excess.double().mean(0).cpu().numpy())

    def reconstruct(self, X: Any) -> Any:
        """What the model expects in place of each row, in raw units: a pyarrow table, or pictures in [0, 1]."""
        check_is_fitted(self)
        expected = self._applied(expectation, self._encoded(self._raw(X))).mean(0)
        return self.encoder_.decode(expected.cpu().numpy())

    def embed(self, X: Any) -> np.ndarray:
        """The codes that the first member gives each row, (N, L)."""
        check_is_fitted(self)
        return self._applied(member_codes, self._encoded(self._raw(X)))[0].cpu().numpy()

    def _scores(self, x: Rows, kind: str | None = None) -> np.ndarray:
        """The members' mean score of encoded rows, (N,) in float64."""
        return self._applied(self._score(kind or self.scoring), x).double().mean(0).cpu().numpy()

    def _score(self, kind: str) -> Callable[[Model, Tensor], Tensor]:
        """The function behind a name such as `elbo` or `iwae-500`.

        Raises:
            ParameterError: If the model has no such score, or the score takes no draws.
        """
        name, _, draws = kind.partition("-")
        score = self.model_class.scores.get(name)
        takes_draws = score is not None and "draws" in score.__code__.co_varnames
        if score is None or (draws and not (takes_draws and draws.isdigit() and int(draws) >= 1)):
            raise ParameterError(
                f"{type(self).__name__} has no score {kind!r}, but {', '.join(self.model_class.scores)}."
            )
        return partial(score, draws=int(draws)) if draws else score

    def _applied(self, function: Callable[[Model, Tensor], Tensor], x: Rows) -> Tensor:
        """A function of the model and encoded rows, in chunks: (M, N, …)."""
        once = partial(function, self.model_)
        with threads_for(flops(partial(once, x[:1].expand(self.model_.members, -1, -1))) * self._chunk):
            return in_chunks(once, x, members=self.model_.members, chunk=self._chunk)

    @property
    def _chunk(self) -> int:
        """Rows scored at once: part of the model, so that scores never depend on who travels together."""
        return PICTURES_AT_ONCE if isinstance(self.encoder_, PictureEncoder) else ROWS_AT_ONCE

    # -- rows -------------------------------------------------------------------------------------------------------

    def _raw(self, X: Any, *, reset: bool = False) -> Any:
        """`X` as an array of numbers, a pyarrow table, or pictures; its shape is checked, its values are not."""
        if (pictures := as_pictures(X)) is not None:
            self._check_kind("pictures", reset=reset)
            if not len(pictures):
                raise DataError("X holds no pictures (0 samples); at least one is expected.")
            self.n_features_in_ = int(np.prod(pictures.shape[1:])) if reset else self.n_features_in_
            return pictures
        self._check_kind("a table", reset=reset)
        table = as_table(X)
        if table is not None and named_by_text(X):
            if not len(table):
                raise DataError("X has columns but no rows (0 samples); at least one is expected.")
            if reset:
                self.n_features_in_ = table.num_columns
                self.feature_names_in_ = np.asarray(table.column_names, dtype=object)
            elif not hasattr(self, "feature_names_in_"):
                self._match_positions(table)
            return table
        if isinstance(X, Tensor):
            X = X.detach().cpu().numpy()
        return validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite=False)

    def _match_positions(self, table: Any) -> None:
        """Warn that a named table is scored by a detector that learned no names; refuse another width."""
        shown = type(self).__name__
        warnings.warn(f"X has feature names, but {shown} was fitted without feature names", UserWarning, stacklevel=4)
        if table.num_columns != self.n_features_in_:
            raise DataError(
                f"X has {table.num_columns} features, but {shown} is expecting {self.n_features_in_} features as input."
            )

    def _check_kind(self, came: str, *, reset: bool) -> None:
        """Refuse pictures where a table was learned, and the reverse."""
        if reset:
            for name in ("encoder_", "n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
        elif (learned := "pictures" if isinstance(self.encoder_, PictureEncoder) else "a table") != came:
            raise DataError(f"This {type(self).__name__} learned {learned}, but X is {came}.")

    def _encoded(self, raw: Any) -> Rows:
        """Raw rows → (N, D) on the device."""
        return torch.from_numpy(self.encoder_.transform(raw)).to(self._device)

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

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn may expect."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags

    # -- keeping ----------------------------------------------------------------------------------------------------

    def as_pyod(self) -> PyODView:
        """This detector with PyOD's habits: larger scores and label 1 mean strange."""
        return PyODView(self)

    def save(self, path: str | Path) -> None:
        """Write the fitted detector as a folder: `config.json`, `model.safetensors`, `README.md`.

        Raises:
            ArtefactError: If it cannot be written, or something else stands there.
        """
        check_is_fitted(self)
        config = {
            "class": type(self).__name__,
            "parameters": self._json_parameters(),
            "encoder": self.encoder_.to_json(),
            "members": self.model_.members,
            "missing": self.model_.missing,
            "n_features_in": self.n_features_in_,
            "history": self.history_,
            "versions": {"oodles": _version(), "torch": torch.__version__, "numpy": np.__version__},
        }
        tensors = {f"model.{name}": tensor for name, tensor in self.model_.state_dict().items()}
        tensors["calibration.scores"] = torch.from_numpy(self.calibration_.scores)
        tensors["calibration.usual"] = torch.from_numpy(self.usual_)
        tensors["calibration.offset"] = torch.tensor(self.offset_, dtype=torch.float64)
        storage.write(Path(path), config, tensors, model_card(self))

    @classmethod
    def restored(cls, config: dict[str, Any], tensors: dict[str, Tensor], *, device: str) -> Self:
        """The detector that `save` described; called by `oodles.load`."""
        parameters = {**config["parameters"], "device": device}
        if isinstance(rule := parameters["contamination"], dict):
            parameters["contamination"] = RULES[rule.pop("rule")](**rule)
        parameters["hidden"] = tuple(parameters["hidden"])
        detector = cls(**parameters)
        detector.encoder_ = from_json(config["encoder"])
        detector.n_features_in_, detector.history_ = config["n_features_in"], config["history"]
        if isinstance(detector.encoder_, TableEncoder) and detector.encoder_.named:
            detector.feature_names_in_ = np.asarray(detector.encoder_.inputs, dtype=object)
        detector.model_ = detector._initialized(config["members"], config["missing"], detector._device)
        detector.model_.load_state_dict(
            {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
        )
        detector.calibration_ = Calibration(tensors["calibration.scores"].numpy())
        detector.usual_ = tensors["calibration.usual"].numpy()
        detector.offset_ = float(tensors["calibration.offset"])
        return detector

    def _json_parameters(self) -> dict[str, Any]:
        """The parameters as JSON values; a random state that is no number is left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        rule = values["contamination"]
        if callable(rule):
            values["contamination"] = {"rule": type(rule).__name__, **asdict(rule)}
        return json.loads(json.dumps(values, default=lambda value: str(value) if isinstance(value, Path) else None))


def excess_surprise(model: Any, x: Tensor, usual: Tensor) -> Tensor:
    """Each feature's surprise minus what is usual for it; 0 where the cell is missing."""
    return (surprise(model, x) - usual).masked_fill(model.likelihood.missing(x), 0.0)


def named_by_text(X: Any) -> bool:
    """Whether a table's columns have names; a pandas frame may number them instead, and then counts as an array."""
    return not hasattr(X, "iloc") or all(isinstance(name, str) for name in X.columns)


def expectation(model: Any, x: Tensor) -> Tensor:
    """The mean of p(x | z) at each row's code, in encoded units."""
    return model.likelihood.mean(model.decoder(model.code(x)))


def member_codes(model: Any, x: Tensor) -> Tensor:
    """Each row's code."""
    return model.code(x)


def held_out_split(n: int, fraction: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows to hold out: at least one each, the same for every `random_state`.

    A false-alarm rate needs 1 / rate - 1 held-out rows; a small table gives up to a quarter of its rows for that.
    """
    order = np.random.default_rng(n).permutation(n)
    needed = min(int(np.ceil(1 / rate - 1 - 1e-9)), n // 4)
    held_out = min(max(round(fraction * n), needed, 1), n - 1)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def _version() -> str:
    """This package's version."""
    from .. import __version__  # noqa: PLC0415 - the package imports this module

    return __version__
