"""What a command loads: a second of imports is a second of waiting."""

import subprocess
import sys

import pytest

from oodles.detectors import VAE

SCRIPT = """
import sys
from oodles.cli.app import outcome
code = outcome(sys.argv[2:])
loaded = [name for name in sys.argv[1].split(",") if name in sys.modules]
sys.exit(f"loaded {loaded}" if loaded else code)
"""


def run_without(modules, *arguments):
    """Run a command line, and fail if it imported any of the modules."""
    command = [sys.executable, "-c", SCRIPT, ",".join(modules), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def payments(tmp_path_factory):
    """A table with numbers, a flag, a category and holes as CSV and Parquet, and a model of it."""
    pa, csv, parquet = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.csv", "pyarrow.parquet"))
    folder = tmp_path_factory.mktemp("payments")
    rows = {
        "amount": [float(i % 7) if i % 5 else None for i in range(90)],
        "count": [i % 11 for i in range(90)],
        "foreign": [i % 3 == 0 for i in range(90)],
        "shop": ["books", "food", "tools"] * 30,
    }
    table = pa.table(rows)
    csv.write_csv(table, folder / "rows.csv")
    parquet.write_table(table, folder / "rows.parquet")
    VAE(members=1, epochs=1, random_state=0).fit(table).save(folder / "model")
    return folder


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("command", ["score", "detect"])
def test_scoring_needs_neither_pandas_nor_scikit_learn(payments, command, ending):
    """Not for numbers, flags, categories or holes; nor torch's compiler."""
    source = payments / f"rows.{'parquet' if ending == 'jsonl' else ending}"
    slow = ["pandas", "sklearn", "scipy", "matplotlib", "torch._dynamo"]
    run_without(slow, command, payments / "model", source, "-o", payments / f"{command}.{ending}", "-q")


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["fit", "--help"]])
def test_help_needs_nothing(arguments):
    """Neither torch nor NumPy nor Arrow."""
    run_without(["torch", "numpy", "pyarrow"], *arguments)
