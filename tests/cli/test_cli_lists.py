"""`oodles datasets`, `detectors` and `demo`, and what happens to any command in an odd environment."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from samples import Result

from oodles import data, detectors, scores
from oodles.cli.app import main, outcome
from oodles.cli.output import print_json
from oodles.report import demo

OODLES = str(Path(sys.executable).with_name("oodles"))


class TestDatasets:
    def test_every_dataset_is_listed(self, run):
        listed = run("datasets", "--json").json

        assert [entry["name"] for entry in listed] == [entry.name for entry in data.names()]
        assert listed[0].keys() == {"name", "description", "kind", "size", "splits", "presence"}

    def test_a_row_is_a_line_where_no_terminal_folds_it(self, run):
        """So that grep finds a dataset with its description."""
        lines = run("datasets").out.splitlines()

        assert len(lines) == 1 + len(data.names())
        assert lines[0].split() == ["name", "files", "what", "it", "is"]
        assert any(line.startswith("digits ") and "embedded" in line and "8×8" in line for line in lines)


class TestDetectors:
    def test_every_score_has_its_unit(self, run):
        listed = {one["detector"]: one for one in run("detectors", "--json").json}

        assert list(listed) == list(detectors.NAMES)
        for name, kind in detectors.NAMES.items():
            assert listed[name]["scores"] == {score: scores.UNITS[score] for score in kind.model_class.scores}
            assert listed[name]["default"] in listed[name]["scores"]
            assert listed[name]["parameters"].keys() == kind().get_params().keys()

    def test_the_default_is_marked(self, run):
        shown = run("detectors").out

        assert "VAE: Variational autoencoder" in shown
        assert shown.count(" * ") == len(detectors.NAMES)


class TestDemo:
    @pytest.fixture
    def short(self, monkeypatch):
        """The demo, but with two epochs."""
        real = demo.run
        monkeypatch.setattr(demo, "run", lambda *args, **more: real(*args, **more, epochs=2))

    @pytest.mark.usefixtures("short")
    def test_it_tells_its_story(self, run, tmp_path):
        result = run("demo", "-o", tmp_path / "new" / "demo")

        assert result.code == 0
        assert all(word in result.out for word in ("Breast tumors", "Handwritten zeros", "AUROC"))
        assert result.err.endswith(f"report: {tmp_path}/new/demo/report.html\n")
        assert {path.name for path in (tmp_path / "new" / "demo").iterdir()} == {
            "report.html",
            "breast-cancer",
            "digits",
        }

    @pytest.mark.usefixtures("short")
    def test_it_is_silent_or_json_if_asked(self, run, tmp_path):
        told = run("demo", "-o", tmp_path / "a", "--json")

        assert run("demo", "-o", tmp_path / "b", "--quiet") == (0, "", "")
        assert told.err == ""
        assert told.json["report"] == str(tmp_path / "a" / "report.html")
        assert len(told.json["numbers"]) == len(told.json["models"]) == 2

    def test_a_bad_folder_is_refused_before_the_training(self, refuses, tmp_path):
        (tmp_path / "file").write_text("")

        refuses(1, ("file", "File exists"), "demo", "-o", tmp_path / "file")
        refuses(1, ("file/demo", "Not a directory"), "demo", "-o", tmp_path / "file" / "demo")


class TestEnvironment:
    def test_NO_COLOR_is_honored_in_a_terminal(self):  # noqa: N802
        """A true terminal: colors by default, none with NO_COLOR."""
        assert "\x1b[" in on_a_terminal({})
        assert "\x1b[" not in on_a_terminal({"NO_COLOR": "1"})

    def test_a_closed_pipe_is_no_error(self):
        """`oodles datasets | head -1`."""
        shown = subprocess.run(
            f"'{OODLES}' datasets | head -1; echo ${{PIPESTATUS[0]}}",
            shell=True, executable="/bin/bash", capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert shown.stdout.splitlines()[-1] == "0"
        assert shown.stderr == ""

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
    def test_a_full_disk_is_one_line(self):
        with Path("/dev/full").open("w") as full:
            shown = subprocess.run([OODLES, "datasets"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

        assert (shown.returncode, shown.stderr) == (1, "oodles: The system: No space left on device.\n")


class TestOutcome:
    """What becomes of errors that no sentence of ours was made for."""

    @pytest.fixture
    def failing(self, monkeypatch, capsys):
        """`oodles datasets`, with an error inside."""

        def failing(error: BaseException) -> Result:
            def fail() -> None:
                raise error

            monkeypatch.setattr(data, "names", fail)
            return Result(outcome(["datasets"]), *capsys.readouterr())

        return failing

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (MemoryError(), "memory of this machine"),
            (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory of this machine"),
            (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory of this machine"),
            (PermissionError(13, "Permission denied", "secret.csv"), "secret.csv: Permission denied."),
            (KeyboardInterrupt(), "Stopped."),
            (TypeError("a\nb"), "mistake of oodles, not yours: TypeError: a b (test_cli_lists.py, line "),
        ],
    )
    def test_it_is_one_line_and_exit_code_1(self, failing, error, words):
        result = failing(error)

        assert (result.code, result.out) == (1, "")
        assert words in result.err
        assert result.err.count("\n") == 1

    def test_a_developer_can_see_the_traceback(self, failing, monkeypatch):
        monkeypatch.setenv("OODLES_TRACEBACK", "1")

        with pytest.raises(TypeError, match="odd"):
            failing(TypeError("odd"))

    def test_main_exits_with_the_code(self, monkeypatch, capsys):
        monkeypatch.setattr(sys, "argv", ["oodles", "nonsense"])
        with pytest.raises(SystemExit) as stopped:
            main()

        assert stopped.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1

    def test_json_has_no_nan(self, capsys):
        """Infinity and NaN are null, arrays' numbers are numbers, names of files are text."""
        print_json({"a": float("inf"), "b": [float("nan"), 1], "c": Path("x")})

        assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1], "c": "x"}


def on_a_terminal(environment: dict[str, str]) -> str:
    """What `oodles datasets` writes to a terminal."""
    ours, theirs = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen([OODLES, "datasets"], stdout=theirs, env={**known, "TERM": "xterm", **environment}):
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # Linux says so at the end
            pass
    os.close(ours)
    return shown.decode()
