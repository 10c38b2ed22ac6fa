"""`oodles detectors`: what can be fitted, and how each scores."""

from typing import Any

from . import options
from .output import print_json, print_table

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles detectors
oodles detectors --json"""


def command(*, json: options.Json = False) -> None:
    """List the detectors, and their scores with units.

    With --json, also every parameter that `--set` of `oodles fit` takes, with its default.
    """
    from .. import detectors, scores  # noqa: PLC0415 - torch arrives here

    listed: list[dict[str, Any]] = [
        {
            "detector": name,
            "what": (kind.__doc__ or "").split("\n")[0],
            "default": kind.scoring,
            "scores": {score: scores.UNITS[score] for score in kind.model_class.scores},
            "parameters": {key: repr(value) for key, value in kind().get_params().items()},
        }
        for name, kind in detectors.NAMES.items()
    ]
    if json:
        print_json(listed)
        return
    for one in listed:
        cells = [(score + " *" * (score == one["default"]), unit) for score, unit in one["scores"].items()]
        print_table(f"{one['detector']}: {one['what']}", ("score (* default)", "unit"), cells)
