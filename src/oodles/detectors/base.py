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
from ..data.pieces import pieces
from ..encoding import PictureEncoder
from ..errors import ParameterError
from ..layout import Layout
from ..nn import Draws, initialize
from ..scores import Referring, code, expectation, explained, named, statistics, surprise
from ..shapes import Rows
from ..training import History, Model, Schedule, train
from . import keeping, parameters
from .blocks import Applied, encoded, rows_at_once
from .card import model_card
from .estimator import Estimator, check_fitted, hyperparameters
from .negatives import digest_of, learning_from, pools_of
from .preparing import Prepared, resident, streamed
from .pyod import PyODView
from .rows import raw_rows

__all__ = ["Detector"]

LEAST_STEPS, STEPS_PER_LOOK, LEAST_EPOCHS, LEAST_PICTURE_EPOCHS = 1500, 50, 5, 10


@hyperparameters
class Detector(Estimator):
    """The estimator that every detector is; subclasses add fields and `build`, nothing else.

    Arguments:
        latent: Number of latent codes L.
        hidden: Widths of the dense encoder; the decoder mirrors them. Pictures with a convolutional network ignore it.
        activation: What stands between dense layers: `silu`, `relu` or `tanh`.
        network: `auto` (`mlp` for tables, `gray-light` or `color` for pictures), `mlp`, `gray`, `gray-light`, `color`,
            `color-affine`.
        likelihood: A name of `oodles.likelihoods.NAMES`: what is assumed of real columns or pixels. `auto` is
            `student`, with one σ per column of a table, and `gaussian-global`, with one σ for all pixels of a picture.
        scoring: The score that `score_samples` and the alarms use: a key of the model's `scores`.
        members: Models trained as one and averaged when scoring; `auto` is 5 for tables and 1 for pictures. Member m
            is, bit for bit on a CPU, what `random_state + m` would have trained alone.
        epochs: Passes over the training rows, at most; `auto` chooses by the number of rows.
        batch_size: Rows of a batch.
        lr: Learning rate.
        optimizer: `adam`, or `rmsprop` as TensorFlow's first version had it.
        decay: Let the learning rate fall to zero along half a cosine; `auto` does for pictures.
        validation_fraction: Share of the rows kept from training, for early stopping and for calibration. Which rows
            these are depends on their number alone, never on `random_state`.
        early_stopping: Restore the weights that were best on the held-out rows, and stop when they stop improving.
        contamination: None sets the alarm by `false_alarm_rate`; a share in (0, 0.5] alarms that share of the
            training rows, as in scikit-learn; a rule of `oodles.calibration` sets it from the held-out scores.
        false_alarm_rate: Share of new normal rows that may be alarmed.
        schema: Kinds of columns where the guess is wrong: name → `real`, `binary`, `category` or `ignore`.
        memory: MiB of encoded rows that training may hold at a time; None holds all. With a number, `fit` also takes a
            memory-mapped array or a `pyarrow.dataset` (a folder of Parquet files) that is larger than memory.
        checkpoint: File to save the training to and to continue from; None saves nothing. `save` removes it.
        compile: Compile the networks with `torch.compile` for the training: some per cent faster for large networks,
            after a minute of compiling. It needs a C++ compiler such as g++ on a CPU.
        device: `auto`, `cpu` or `cuda`.
        random_state: Seed of everything random in `fit`.
        verbose: Show a progress bar.
    """

    latent: int | str = "auto"
    hidden: tuple[int, ...] = (128, 64)
    activation: str = "silu"
    network: str = "auto"
    likelihood: str = "auto"
    scoring: str = "likelihood"
    members: int | str = "auto"
    epochs: int | str = "auto"
    batch_size: int = 128
    lr: float = 2e-3
    optimizer: str = "adam"
    decay: bool | str = "auto"
    validation_fraction: float = 0.1
    early_stopping: bool = True
    contamination: float | Rule | None = None
    false_alarm_rate: float = 0.05
    schema: Mapping[str, str] | None = None
    memory: float | None = None
    checkpoint: str | Path | None = None
    compile: bool = False
    device: str = "auto"
    random_state: int | None = None
    verbose: bool = False

    model_class: ClassVar[type[Model]]

    @abstractmethod
    def codes(self, layout: Layout) -> int:
        """The number of latent codes, `auto` resolved."""

    @abstractmethod
    def build(self, layout: Layout, members: int, missing: list[int]) -> Model:
        """The untrained model for rows of this layout; `missing` are encoded columns with missing training cells."""

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
        rows = resident(self, X, self._device) if self.memory is None else streamed(self, X, self._device, self.memory)
        seeds = self._seeds(pictures=self._pictures)
        pools = pools_of(self, negatives, rows.rows, self._device)
        self.model_ = self.placed(len(seeds), rows.missing)
        self.model_.draws = Draws(seeds, self._device)
        initialize(self.model_, self.model_.draws)
        schedule = self._schedule(rows, digest_of(pools) if self.checkpoint else "")
        with learning_from(self, self.model_, pools, steps=schedule.epochs * -(-rows.rows // self.batch_size)):
            self.history_: History = train(self.model_, rows.source, rows.held_out, schedule, seeds=seeds)
        if isinstance(self.model_, Referring):
            self._refer(self.model_, rows.learned)
        self._calibrate([rows.held_out])
        if isinstance(self.contamination, float):
            every = [X] if self.memory is None else (piece.load() for piece in pieces(X))
            self.offset_ = float(np.quantile(-np.concatenate(list(self.scored(every))), self.contamination))
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
        """Remember what is usual for rows that were learned; few rows are taken several times."""
        rows = learned[torch.arange(model.reference.statistics.shape[1], device=learned.device) % len(learned)]
        model.reference.statistics.copy_(Applied(self, statistics)(rows))

    def _calibrate(self, held_out: Iterable[Rows]) -> None:
        """Learn what scores, and what surprises per feature, are usual."""
        blocks = list(held_out)
        scores = self._mean(Applied(self, self.score_named(self.scoring)), blocks)
        self.calibration_ = Calibration.from_scores(scores)
        self.usual_ = self._mean(Applied(self, surprise), blocks).mean(0)
        rule = self.contamination if callable(self.contamination) else FalseAlarmRate(self.false_alarm_rate)
        self.offset_ = -float(rule(self.calibration_.scores))

    def placed(self, members: int, missing: list[int]) -> Model:
        """The model for what the encoder learned, on the device, before it has weights."""
        model = self.build(self.encoder_.layout, members, missing)
        model.members, model.missing, model.work = members, missing, {}
        return model.to(self._device).eval()

    def _seeds(self, *, pictures: bool) -> list[int]:
        """One seed per member: `random_state`, `random_state` + 1 and so on."""
        count = (1 if pictures else 5) if self.members == "auto" else int(self.members)
        state = self.random_state
        if state is None:
            first = int(np.random.SeedSequence().generate_state(1)[0])
        else:
            first = int(state) if isinstance(state, (int, np.integer)) else int(state.randint(2**31 - 1))
        return [first + member for member in range(count)]

    @property
    def _pictures(self) -> bool:
        """Whether pictures were learned."""
        return isinstance(self.encoder_, PictureEncoder)

    def _schedule(self, rows: Prepared, known: str) -> Schedule:
        """How long and how fast to train: `auto` epochs make at least so many steps, and look now and then."""
        steps, pictures = -(-rows.rows // self.batch_size), self._pictures
        epochs, look = self.epochs, 1
        if epochs == "auto":
            epochs = max(LEAST_PICTURE_EPOCHS if pictures else LEAST_EPOCHS, -(-LEAST_STEPS // steps))
            look = max(STEPS_PER_LOOK // steps, 1)
        checkpoint = None if self.checkpoint is None else Path(self.checkpoint)
        return Schedule(
            epochs=int(epochs),
            batch_size=self.batch_size,
            lr=self.lr,
            optimizer=self.optimizer,
            look=look,
            decay=pictures if self.decay == "auto" else bool(self.decay),
            patience=max(10, int(epochs) // look // 3) if self.early_stopping else None,
            chunk=rows_at_once(self.encoder_, draws=True),
            checkpoint=checkpoint,
            fingerprint=parameters.fingerprint(self, rows.digest + known),
            verbose=self.verbose,
            repeat=True,
            compile=self.compile,
        )

    def noise_model(self, *, pictures: bool) -> str:
        """The likelihood's name, `auto` resolved."""
        if self.likelihood != "auto":
            return self.likelihood
        return "gaussian-global" if pictures else "student"

    # -- scoring ----------------------------------------------------------------------------------------------------

    def anomaly_score(self, X: Any, kind: str | None = None) -> np.ndarray:
        """How strange each row is, (N,); larger is stranger.

        Arguments:
            X: Rows or pictures as in `fit`; columns are matched by name.
            kind: A key of the model's `scores` (its unit is in that function's docstring), or None for `scoring`.
                A number after a dash sets the draws: `iwae-500`; `reconstruction_probability-100-random` takes
                independent points, as the paper does, instead of evenly spread ones.

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
        r"""Nats by which each feature is stranger than usual: (N, F) in the table's order, or the pictures' shape.

        $-E_q[\log p(x_f | z)]$ minus its mean over the held-out rows. For `elbo`, the numbers of a row without missing
        cells and its excess KL add up to its score minus the mean held-out score. A missing cell explains nothing: 0.
        """
        return next(self.explained([X]))[1]

    def member_scores(self, X: Any, kind: str | None = None) -> np.ndarray:
        """`anomaly_score` as each member alone would give it, (M, N)."""
        check_fitted(self)
        apply = Applied(self, self.score_named(kind or self.scoring))
        return torch.cat([apply(x).double().cpu() for x in self._read(X)], dim=1).numpy()

    def scored(self, blocks: Iterable[Any], kind: str | None = None) -> Iterator[np.ndarray]:
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
        """What the model expects in place of each row, in raw units: a pyarrow table, or pictures in [0, 1]."""
        check_fitted(self)
        return self.encoder_.decode(self._mean(Applied(self, expectation), self._read(X)))

    def embed(self, X: Any) -> np.ndarray:
        """The codes that the first member gives each row, (N, L)."""
        check_fitted(self)
        apply = Applied(self, code)
        return torch.cat([apply(x)[0].cpu() for x in self._read(X)]).numpy()

    def _mean(self, apply: Applied, blocks: Iterable[Rows]) -> np.ndarray:
        """The members' mean of what is said about encoded rows, (N, …) in float64."""
        return torch.cat([apply(x).double().mean(0).cpu() for x in blocks]).numpy()

    def score_named(self, kind: str) -> Callable[..., Tensor]:
        """The function behind a name such as `elbo` or `iwae-500`."""
        return named(self.model_class.scores, kind, owner=type(self).__name__)

    # -- rows -------------------------------------------------------------------------------------------------------

    def _read(self, X: Any) -> Iterator[Rows]:
        """What a user gives → blocks of encoded rows on the device."""
        return encoded(self, raw_rows(self, X, reset=False), self._device)

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

        The training's `checkpoint`, if there is one, is no longer needed, and removed.

        Raises:
            ArtefactError: If it cannot be written, or something else stands there.
        """
        check_fitted(self)
        storage.write(Path(path), keeping.configuration(self), keeping.tensors(self), model_card(self))
        if self.checkpoint is not None:
            Path(self.checkpoint).unlink(missing_ok=True)
