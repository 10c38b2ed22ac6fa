"""`oodles --help` arrives at once, and every command explains itself."""

import subprocess
import sys

import pytest
import typer

import oodles
from oodles.cli.app import app

COMMANDS = typer.main.get_command(app).commands
HEAVY = ("torch", "sklearn", "numpy", "pandas", "pyarrow", "matplotlib", "rich", "pooch")


def test_all_commands_are_there():
    working = ["fit", "score", "detect", "evaluate", "explain"]
    assert list(COMMANDS) == [*working, "detectors", "datasets", "demo", "reproduce", "report"]


@pytest.mark.parametrize("name", COMMANDS)
class TestHelp:
    def test_it_says_what_the_command_does_and_shows_examples(self, run, name):
        """The first line is one sentence; every example is a command line of its own that names this command."""
        result = run(name, "--help")
        first, examples = COMMANDS[name].help.split("\n")[0], result.out.split("Examples:\n")[1]

        assert result.code == 0
        assert first.endswith(".")
        assert first in result.out
        assert result.out == run(name, "-h").out
        assert examples.count("\n") >= 2
        assert all(f"oodles {name}" in line for line in examples.strip().split("\n"))

    def test_it_fits_into_80_columns(self, run, name):
        assert max(map(len, run(name, "--help").out.split("\n"))) <= 80

    def test_every_option_is_described_without_noise(self, run, name):
        """No <bool>, no [x>=1], no option without words."""
        assert "<" not in run(name, "--help").out
        assert all(parameter.help for parameter in COMMANDS[name].params)

    def test_its_examples_are_legal(self, name):
        """What an example says exists."""
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        used = {word for word in COMMANDS[name].epilog.split() if word.startswith("--")}

        assert used <= known


def test_without_a_command_the_help_is_shown(run):
    """Every command stands in it with its whole first line."""
    result = run()

    assert result.code == 0
    assert result.out == run("--help").out
    assert all(command.help.split("\n")[0] in result.out for command in COMMANDS.values())


def test_the_version_is_shown(run):
    assert run("--version") == (0, f"oodles {oodles.__version__}\n", "")


def test_help_imports_nothing_heavy():
    """That is what makes it fast."""
    program = "import sys; sys.argv = ['oodles', 'fit', '--help']; from oodles.cli import main\n"
    program += f"try: main()\nexcept SystemExit: print([name for name in {HEAVY} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert shown.stdout.endswith("[]\n")
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fti",), ("No such command 'fti'", "Did you mean 'fit'?")),
        (("fit",), ("Missing argument 'INPUT'", "oodles fit --help")),
        (("fit", "rows.csv"), ("Missing option '--output'",)),
        (("fit", "rows.csv", "-o", "m", "--epochs", "0"), ("--epochs", "greater than or equal to 1")),
        (("fit", "rows.csv", "-o", "m", "--members", "many"), ("--members", "integer")),
        (("fit", "rows.csv", "-o", "m", "--threads", "0"), ("--threads", "greater than or equal to 1")),
        (("fit", "rows.csv", "-o", "m", "--seed", "-1"), ("--seed", "greater than or equal to 0")),
        (("fit", "rows.csv", "-o", "m", "--seed", "9" * 30), ("--seed", "less than or equal to")),
        (("score", "m"), ("Missing argument 'INPUT'",)),
        (("score", "m", "rows.csv", "--reasons", "-1"), ("--reasons", "greater than or equal to 0")),
        (("score", "m", "rows.csv", "--row", "1"), ("No such option: --row",)),
        (("explain", "m", "rows.csv", "--row", "-1"), ("--row", "greater than or equal to 0")),
        (("detect", "m", "rows.csv", "--fdr", "low"), ("--fdr", "number")),
        (("datasets", "iris"), ("unexpected extra argument", "iris")),
    ],
)
def test_a_command_that_makes_no_sense_is_one_line_and_exit_code_2(refuses, arguments, words):
    refuses(2, (*words, "--help"), *arguments)
