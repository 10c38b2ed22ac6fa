"""A run in one file, written atomically: kill the process at any moment, and the last one stands."""

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import CheckpointError

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Replace the checkpoint at `path`, or leave it as it was.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    blob = save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, {"facts": json.dumps(facts)}
    )
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CheckpointError(f"The checkpoint {path} cannot be written: {error.strerror}.") from error


def read_checkpoint(path: Path, fingerprint: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors and facts of the checkpoint at `path`, or None if there is none, or one of another run that is over.

    Raises:
        CheckpointError: If it is damaged, or belongs to a run with another fingerprint that is not over.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint ({error}). Delete it to start again.") from error
    if facts["fingerprint"] != fingerprint:
        if facts.get("over"):
            return None
        raise CheckpointError(
            f"The checkpoint {path} belongs to a run with other data or parameters. "
            "Repeat that run exactly to continue it, or delete the file to start again."
        )
    return tensors, facts
