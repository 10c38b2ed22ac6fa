"""Epochs over resident rows: every member its own order, the best weights kept, resumable at any step."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ParameterError
from ..nn import knowing_missing, may_be_missing
from ..shapes import PerMember, PerRow, Rows
from .capture import repeated
from .checkpoint import read_checkpoint, write_checkpoint
from .chunks import Chunks
from .compiling import compiled
from .interrupts import deferred_interrupts
from .minimizer import Minimizer
from .model import Model, of_members
from .optimizers import OPTIMIZERS
from .parallel import Step, parted, together
from .progress import progress
from .source import Source, steps
from .threads import LARGE, flops, threads_for

__all__ = ["History", "Schedule", "train"]

ALIGNED = 16
"""Small batches are multiples of this, and `batch_size` should be: every member's rows then start at an aligned
address, and round as if alone."""

History = dict[str, list[list[float]]]
"""What was logged: name → one list per look at the held-out rows, with one number per member; `epoch` says when."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: Passes over the rows, at most.
        batch_size: Rows of a batch.
        parts: Equal parts that a step cuts its batch into.
        lr: Learning rate.
        optimizer: A name of `OPTIMIZERS`.
        decay: Let it fall to zero along half a cosine over the `epochs`.
        look: Epochs between two looks at the held-out rows.
        patience: Looks without improvement after which a member's best weights are final; None keeps the last weights
            instead of the best.
        chunk: Rows at once on the held-out rows.
        checkpoint: File to continue from, and to save to every `every` seconds.
        fingerprint: What identifies the run; a checkpoint of another run is refused.
        every: Seconds between two checkpoints.
        compile: Compile the networks; nothing is recorded then.
        repeat: Record a step and repeat it, for a `step` that does nothing but compute (see `Recorded`).
        verbose: Show a progress bar.
    """

    epochs: int
    batch_size: int
    lr: float
    patience: int | None
    chunk: int
    parts: int = 1
    optimizer: str = "adam"
    look: int = 1
    decay: bool = False
    checkpoint: Path | None = None
    fingerprint: str = ""
    every: float = 30.0
    repeat: bool = False
    compile: bool = False
    verbose: bool = False


@dataclass
class Run:
    """Everything that changes during training, and therefore everything a checkpoint holds."""

    model: Model
    minimizer: Minimizer
    best: dict[str, Tensor]
    best_loss: PerMember
    stale: PerMember
    history: History = field(default_factory=dict)
    sums: dict[str, PerMember] = field(default_factory=dict)
    summed: int = 0
    epoch: int = 0
    step: int = 0
    steps: int = 0
    over: bool = False

    @classmethod
    def fresh(cls, model: Model, schedule: Schedule) -> "Run":
        """A run that has not moved yet."""
        device = next(model.parameters()).device
        optimizer = partial(OPTIMIZERS[schedule.optimizer], lr=torch.tensor(schedule.lr, device=device))
        return cls(
            model=model,
            minimizer=Minimizer(model, optimizer),
            best={name: tensor.detach().clone() for name, tensor in of_members(model).items()},
            best_loss=torch.full((model.members,), torch.inf, device=device),
            stale=torch.zeros(model.members, device=device),
        )

    def save(self, schedule: Schedule) -> None:
        """Write the checkpoint, if there is to be one."""
        if schedule.checkpoint is None:
            return
        groups = {
            "model": self.model.state_dict(),
            "best": self.best,
            "minimizer": self.minimizer.state(),
            "sums": self.sums,
            "run": {"best_loss": self.best_loss, "stale": self.stale, "draws": self.model.draws.state()},
        }
        tensors = {f"{group}/{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
        facts = {
            "fingerprint": schedule.fingerprint,
            "history": self.history,
            "epoch": self.epoch,
            "step": self.step,
            "steps": self.steps,
            "summed": self.summed,
            "over": self.over,
        }
        write_checkpoint(schedule.checkpoint, tensors, facts)

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        groups: dict[str, dict[str, Tensor]] = {"sums": {}, "minimizer": {}}
        for path, tensor in tensors.items():
            group, name = path.split("/", 1)
            groups.setdefault(group, {})[name] = tensor.to(self.best_loss.device) if group != "run" else tensor
        self.model.load_state_dict(groups["model"])
        self.minimizer.restore(groups["minimizer"])
        self.best, self.sums = groups["best"], groups["sums"]
        self.best_loss.copy_(groups["run"]["best_loss"])
        self.stale.copy_(groups["run"]["stale"])
        self.model.draws.restore(groups["run"]["draws"])
        for name in ("epoch", "step", "steps", "summed", "over", "history"):
            setattr(self, name, facts[name])

    def add(self, logs: dict[str, PerMember]) -> None:
        """Add what a step logged to the sums."""
        for name, value in logs.items():
            if name in self.sums:
                self.sums[name] += value
            else:
                self.sums[name] = value.clone()
        self.summed += 1
        self.step += 1
        self.steps += 1

    def log(self, name: str, values: PerMember) -> None:
        """Add one epoch's numbers to the history."""
        self.history.setdefault(name, []).append(values.tolist())

    def keep_best(self, loss: PerMember, patience: int) -> bool:
        """Keep the weights of members that improved; True when no member is still trying."""
        improved = (loss < self.best_loss) & (self.stale < patience)
        for name, tensor in of_members(self.model).items():
            wide = improved.view(-1, *[1] * (tensor.dim() - 1))
            self.best[name] = torch.where(wide, tensor, self.best[name])
        self.best_loss = torch.where(improved, loss, self.best_loss)
        self.stale = torch.where(improved, 0, self.stale + 1)
        return bool((self.stale >= patience).all())


def train(model: Model, source: Source, held_out: Rows, schedule: Schedule, *, seeds: list[int]) -> History:
    """Train every member on the rows of a source and leave the model with its best weights, in evaluation mode.

    Member m shuffles and draws from `seeds[m]` alone: it becomes what it would have become in a stack of one.

    Arguments:
        model: The model, with initialized parameters, on the device of the rows.
        source: Rows to learn from.
        held_out: Rows that choose the best weights, (V, D).
        schedule: How long and how fast.
        seeds: One seed per member.

    Raises:
        ParameterError: If the loss of a member was never finite.
        CheckpointError: If the checkpoint belongs to another run or cannot be written.
        KeyboardInterrupt: After the current step and a checkpoint, if the user pressed Ctrl-C.
    """
    run = Run.fresh(model, schedule)
    if schedule.checkpoint and (found := read_checkpoint(schedule.checkpoint, schedule.fingerprint)):
        run.load(*found)
    sizes = source.sizes(0)
    unit = ALIGNED * schedule.parts
    size = min(schedule.batch_size, -(-max(sizes) // unit) * unit)
    total = schedule.epochs * sum(-(-rows // size) for rows in sizes)
    batch = torch.zeros(model.members, size, source.width, device=source.device)
    work = 3 * flops(lambda: model.criterion(batch))
    blind = schedule.repeat and not schedule.compile
    small = blind and work < LARGE
    known: dict[bool, Step] = {}
    price = Chunks(model.criterion, members=model.members, chunk=schedule.chunk)
    with (
        threads_for(work, parts=model.members if blind and source.device.type == "cpu" else 1) as apart,
        ThreadPoolExecutor(apart) as pool,
        compiled(model, source.device, wanted=schedule.compile),
        deferred_interrupts() as interrupt,
        progress(total, done=run.steps, verbose=schedule.verbose) as show,
    ):
        step = partial(model.step, batch, run.minimizer)
        each: list[Step] = [step] if apart == 1 else parted(model, run.minimizer, batch, apart)
        saved = time.monotonic()
        while not run.over and run.epoch < schedule.epochs:
            text = f"epoch {run.epoch + 1}/{schedule.epochs}{latest(run.history)}"
            model.train()
            for x, rows in steps(source, run.epoch, run.step, size, seeds):
                with knowing_missing(x):
                    if may_be_missing() not in known:
                        again = partial(repeated, device=x.device, generators=model.draws.generators)
                        known[may_be_missing()] = together([again(s) for s in each] if small else each, pool)
                    for taken in rows:
                        if schedule.decay:
                            run.minimizer.scale_lr(0.5 * (1 + math.cos(math.pi * min(run.steps / total, 1))))
                        torch.index_select(x, 0, taken, out=batch.flatten(0, 1))
                        run.add(known[may_be_missing()]())
                        show(run.steps, text)
                        if interrupt.asked or time.monotonic() - saved > schedule.every:
                            run.save(schedule)
                            saved = time.monotonic()
                        if interrupt.asked:
                            raise KeyboardInterrupt
            run.step, run.epoch = 0, run.epoch + 1
            model.eval()
            if run.epoch % schedule.look == 0 or run.epoch == schedule.epochs:
                run.over = look(run, price(held_out), schedule)
    run.over = True
    run.save(schedule)
    return finished(run, schedule)


def finished(run: Run, schedule: Schedule) -> History:
    """Leave the model with its best weights.

    Raises:
        ParameterError: If the loss of a member was never finite.
    """
    last = torch.tensor(run.history["validation_loss"][-1])
    if not (last if schedule.patience is None else run.best_loss).isfinite().all():
        raise ParameterError("Training diverged: the loss is not a finite number. Lower lr, or check the columns.")
    if schedule.patience is not None:
        run.model.load_state_dict(run.best, strict=False)
    run.model.eval()
    return run.history


def look(run: Run, prices: PerRow, schedule: Schedule) -> bool:
    """Log the loss since the last look and the held-out rows' loss; True when training may stop."""
    validation = prices.mean(-1)
    for name, total in run.sums.items():
        run.log(name, total / run.summed)
    run.log("validation_loss", validation)
    run.log("epoch", torch.tensor([float(run.epoch)]))
    run.sums, run.summed = {}, 0
    return schedule.patience is not None and run.keep_best(validation, schedule.patience)


def latest(history: History) -> str:
    """The newest held-out loss, for the progress bar."""
    return f"  held-out loss {history['validation_loss'][-1][0]:.4g}" if history else ""
