"""What the tests of the command line share: a fitted model, a way to run a command, a way to be refused."""

import io
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from samples import ROWS, TINY, Result, put, table

from oodles.cli.app import outcome

ESCAPE = re.compile("[\x1b\x9b]")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line in this process, with bytes for its standard input if need be."""

    def run(*arguments: object, stdin: bytes | None = None) -> Result:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin), isatty=lambda: False))
        capsys.readouterr()
        code = outcome([str(argument) for argument in arguments])
        result = Result(code, *capsys.readouterr())
        assert not ESCAPE.search(result.out + result.err)
        return result

    return run


@pytest.fixture
def refuses(run):
    """`refuses(code, words, *command line)`: it fails with one line, a sentence that holds the words."""

    def refuses(code: int, words: tuple[str, ...], *arguments: object, stdin: bytes | None = None) -> str:
        result = run(*arguments, stdin=stdin)
        assert result.code == code, result
        assert result.out == ""
        assert result.err.count("\n") == 1
        assert re.fullmatch(r"oodles: .+[.]\n", result.err)
        assert "Traceback" not in result.err
        assert "mistake of oodles" not in result.err
        for word in words:
            assert word in result.err
        return result.err

    return refuses


@pytest.fixture(scope="session")
def here(tmp_path_factory) -> Path:
    """A folder with the table in every format, and a model fitted to it; nobody may change it."""
    folder = tmp_path_factory.mktemp("here")
    for name in ("rows.csv", "rows.csv.gz", "rows.parquet", "rows.feather", "rows.jsonl"):
        put(table(), folder / name)
    (folder / "parts").mkdir()
    for part in range(3):
        put(table().slice(part * ROWS // 3, ROWS // 3), folder / "parts" / f"{part}.parquet")
    arguments = ["--label", "label", "--normal", "ok", *TINY]
    assert outcome(["fit", str(folder / "rows.parquet"), "-o", str(folder / "model"), *arguments]) == 0
    return folder
