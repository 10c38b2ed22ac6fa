"""Many restarts of one small network in one fit: how often it succeeds, and what the best of them has found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..training import OPTIMIZERS, Chunks, Minimizer, Resident, Schedule, flops, threads_for, train
from ..training.capture import repeated
from .beginnings import events
from .hourglass import A2, READINGS, Hourglass, Reading, hourglass, sharpened
from .lines import SIDE, SQUARES, Images, pictures_of
from .sketches import Solution, architecture, bottleneck, histogram, in_rows, neuron
from .tasks import Budget, Result

__all__ = ["LEVELS", "Restarts", "levels"]

LEVELS = {"0": 0.0, "1/16": 1 / 16, "1/8": 1 / 8, "1/4": 1 / 4}
"""Errors at which the four pictures get stuck: two gray pixels in two of them, in all of them, nothing but gray."""

NEAR, CHUNK, SHOWN = 0.01, 50, 10

KINDS = {"0": "optimal", "1/16": "suboptimal-1", "1/8": "suboptimal-2", "1/4": "suboptimal-3"}


def levels(errors: np.ndarray) -> dict[str, np.ndarray]:
    """Which errors lie within 0.01 of each level, and which near none, (N,)."""
    near = {name: np.abs(errors - level) < NEAR for name, level in LEVELS.items()}
    return {**near, "other": ~np.any(list(near.values()), axis=0)}


@dataclass(frozen=True)
class Restarts:
    """A1 (no reading) or A2 on a set of pictures, begun anew many times; every restart is a member of one fit.

    A run is `restarts` of them, of which the least loss is kept, as the author did by hand.

    Attributes:
        learned: Which pictures.
        reading: A key of `READINGS` for A2.
        literal: Equation 1 as printed, or the squared error times the number of pixels.
        hidden: Units of L1 and L3.
        codes: Numbers in the bottleneck, L2.
        restarts: How often a run begins.
        passes: Passes over the pictures.
        batch: Pictures of a step.
        rate: Learning rate of Adam.
    """

    learned: Images
    reading: Reading = ""
    literal: bool = False
    hidden: int = 2
    codes: int = 1
    restarts: int = 200
    passes: int = 20_000
    batch: int = 4
    rate: float = 1e-3

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        weighting = "literal" if self.literal else "MSE × D"
        what = f"A2 ({self.reading}, {weighting})" if self.reading else "A1"
        network = f"{self.hidden}-{self.codes}-{self.hidden}"
        return f"{self.learned}, {what} {network}, {self.restarts} restarts, lr {self.rate:g}, {self.passes:,} epochs"

    def described(self, budget: Budget) -> dict[str, Any]:  # noqa: ARG002 - the budget stands beside it
        """Everything that its result depends on."""
        return {**asdict(self), "optimizer": "adam", "weights": "glorot", "near": NEAR}

    @property
    def redrawn(self) -> bool:
        """Whether it is the network of figures 4 to 8."""
        return (self.learned, self.reading, self.hidden, self.codes) == ("squares", "", 2, 1)

    def within(self, budget: Budget) -> "Restarts":
        """The same with the budget's epochs and learning rate."""
        return replace(self, passes=budget.epochs or self.passes, rate=budget.lr or self.rate)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Train all restarts as one, and look at the best."""
        place = torch.device(
            "cuda" if device == "auto" and torch.cuda.is_available() else device.replace("auto", "cpu")
        )
        task = self.within(budget)
        x = torch.from_numpy(pictures_of(self.learned)[: budget.images]).to(place)
        seeds = list(range(budget.members * self.restarts))
        model = hourglass(x.shape[1], self.hidden, self.codes, seeds, self.reading, literal=self.literal, device=place)
        begun = beginnings(model) if self.redrawn else {}
        if self.batch < len(x):
            schedule = task.schedule(checkpoint, verbose=verbose)
            train(model, Resident(x), x, schedule, seeds=seeds)
        else:
            descend(model, x, steps=task.passes, lr=task.rate)
        found = measured(model, x)
        numbers = {**task.numbers(model, found, budget.members), **shares(begun, budget.members)}
        pictures = task.pictures(model, x, found)
        if self.redrawn:
            solution = solved(model, found)
            for output in range(4):
                numbers[f"output {output + 1}"] = turns(solution.thresholds(output))
                pictures[f"neuron-{output + 1}"] = neuron(solution, output)
            pictures["bottleneck"] = bottleneck(solution)
        return Result(numbers, pictures)

    def schedule(self, checkpoint: Path, *, verbose: bool) -> Schedule:
        """How to train in batches: the last weights are kept."""
        return Schedule(
            epochs=self.passes,
            batch_size=self.batch,
            lr=self.rate,
            patience=None,
            chunk=CHUNK,
            look=self.passes,
            checkpoint=checkpoint,
            repeat=True,
            verbose=verbose,
        )

    def numbers(
        self, model: Hourglass, found: Mapping[str, np.ndarray], runs: int
    ) -> dict[str, dict[str, list[float]]]:
        """What the restarts of each run came to, and its best one."""
        every = {what: values.reshape(runs, -1) for what, values in found.items()}
        best = np.arange(runs) * self.restarts + every["loss"].argmin(1)
        numbers = {what: [float(value) for value in values[best]] for what, values in found.items()}
        for name, layer in (("|w| in L3", model.third), ("|w| in L4", model.fourth)):
            numbers[name] = [float(w.abs().mean()) for w in model.weights(layer)[best]]
        numbers["collapsed"] = np.mean(every["MSE"] > 0.25 - NEAR, axis=1).tolist()
        reached = shares(levels(found["MSE"]), runs) if (self.learned, self.reading) == ("squares", "") else {}
        return {"run": numbers, **reached}

    def pictures(self, model: Hourglass, x: Tensor, found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The pictures, and what the best restart makes of them."""
        best = int(found["loss"].argmin())
        side = int(x.shape[1] ** 0.5)
        scale = 2 if side == SIDE else 24
        some = x[:SHOWN]

        def shown(*rows: Tensor) -> np.ndarray:
            return in_rows([row.reshape(-1, side, side).cpu().numpy() for row in rows], scale)

        outputs = given(model, some, best)
        drawn = {"inputs": shown(some), "outputs": shown(some, outputs)}
        drawn["sharpened"] = shown(some, outputs, sharpened(outputs))
        if isinstance(model, A2):
            with torch.no_grad():
                mean, std, _ = (part[best] for part in model.posterior(x.expand(model.members, *x.shape)))
            drawn["means"] = histogram(mean.flatten().cpu().numpy(), "mean a of the bottleneck")
            drawn["deviations"] = histogram(std.flatten().cpu().numpy(), "standard deviation σ")
            drawn["draws"] = shown(some, *random_outputs(model, some, best, 4))
            drawn["architecture"] = architecture(self.layers(model))
        elif self.learned == "squares":
            drawn |= {KINDS[name]: shown(some, given(model, some, member)) for name, member in examples(found).items()}
        return drawn

    def layers(self, model: Hourglass) -> list[tuple[str, int]]:
        """The layers of A2 with the number of their parameters."""
        sizes = {
            f"L{number}": (layer.inputs + 1) * layer.outputs
            for number, layer in enumerate((model.first, model.second, model.third, model.fourth), start=1)
        }
        pixels = f"{model.first.inputs:,} pixels"
        drawn = READINGS[self.reading][0]
        return [
            (pixels, 0),
            (f"L1: {self.hidden} relu", sizes["L1"]),
            (f"L2: a and b, {self.codes} each", sizes["L2"]),
            (f"z = a + exp({'b' if drawn == 1 else 'b / 2'}) ε", 0),
            (f"L3: {self.hidden} relu", sizes["L3"]),
            (f"L4: sigmoid,\n{pixels}", sizes["L4"]),
        ]


def descend(model: Hourglass, x: Tensor, *, steps: int, lr: float) -> None:
    """Adam on all pictures at once, for sets so small that shuffling them would take longer than learning."""
    batch = x.expand(model.members, *x.shape).contiguous()
    minimize = Minimizer(model, partial(OPTIMIZERS["adam"], lr=torch.tensor(lr, device=x.device)))
    step = repeated(partial(model.step, batch, minimize), x.device, model.draws.generators)
    with threads_for(3 * flops(lambda: model.criterion(batch))):
        for _ in range(steps):
            step()


def shares(befallen: Mapping[str, np.ndarray], runs: int) -> dict[str, dict[str, list[float]]]:
    """Event → share of the restarts of each run that it befell."""
    return {event: {"share": whom.reshape(runs, -1).mean(1).tolist()} for event, whom in befallen.items()}


def beginnings(model: Hourglass) -> dict[str, np.ndarray]:
    """What befell the restarts before the training, (N,)."""
    return events(*(model.weights(layer).cpu().numpy() for layer in (model.first, model.second, model.third)))


def turns(places: list[float]) -> dict[str, list[float]]:
    """How often, and where, an output changes between black and white along the bottleneck."""
    return {"changes": [float(len(places))], **{f"change {n}": [place] for n, place in enumerate(places, start=1)}}


def measured(model: Hourglass, x: Tensor) -> dict[str, np.ndarray]:
    """Of each restart, (N,): its loss, its error with and without gray, and its bottleneck."""

    def of(function: Any) -> Tensor:
        return Chunks(function, members=model.members, chunk=CHUNK)(x)

    codes = of(model.code)
    found = {
        "loss": of(model.criterion).mean(-1),
        "MSE": of(lambda batch: model.error(batch, model.code(batch))).mean(-1),
        "MSE sharpened": of(lambda batch: (sharpened(model.restored(batch)) - batch).square().mean(-1)).mean(-1),
        "within 3": (codes.abs() < 3).float().mean((1, 2)),
    }
    if isinstance(model, A2):
        std = of(lambda batch: model.posterior(batch)[1]).flatten(1)
        found |= {"σ": std.median(1).values, "least σ": std.amin(1), "largest σ": std.amax(1)}
        found["KL"] = of(lambda batch: model.posterior(batch)[2]).mean(-1)
    return {what: values.double().cpu().numpy() for what, values in found.items()}


@torch.no_grad()
def given(model: Hourglass, x: Tensor, member: int) -> Tensor:
    """What one restart makes of pictures, (N, D)."""
    return model.restored(x.expand(model.members, *x.shape))[member]


@torch.no_grad()
def random_outputs(model: A2, x: Tensor, member: int, times: int) -> list[Tensor]:
    """The same with a code that is drawn, again and again."""
    mean, std, _ = model.posterior(x.expand(model.members, *x.shape))
    noise = torch.randn(times, *mean.shape[1:], generator=torch.Generator().manual_seed(0)).to(mean)
    return [model.logits(mean + std * one).sigmoid()[member] for one in noise]


def examples(found: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Level → the restart that is closest to it, where one is near."""
    near = levels(found["MSE"])
    return {name: int(np.abs(found["MSE"] - level).argmin()) for name, level in LEVELS.items() if near[name].any()}


def solved(model: Hourglass, found: Mapping[str, np.ndarray]) -> Solution:
    """The best restart whose pictures lie along the bottleneck in the paper's order; the best one, if none has it."""
    order = found["loss"].argsort()
    with torch.no_grad():
        x = torch.from_numpy(SQUARES).to(model.first.weight)
        codes = model.code(x.expand(model.members, *x.shape))[..., 0].cpu().numpy()
    ordered = [m for m in order if found["MSE"][m] < NEAR and (np.diff(codes[m]) > 0).all()]
    member = int((ordered or order)[0])
    layers = [
        (model.weights(layer)[member].cpu().numpy(), layer.bias.detach()[member, 0, : layer.outputs].cpu().numpy())
        for layer in (model.third, model.fourth)
    ]
    (third, bias), fourth = layers
    return Solution((third[0], bias), fourth, codes[member])
