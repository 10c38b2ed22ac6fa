"""A fitted detector as a folder: `config.json`, `model.safetensors`, `README.md`. Nothing executes on load.

`config.json` carries the sha256 of the weights and of its own content, so that truncated or edited files are
refused with a sentence. A folder is written beside its target and moved into place: it is whole, or it is not there.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from .errors import ArtefactError

__all__ = ["SCHEMA_VERSION", "check_target", "read", "write"]

SCHEMA_VERSION = 3
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
FILES = {CONFIG, WEIGHTS, CARD}


def checksum(blob: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(blob).hexdigest()


def canonical(config: dict[str, Any]) -> bytes:
    """One text for one configuration, without its own checksum."""
    return json.dumps({key: value for key, value in config.items() if key != "sha256"}, sort_keys=True).encode()


def write(path: Path, config: dict[str, Any], tensors: dict[str, Tensor], card: str) -> None:
    """Write a model folder, replacing an older model folder at the same place.

    Raises:
        ArtefactError: If something that is no model stands at `path`, or it cannot be written.
    """
    check_target(path)
    blob = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    config = {"format": "oodles", "schema_version": SCHEMA_VERSION, **config, "weights_sha256": checksum(blob)}
    config["sha256"] = checksum(canonical(config))
    draft = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.resolve().parent))
        (draft / WEIGHTS).write_bytes(blob)
        (draft / CARD).write_text(card, encoding="utf-8")
        (draft / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")
        draft.chmod(0o755)
        replace(draft, path)
    except OSError as error:
        raise ArtefactError(f"The model cannot be written to {path}: {error.strerror or error}.") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def check_target(path: Path) -> None:
    """Find out, before hours of training if need be, whether a model can be written to `path`.

    Raises:
        ArtefactError: If something that is no model stands there, or its folder cannot be written to.
    """
    if path.exists() and not (path.is_dir() and is_ours(path)):
        raise ArtefactError(f"{path} exists and is not a saved model; it is left alone. Choose another name.")
    try:
        parent = next(folder for folder in path.absolute().parents if folder.exists())
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise ArtefactError(f"The model cannot be written to {path}: {error.strerror or error}.") from error


def is_ours(path: Path) -> bool:
    """Whether a folder is empty, or holds a model of this package and nothing else."""
    names, config = {file.name for file in path.iterdir()}, path / CONFIG
    return not names or (names <= FILES and config.is_file() and b'"format": "oodles"' in config.read_bytes())


def replace(draft: Path, path: Path) -> None:
    """Move a finished folder into place; an older one steps aside first and is removed last."""
    path = path.resolve()  # what a link points at is replaced, and the link stays
    old = draft.with_name(draft.name + ".old")
    if path.exists():
        path.rename(old)
    try:
        draft.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The configuration and weights of a model folder, verified.

    Raises:
        ArtefactError: If it is no model folder, was written by a newer version, or was edited or cut short.
    """
    if not (path / CONFIG).is_file():
        found = "a file" if path.is_file() else "a folder without config.json" if path.is_dir() else "nothing"
        raise ArtefactError(
            f"{path} is not a saved model: expected a folder with {CONFIG} and {WEIGHTS}, found {found}. "
            "Pickles and other formats are never loaded, because loading them can run code."
        )
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        blob = (path / WEIGHTS).read_bytes()
    except (OSError, ValueError) as error:
        raise ArtefactError(f"The model {path} cannot be read: {error}. Save it again.") from error
    if not (
        isinstance(config, dict) and config.get("format") == "oodles" and type(config.get("schema_version")) is int
    ):
        raise ArtefactError(f"{path / CONFIG} does not describe an oodles model.")
    if config["schema_version"] < SCHEMA_VERSION:
        raise ArtefactError(
            f"{path} was written in format {config['schema_version']}, whose weights lie otherwise than in format "
            f"{SCHEMA_VERSION}: fit it anew."
        )
    if config["schema_version"] > SCHEMA_VERSION:
        raise ArtefactError(
            f"{path} was written in format {config['schema_version']}, but this version reads up to {SCHEMA_VERSION}. "
            "Install a newer oodles."
        )
    if checksum(canonical(config)) != config.get("sha256"):
        raise ArtefactError(f"{path / CONFIG} was edited or damaged after it was saved; its checksum does not fit.")
    if checksum(blob) != config["weights_sha256"]:
        raise ArtefactError(f"{path / WEIGHTS} was edited or cut short after it was saved; its checksum does not fit.")
    try:
        return config, load(blob)
    except SafetensorError as error:
        raise ArtefactError(f"{path / WEIGHTS} holds no readable weights ({error}). Save the model again.") from error
