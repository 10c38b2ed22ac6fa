"""A detector's parameters: how they are declared, what they may be, how they are written down."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..calibration import RULES
from ..errors import ParameterError
from ..nn import ACTIVATIONS
from ..objectives import INFORMATION, SHUFFLES
from ..sampling import SOURCES
from ..scores import Combined
from ..training import OPTIMIZERS

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["as_json", "check", "fingerprint", "from_json", "seed_of"]


CHOICES = {
    "information": tuple(INFORMATION),
    "shuffle": SHUFFLES,
    "penalty_form": ("row", "pixel"),
    "enclosed": ("surprise", "mean", "posterior"),
}
"""Words that some parameters take."""

WIDTHS = ("hidden", "generator_hidden", "proposal_std", "discriminator_hidden")


def check(detector: "Detector") -> None:
    """Refuse impossible values before any work is done.

    Raises:
        ParameterError: In a sentence.
    """
    for name in ("latent", "members", "epochs", "components"):
        demand(detector, name, lambda v: v == "auto" or whole(v), "a whole number of at least 1, or 'auto'")
    demand(detector, "batch_size", whole, "a whole number of at least 1")
    demand(detector, "lr", lambda v: v > 0, "a positive number")
    for name in ("validation_fraction", "false_alarm_rate", "nu", "anomaly_share"):
        demand(detector, name, lambda v: 0 < v < 1, "a share between 0 and 1")
    demand(
        detector,
        "contamination",
        lambda v: v is None or type(v) in RULES.values() or (isinstance(v, float) and 0 < v <= 0.5),
        "None, a share in (0, 0.5] or a rule of oodles.calibration",
    )
    demand(
        detector,
        "random_state",
        lambda v: v is None or hasattr(v, "randint") or 0 <= v < 2**40,
        "None, a whole number from 0 to 2⁴⁰ or a numpy.random.RandomState",
    )
    demand(detector, "memory", lambda v: v is None or v >= 1, "None, or a number of MiB of at least 1")
    demand(detector, "hidden", lambda v: all(map(whole, v)), "whole numbers of at least 1")
    demand(detector, "activation", lambda v: v in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}")
    demand(detector, "device", lambda v: isinstance(v, str), "'auto', 'cpu' or 'cuda'")
    demand(detector, "early_stopping", lambda v: isinstance(v, (bool, np.bool_)), "True or False")
    demand(detector, "optimizer", lambda v: v in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}")
    demand(detector, "decay", lambda v: v == "auto" or isinstance(v, (bool, np.bool_)), "True, False or 'auto'")
    for name in (
        "beta",
        "negative_weight",
        "negative_reconstruction",
        "label_weight",
        "entropy",
        "penalty",
        "mcmc_step",
        "density_weight",
        "variance_weight",
    ):
        demand(detector, name, lambda v: v >= 0, "a number that is not negative")
    for name in ("average", "background", "dropout"):
        demand(detector, name, lambda v: 0 <= v < 1, "a share of at least 0 and below 1")
    for name, words in CHOICES.items():
        demand(detector, name, words.__contains__, f"one of {', '.join(words)}")
    for name in ("n_phi", "n_critic", "mixtures"):
        demand(detector, name, whole, "a whole number of at least 1")
    demand(detector, "noise", lambda v: v > 0, "a positive number")
    demand(detector, "n_mcmc", lambda v: whole(v) or v == 0, "a whole number of at least 0")
    demand(detector, "reference_std", lambda v: v in (None, "auto") or v > 0, "a positive number, None or 'auto'")
    demand(detector, "discriminator_hidden", lambda v: v and all(map(whole, v)), "one or more whole numbers")
    demand(detector, "proposal_std", lambda v: all(std > 0 for std in v), "positive numbers")
    demand(detector, "generator_hidden", lambda v: v == "auto" or all(map(whole, v)), "whole numbers, or 'auto'")
    demand(detector, "shift", lambda v: v == "auto" or v > 0, "a positive number, or 'auto'")
    demand(
        detector,
        "gamma",
        lambda v: v in ("scale", "auto", "median") if isinstance(v, str) else 0 < v < np.inf,
        "a positive number, 'scale', 'auto' or 'median'",
    )
    for name in ("rows", "landmarks"):
        demand(detector, name, whole, "a whole number of at least 1")
    known = ", ".join(("auto", "none", *SOURCES))
    demand(detector, "source", is_source, f"one of {known}, or a value of oodles.sampling")
    detector.score_named(detector.scoring)


def is_source(value: Any) -> bool:
    """Whether negatives can come from it."""
    return value in ("auto", "none", *SOURCES) if isinstance(value, str) else type(value) in map(type, SOURCES.values())


def whole(value: Any) -> bool:
    """Whether a value counts something."""
    return isinstance(value, (int, np.integer)) and bool(value >= 1)


def demand(detector: "Detector", name: str, fits: Callable[[Any], bool], expected: str) -> None:
    """Refuse a parameter that does not fit; a detector that has none of that name has nothing to refuse.

    Raises:
        ParameterError: In a sentence.
    """
    if not hasattr(detector, name):
        return
    value = getattr(detector, name)
    try:
        good = fits(value)
    except (TypeError, AttributeError):
        good = False
    if not good:
        raise ParameterError(f"{type(detector).__name__}({name}={value!r}) makes no sense: expected {expected}.")


def seed_of(state: Any) -> int:
    """A number for a `random_state`: itself, or one that a random state draws; None takes a new one each time."""
    if state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    return int(state) if isinstance(state, (int, np.integer)) else int(state.randint(2**31 - 1))


def as_json(detector: "Detector") -> dict[str, Any]:
    """The parameters as JSON values; a random state that is no number is left out."""
    values = {field.name: getattr(detector, field.name) for field in fields(detector)}
    rule = values["contamination"]
    if callable(rule):
        values["contamination"] = {"rule": type(rule).__name__, **asdict(rule)}
    if isinstance(scoring := values["scoring"], Combined):
        values["scoring"] = asdict(scoring)
    if is_dataclass(source := values.get("source")) and not isinstance(source, type):
        values["source"] = {"kind": type(source).__name__, **asdict(source)}
    plain: dict[str, Any] = json.loads(json.dumps(values, default=lambda v: str(v) if isinstance(v, Path) else None))
    return plain


def from_json(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters that `as_json` wrote down."""
    parameters = {**values, **{name: tuple(values[name]) for name in WIDTHS if isinstance(values.get(name), list)}}
    if isinstance(rule := parameters["contamination"], dict):
        parameters["contamination"] = RULES[rule["rule"]](**{k: v for k, v in rule.items() if k != "rule"})
    if isinstance(scoring := parameters["scoring"], dict):
        parameters["scoring"] = Combined(tuple(scoring["kinds"]), scoring["rule"])
    if isinstance(source := parameters.get("source"), dict):
        kinds = {type(value).__name__: type(value) for value in SOURCES.values()}
        parameters["source"] = kinds[source["kind"]](**{k: v for k, v in source.items() if k != "kind"})
    return parameters


def fingerprint(detector: "Detector", digest: str) -> str:
    """What tells a training from others: the parameters that matter, and the rows' digest."""
    parameters = {k: v for k, v in as_json(detector).items() if k not in ("checkpoint", "verbose")}
    text = json.dumps([type(detector).__name__, parameters], sort_keys=True)
    return hashlib.sha256(f"{text} {digest}".encode()).hexdigest()
