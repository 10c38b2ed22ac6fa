"""Names and settings from the command line → an unfitted detector."""

import json
from collections.abc import Sequence
from typing import Any

import typer

__all__ = ["choose", "detector", "pairs"]

OWN_OPTIONS = {"checkpoint": "--resume", "schema": "--schema", "verbose": "--quiet"}
"""Parameters that `--set` leaves to other options."""


def choose(name: str) -> type:
    """The detector of that name, whatever its case and with or without dashes.

    Raises:
        BadParameter: If there is none.
    """
    from .. import detectors  # noqa: PLC0415 - torch arrives here

    known = {key.lower(): value for key, value in detectors.NAMES.items()}
    wanted = name.lower().replace("-", "")
    if wanted not in known:
        raise typer.BadParameter(
            f"there is no detector {name!r}; there are {', '.join(detectors.NAMES)}.", param_hint="--detector"
        )
    return known[wanted]


def detector(name: str, *, settings: Sequence[str], schema: dict[str, str], **given: Any) -> Any:
    """An unfitted detector: its defaults, what options say, and what `--set` says last.

    Raises:
        BadParameter: If an option or a setting is no parameter of the detector.
    """
    kind = choose(name)
    chosen = pairs(settings, "--set")
    known = kind().get_params()
    for key in chosen:
        if key in OWN_OPTIONS:
            raise typer.BadParameter(f"{key} is not set here; use {OWN_OPTIONS[key]}.", param_hint="--set")
        if key not in known:
            names = ", ".join(sorted(set(known) - set(OWN_OPTIONS)))
            raise typer.BadParameter(f"{kind.__name__} has no parameter {key!r}; it has {names}.", param_hint="--set")
    said = {key: value for key, value in given.items() if value is not None}
    for key in said.keys() - known.keys():
        raise typer.BadParameter(f"{kind.__name__} has no {key}: leave the option out.", param_hint=f"--{key}")
    parameters = {**said, **chosen}
    hidden = parameters.get("hidden")
    if isinstance(hidden, (int, list)):  # JSON has no tuples, and one layer needs no brackets
        parameters["hidden"] = (hidden,) if isinstance(hidden, int) else tuple(hidden)
    return kind(**parameters, schema=schema or None)


def pairs(settings: Sequence[str], option: str) -> dict[str, Any]:
    """`NAME=VALUE` texts as a dictionary; values are read as JSON where they can be, and as text otherwise.

    Raises:
        BadParameter: If a text has no `=`.
    """
    values: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.rpartition("=") if option == "--schema" else text.partition("=")
        if not equals:
            raise typer.BadParameter(f"NAME=VALUE is expected, but got {text!r}.", param_hint=option)
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = {"None": None, "True": True, "False": False}.get(value, value)
    return values
