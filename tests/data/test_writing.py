"""What is written can be read again, appears whole or not at all, and fails in one sentence."""

import datetime as dt
import errno
import gzip
import io
import json
import os
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from oodles.data import writing
from oodles.data.reading import read
from oodles.data.writing import create
from oodles.errors import FileError, ParameterError, SchemaError

ENDINGS = ["csv", "csv.gz", "parquet", "jsonl", "ndjson", "jsonl.gz", "feather", "arrow"]
TABLE = pa.table({"amount": [1.5, None, 3.25], "count": [1, 2, 3], "city": ["Bern", None, 'Kö,"ln\n']})


START = "import sys\nimport pyarrow as pa\nfrom oodles.data.writing import create\n"


def write(path, *tables, **options):
    with create(path, **options) as writer:
        for table in tables:
            writer.write(table)


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def sentence(kind, call, *parts):
    """The call fails with one sentence of this very kind that names all parts."""
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in message
    assert message.endswith(".")
    for part in parts:
        assert str(part) in message, message


def python(code, stdout=subprocess.PIPE):
    """A run of Python on this package."""
    command = [sys.executable, "-c", START + code]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, timeout=60, check=False)


# --- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_can_be_read(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    write(path, TABLE, TABLE.select(["city", "count", "amount"]))
    expected = pa.concat_tables([TABLE, TABLE]).to_pylist()
    if "csv" in ending:
        expected = [{**row, "city": row["city"] and row["city"].strip()} for row in expected]
    assert read(path).to_pylist() == expected
    assert listing(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_format_may_be_given(tmp_path, ending):
    write(tmp_path / "a", TABLE.select(["count"]), format=ending.removesuffix(".gz"))
    assert read(tmp_path / "a", format=ending.removesuffix(".gz")).to_pydict() == {"count": [1, 2, 3]}


@pytest.mark.parametrize("ending", ENDINGS)
def test_floats_survive(tmp_path, ending):
    numbers = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-150, 150, 0.3)
    path = tmp_path / f"a.{ending}"
    write(path, pa.table({"x": numbers}))
    np.testing.assert_allclose(read(path)["x"].to_numpy(), numbers, rtol=1e-12)


def test_other_libraries_read_what_is_written(tmp_path):
    for ending in ("csv", "csv.gz", "parquet", "feather"):
        write(tmp_path / f"a.{ending}", TABLE)
    expected = TABLE.to_pylist()
    assert pl.read_csv(tmp_path / "a.csv").to_dicts() == expected
    assert pl.read_parquet(tmp_path / "a.parquet").to_dicts() == expected
    assert pl.read_ipc(tmp_path / "a.feather").to_dicts() == expected
    assert pd.read_csv(tmp_path / "a.csv.gz")["city"].tolist()[2] == 'Kö,"ln\n'


def test_a_csv_file_has_a_plain_header_and_empty_cells_for_nulls(tmp_path):
    write(tmp_path / "a.csv", pa.table({"a": [1, None], "b,c": [None, "x"]}))
    assert (tmp_path / "a.csv").read_text() == 'a,"b,c"\n1,\n,"x"\n'


@pytest.mark.parametrize("dtype", [pa.float64(), pa.float32()])
def test_json_has_no_nan(tmp_path, dtype):
    write(tmp_path / "a.jsonl", pa.table({"x": pa.array([float("nan"), float("inf"), float("-inf"), 0.5], dtype)}))
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail) for line in lines] == [{"x": None}] * 3 + [{"x": 0.5}]


def test_json_writes_dates_and_decimals_as_text_and_letters_as_they_are(tmp_path):
    table = pa.table({"d": [dt.date(2024, 1, 2)], "m": [Decimal("1.20")], "s": ["ß"]})
    write(tmp_path / "a.jsonl", table)
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8") == '{"d": "2024-01-02", "m": "1.20", "s": "ß"}\n'


@pytest.mark.parametrize("ending", ENDINGS)
def test_categories_may_differ_from_table_to_table(tmp_path, ending):
    tables = [pa.table({"c": pa.array(cells).dictionary_encode(), "i": [1, 2]}) for cells in (["a", "b"], ["c", "a"])]
    write(tmp_path / f"a.{ending}", *tables)
    assert read(tmp_path / f"a.{ending}")["c"].to_pylist() == ["a", "b", "c", "a"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_writing_nothing_makes_a_file_without_rows(tmp_path, ending):
    write(tmp_path / f"a.{ending}")
    assert (tmp_path / f"a.{ending}").exists()
    write(tmp_path / f"b.{ending}", TABLE.slice(0, 0))
    assert (tmp_path / f"b.{ending}").exists()


def test_equal_rows_make_equal_gzip_files(tmp_path):
    for name in ("a.csv.gz", "b.csv.gz"):
        write(tmp_path / name, TABLE)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b"amount,count,city\n")


# --- whole or not at all ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, BrokenPipeError, GeneratorExit])
@pytest.mark.parametrize("rows", [0, 3, 100_000])
def test_an_exception_leaves_everything_as_it_was(tmp_path, ending, error, rows):
    path = tmp_path / f"a.{ending}"
    path.write_text("old")

    def fail():
        with create(path) as writer:
            writer.write(pa.table({"x": np.arange(rows)}))
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert listing(tmp_path) == [path.name]


def test_the_old_file_stays_until_the_end(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with create(path) as writer:
        writer.write(TABLE)
        assert path.read_text() == "old"
        assert len(listing(tmp_path)) == 2
    assert path.read_text().startswith("amount")


def test_modes_are_those_of_other_files_and_are_kept(tmp_path):
    (tmp_path / "plain").touch()
    write(tmp_path / "a.csv", TABLE)
    assert (tmp_path / "a.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "a.csv").chmod(0o600)
    write(tmp_path / "a.csv", TABLE)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "a.csv").symlink_to(tmp_path / "real" / "b.csv")
    write(tmp_path / "a.csv", TABLE)
    assert (tmp_path / "a.csv").is_symlink()
    assert listing(tmp_path / "real") == ["b.csv"]


def test_a_file_may_be_replaced_by_what_is_read_from_it(tmp_path):
    write(tmp_path / "a.csv", TABLE)
    with create(tmp_path / "a.csv") as writer:
        writer.write(read(tmp_path / "a.csv"))
    assert len(read(tmp_path / "a.csv")) == 3


# --- what cannot be written -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.gz", "a.txt"])
def test_an_unknown_ending_lists_the_known_ones(tmp_path, name):
    sentence(FileError, lambda: write(tmp_path / name, TABLE), ".csv", ".jsonl", ".parquet", ".feather", name)
    assert not listing(tmp_path)


def test_an_unknown_format_lists_the_known_ones(tmp_path):
    sentence(ParameterError, lambda: write(tmp_path / "a", TABLE, format="xlsx"), "'xlsx'", ".csv")


def test_only_text_is_gzipped_or_goes_to_standard_output(tmp_path):
    sentence(FileError, lambda: write(tmp_path / "a.parquet.gz", TABLE), "parquet")
    sentence(FileError, lambda: write("-", TABLE, format="parquet"), "standard output", "parquet")


def test_a_missing_folder_is_a_sentence(tmp_path):
    sentence(FileError, lambda: write(tmp_path / "no" / "a.csv", TABLE), "a.csv", "make its folder first")
    (tmp_path / "file").touch()
    sentence(FileError, lambda: write(tmp_path / "file" / "a.csv", TABLE), "a.csv", "choose a folder")


def test_folders_and_devices_are_not_replaced(tmp_path):
    (tmp_path / "a.csv").mkdir()
    sentence(FileError, lambda: write(tmp_path / "a.csv", TABLE), "a folder")
    os.mkfifo(tmp_path / "b.csv")
    sentence(FileError, lambda: write(tmp_path / "b.csv", TABLE), "a device")
    sentence(FileError, lambda: write("/dev/null", TABLE, format="csv"), "a device")
    assert not Path("/dev/null").is_file()


def test_a_folder_without_permission_is_a_sentence(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    sentence(FileError, lambda: write(tmp_path / "a.csv", TABLE), "Permission denied", "a folder you may write to")


def test_a_full_disk_is_a_sentence_and_leaves_everything_as_it_was(tmp_path):
    """A limit on the size of files stands for a full disk; nothing but the sentence may be said."""
    paths = [tmp_path / f"a.{ending}" for ending in ENDINGS]
    for path in paths:
        path.write_text("old")
    code = f"""
import random, resource
table = pa.table({{"x": [random.random() for _ in range(5000)], "s": ["text"] * 5000}})
for limit in (10, 5_000, 300_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for path in {list(map(str, paths))!r}:
        try:
            with create(path) as writer:
                for _ in range(20):
                    writer.write(table)
        except Exception as error:
            print(type(error).__name__, error)
"""
    done = python(code)
    assert done.stderr == b""
    assert done.stdout.decode().splitlines() == 3 * [
        f"FileError Expected to write {path}, but the system says: File too large; write elsewhere." for path in paths
    ]
    assert {path.read_text() for path in paths} == {"old"}
    assert len(listing(tmp_path)) == len(paths)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_full_at_the_very_end_is_a_sentence(tmp_path, monkeypatch, step):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    sentence(FileError, lambda: write(tmp_path / "a.csv", TABLE), "No space left on device", "free some space")
    assert not listing(tmp_path)


def test_tables_of_another_kind_are_refused(tmp_path):
    sentence(SchemaError, lambda: write(tmp_path / "a.csv", TABLE, TABLE.drop_columns(["city"])), "city")
    other = TABLE.set_column(0, "amount", [["a", "b", "c"]])
    sentence(SchemaError, lambda: write(tmp_path / "a.csv", TABLE, other), "a.csv", "'c'")
    twins = pa.Table.from_arrays([[1], [2]], names=["a", "a"])
    sentence(SchemaError, lambda: write(tmp_path / "a.jsonl", twins), "2 columns called 'a'")
    assert not listing(tmp_path)


def test_what_a_format_cannot_hold_is_a_sentence(tmp_path):
    sentence(SchemaError, lambda: write(tmp_path / "a.csv", pa.table({"x": [[1, 2]]})), "a.csv", "convert or drop")
    sentence(SchemaError, lambda: write(tmp_path / "a.jsonl", pa.table({"x": [[float("nan")]]})), "a.jsonl")
    assert not listing(tmp_path)


# --- standard output --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "expected"), [(None, b'a,b\n1,"x"\n'), ("jsonl", b'{"a": 1, "b": "x"}\n')])
def test_standard_output_is_csv_or_json_lines_and_stays_open(monkeypatch, format, expected):  # noqa: A002  as there
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out, flush=lambda: None))
    write("-", pa.table({"a": [1], "b": ["x"]}), format=format)
    assert out.getvalue() == expected


def test_standard_output_follows_what_was_printed():
    done = python("print('first')\nwith create('-') as w: w.write(pa.table({'a': [1]}))\nprint('last')")
    assert (done.stdout, done.stderr) == (b"first\na\n1\nlast\n", b"")


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_broken_pipe_ends_the_block_silently(format):  # noqa: A002  as there
    code = f"""
with create('-', format={format!r}) as writer:
    while True:
        writer.write(pa.table({{'a': list(range(1000))}}))
print('the program goes on')
print('and ends well', file=sys.stderr)
"""
    with subprocess.Popen(
        [sys.executable, "-c", START + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline()
        writer.stdout.close()
        assert writer.stderr.read() == b"and ends well\n"
    assert writer.returncode == 0


def test_a_pipe_broken_before_the_last_flush_is_silent_too():
    code = "with create('-') as writer:\n    writer.write(pa.table({'a': [1]}))\n    input()"
    with subprocess.Popen(
        [sys.executable, "-c", START + code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        writer.stdout.close()
        writer.stdin.write(b"\n")
        writer.stdin.close()
        assert writer.stderr.read() == b""
    assert writer.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("rows", [1, 100_000])
def test_a_full_standard_output_is_one_sentence(rows):
    code = f"""
try:
    with create('-') as writer:
        writer.write(pa.table({{'a': list(range({rows}))}}))
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
"""
    with Path("/dev/full").open("wb") as full:
        done = python(code, stdout=full)
    assert done.stderr == (
        b"FileError Expected to write standard output, but the system says: No space left on device; free some space.\n"
    )
    assert done.returncode == 0


def test_an_absent_standard_output_is_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    sentence(FileError, lambda: write("-", TABLE), "standard output")


def test_the_public_names_are_these():
    assert writing.__all__ == ["Writer", "create"]
