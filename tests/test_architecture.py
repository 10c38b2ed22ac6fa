"""The house stands as planned: imports go down, files stay small, every public name is listed and described."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import oodles

ROOT = Path(oodles.__file__).parent
FLOORS = [
    {"errors", "shapes", "layout", "arrow", "__init__"},
    {"nn"},
    {"likelihoods", "sampling", "objectives", "metrics", "calibration", "storage"},
    {"data", "encoding"},
    {"training"},
    {"scores"},
    {"detectors"},
    {"experiments"},
    {"report"},
    {"cli"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(ROOT.rglob("*.py"))
MODULES = [oodles, *(importlib.import_module(m.name) for m in pkgutil.walk_packages(oodles.__path__, "oodles."))]


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports from, wherever in the file the import stands."""
    found = set()
    depth = len(path.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            found |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "oodles":
            found |= {node.module.split(".")[1]} if "." in node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("oodles.")}
    return {"__init__" if room == "__version__" else room for room in found}


def test_every_room_has_a_floor() -> None:
    """A new room must be placed before it can be built."""
    assert {room_of(path) for path in FILES} - set(FLOOR) == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    """A room imports lower floors; rooms on one floor do not see each other."""
    if path.parent == ROOT and path.stem == "__init__":
        return
    here = room_of(path)

    upward = {there for there in imported_rooms(path) if there != here and FLOOR[there] >= FLOOR[here]}

    assert upward == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    """No file is longer than 300 lines but the one estimator that all detectors share."""
    limit = 360 if path.relative_to(ROOT) == Path("detectors/base.py") else 300

    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_lists_what_can_be_imported(module) -> None:
    """`__all__` exists, and names things that are there."""
    assert set(module.__all__) <= set(dir(module)) | {"data", "detectors", "load"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_things_are_described(module) -> None:
    """Every public class and function has a docstring."""
    for name in module.__all__:
        thing = getattr(module, name)
        if getattr(thing, "__module__", "").startswith("oodles") and (
            inspect.isclass(thing) or inspect.isfunction(thing)
        ):
            assert inspect.getdoc(thing), name


def test_every_detector_names_its_source() -> None:
    """A detector's docstring has references with a year."""
    for detector in oodles.detectors.NAMES.values():
        assert "References:" in detector.__doc__
        assert any(f"({year})" in detector.__doc__ or f", {year})" in detector.__doc__ for year in range(1980, 2030))


def test_every_score_has_a_unit() -> None:
    """What a detector can be asked for, `oodles detectors` can explain."""
    from oodles import scores

    offered = {score for detector in oodles.detectors.NAMES.values() for score in detector.model_class.scores}

    assert offered <= set(scores.UNITS)
