"""What all detectors that learn by gradients share: members, epochs, checkpoints."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..data.pieces import pieces
from ..nn import Draws, initialize
from ..training import Schedule, train
from . import parameters
from .base import Detector
from .blocks import rows_at_once
from .estimator import hyperparameters
from .negatives import digest_of, learning_from, pools_of
from .preparing import Prepared, resident, streamed

__all__ = ["NeuralDetector"]

LEAST_STEPS, STEPS_PER_LOOK, LEAST_EPOCHS, LEAST_PICTURE_EPOCHS = 1500, 50, 5, 10


@hyperparameters
class NeuralDetector(Detector):
    """A detector whose model is trained; subclasses add fields and `build`.

    Arguments:
        hidden: Widths of the dense layers; convolutional networks ignore it.
        activation: What stands between dense layers: `silu`, `relu`, `tanh`, `leaky`, `leaky-0.1` or `softplus`.
        members: Models trained as one and averaged when scoring; `auto` is 5 for tables and 1 for pictures. Member m
            is, bit for bit on a CPU, what `random_state + m` would have trained alone.
        epochs: Passes over the training rows, at most; `auto` chooses by the number of rows.
        batch_size: Rows of a batch.
        lr: Learning rate.
        optimizer: `adam`; `adam-0.5-0.9`, with less memory, for adversaries; `nadam`, which looks ahead; or `rmsprop`
            as TensorFlow's first version had it.
        decay: Let the learning rate fall to zero along half a cosine; `auto` does for pictures.
        early_stopping: Restore the weights that were best on the held-out rows, and stop when they stop improving.
        memory: MiB of encoded rows that training may hold at a time; None holds all. With a number, `fit` also takes a
            memory-mapped array or a `pyarrow.dataset` (a folder of Parquet files) that is larger than memory.
        checkpoint: File to save the training to and to continue from; None saves nothing. `save` removes it.
        compile: Compile the networks with `torch.compile` for the training: some per cent faster for large networks,
            after a minute of compiling. It needs a C++ compiler such as g++ on a CPU.
    """

    hidden: tuple[int, ...] = (128, 64)
    activation: str = "silu"
    members: int | str = "auto"
    epochs: int | str = "auto"
    batch_size: int = 128
    lr: float = 2e-3
    optimizer: str = "adam"
    decay: bool | str = "auto"
    early_stopping: bool = True
    memory: float | None = None
    checkpoint: str | Path | None = None
    compile: bool = False

    def learn(self, X: Any, negatives: Any) -> Prepared:
        """Train the model.

        Raises:
            CheckpointError: If `checkpoint` belongs to another run.
        """
        rows = resident(self, X, self._device) if self.memory is None else streamed(self, X, self._device, self.memory)
        seeds = self.seeds()
        pools = pools_of(self, negatives, rows.rows, self._device)
        model: Any = self.placed(len(seeds), rows.missing)
        self.model_ = model
        model.draws = Draws(seeds, self._device)
        initialize(model, model.draws)
        schedule = self.schedule(rows, digest_of(pools) if self.checkpoint else "")
        with learning_from(self, model, pools, steps=schedule.epochs * -(-rows.rows // schedule.batch_size)):
            self.history_ = train(model, rows.source, rows.held_out, schedule, seeds=seeds)
        return rows

    def save(self, path: str | Path) -> None:
        """Write the fitted detector as a folder: `config.json`, `model.safetensors`, `README.md`.

        The training's `checkpoint`, if there is one, is no longer needed, and removed.

        Raises:
            ArtefactError: If it cannot be written, or something else stands there.
        """
        super().save(path)
        if self.checkpoint is not None:
            Path(self.checkpoint).unlink(missing_ok=True)

    def blocks_of(self, X: Any) -> Iterable[Any]:
        """What `fit` was given, in pieces that fit into memory."""
        return [X] if self.memory is None else (piece.load() for piece in pieces(X))

    def seeds(self) -> list[int]:
        """One seed per member: `random_state`, `random_state` + 1 and so on."""
        count = (1 if self._pictures else 5) if self.members == "auto" else int(self.members)
        first = parameters.seed_of(self.random_state)
        return [first + member for member in range(count)]

    def schedule(self, rows: Prepared, known: str) -> Schedule:
        """How long and how fast to train: `auto` epochs make at least so many steps, and look now and then."""
        size, pictures = self.batch_size * self.batches, self._pictures
        steps = -(-rows.rows // size)
        epochs, look = self.epochs, 1
        if epochs == "auto":
            epochs = max(LEAST_PICTURE_EPOCHS if pictures else LEAST_EPOCHS, -(-LEAST_STEPS // steps))
            look = max(STEPS_PER_LOOK // steps, 1)
        checkpoint = None if self.checkpoint is None else Path(self.checkpoint)
        return Schedule(
            epochs=int(epochs),
            batch_size=size,
            parts=self.batches,
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

    @property
    def batches(self) -> int:
        """Batches that one round of training takes."""
        return 1
