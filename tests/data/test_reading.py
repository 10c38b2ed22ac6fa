"""Every format is read whole and in blocks; every bad file is one sentence."""

import gzip
import io
import os
import pty
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pytest
from PIL import Image

from oodles.data import delimited, reading, sources
from oodles.data.pictures import Album
from oodles.data.reading import Pictures, read, stream
from oodles.errors import DataError, FileError, OodlesError, ParameterError, SchemaError

TABLE = pa.table({"amount": [1.5, None, 3.25], "count": [1, 2, 3], "city": ["Bern", None, "Köln"]})
CSV = "amount,count,city\n1.5,1,Bern\n,2,\n3.25,3,Köln\n"


def put(path, content):
    """Writes bytes or text, gzipped where the name says so."""
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


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
    return message


def both(path, kind, *parts, **options):
    """Reading whole and in blocks fail alike."""
    sentence(kind, lambda: read(path, **options), *parts)
    sentence(kind, lambda: list(stream(path, **options)), *parts)


def standard_input(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: False))


# --- delimited text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a.csv", "a.txt", "a.data", "a.csv.gz", "a.CSV", "kddcup.data_10_percent.gz", "noending"]
)
def test_text_is_read_whatever_its_name(tmp_path, name):
    assert read(put(tmp_path / name, CSV)) == TABLE
    assert read(str(tmp_path / name)) == TABLE


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    text = CSV.replace(",", delimiter)
    assert read(put(tmp_path / "a.tsv", text)) == TABLE


def test_a_delimiter_within_words_is_not_taken_for_one(tmp_path):
    table = read(put(tmp_path / "a.csv", 'note|value\n"a, b, c"|1\nd, e|2\n'))
    assert table.to_pydict() == {"note": ["a, b, c", "d, e"], "value": [1, 2]}


def test_a_single_column_needs_no_delimiter(tmp_path):
    assert read(put(tmp_path / "a.csv", "x\n1\n2")).to_pydict() == {"x": [1, 2]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems_are_read(tmp_path, end):
    assert read(put(tmp_path / "a.csv", CSV.replace("\n", end))) == TABLE


def test_a_byte_order_mark_and_padded_names_are_no_part_of_the_names(tmp_path):
    path = put(tmp_path / "a.csv", b"\xef\xbb\xbf amount , count,city\n1,2,x\n")
    assert read(path).column_names == ["amount", "count", "city"]


def test_a_quoted_byte_order_marked_header_is_understood(tmp_path):
    assert read(put(tmp_path / "a.csv", b'\xef\xbb\xbf"a, b","c\nd"\n1,2\n')).column_names == ["a, b", "c\nd"]


def test_nameless_columns_are_numbered(tmp_path):
    assert read(put(tmp_path / "a.csv", ",b\n1,2\n")).column_names == ["c1", "b"]


def test_without_a_header_columns_are_numbered_or_named(tmp_path):
    path = put(tmp_path / "a.csv", "1,x\n2,y\n")
    assert read(path, header=False).to_pydict() == {"c1": [1, 2], "c2": ["x", "y"]}
    assert read(path, header=False, names=["n", "s"]).to_pydict() == {"n": [1, 2], "s": ["x", "y"]}
    assert next(stream(path, header=False, names=["n", "s"])).to_pydict() == {"n": ["1", "2"], "s": ["x", "y"]}


def test_names_replace_those_of_the_header(tmp_path):
    assert read(put(tmp_path / "a.csv", "a,b\n1,2\n"), names=["n", "s"]).to_pydict() == {"n": [1], "s": [2]}


def test_as_many_names_as_columns_are_needed(tmp_path):
    both(put(tmp_path / "a.csv", "1,x\n"), SchemaError, "Expected 3", "has 2", header=False, names=["a", "b", "c"])


def test_duplicated_names_are_refused(tmp_path):
    both(put(tmp_path / "a.csv", "a,b, a\n1,2,3\n"), SchemaError, "2 columns called 'a'")


@pytest.mark.parametrize("cell", [*delimited.MISSING, " ? ", '"NA"'])
def test_missing_cells_are_nulls(tmp_path, cell):
    path = put(tmp_path / "a.csv", f"x,y,z\n1,a,2\n{cell},{cell},{cell}\n")
    assert read(path).slice(1).to_pylist() == [{"x": None, "y": None, "z": None}]
    assert read(path).schema.types == [pa.int64(), pa.string(), pa.int64()]


def test_cells_are_trimmed(tmp_path):
    path = put(tmp_path / "a.csv", "x, y\n 1, State gov \n2.5 ,\tb\n")
    assert read(path).to_pydict() == {"x": [1.0, 2.5], "y": ["State gov", "b"]}


def test_the_whole_file_decides_a_type(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 100)
    rows = "".join(f"{i},{i},{i}\n" for i in range(1000))
    table = read(put(tmp_path / "a.csv", f"a,b,c\n{rows}1,2.5,late\n"))
    assert table.schema.types == [pa.int64(), pa.float64(), pa.string()]
    assert table["c"][0].as_py() == "0"
    assert table["c"][-1].as_py() == "late"


def test_booleans_dates_and_hexadecimals_stay_text_and_empty_columns_are_floats(tmp_path):
    table = read(put(tmp_path / "a.csv", "b,d,h,e\ntrue,2024-01-01,0x1A,\nfalse,2024-01-02,0x1B,\n"))
    assert table.schema.types == [pa.string(), pa.string(), pa.string(), pa.float64()]


def test_numbers_beyond_the_integers_are_floats(tmp_path):
    table = read(put(tmp_path / "a.csv", f"a,b\n{2**63},{2**62 + 1}\n1,1e3\n"))
    assert table.schema.types == [pa.float64(), pa.float64()]
    assert read(put(tmp_path / "b.csv", f"a\n{2**62 + 1}\n"))["a"][0].as_py() == 2**62 + 1


def test_a_streamed_block_is_text_but_for_the_given_types(tmp_path):
    blocks = list(stream(put(tmp_path / "a.csv", CSV), rows=2, types={"amount": pa.float64(), "absent": pa.float64()}))
    assert [len(block) for block in blocks] == [2, 1]
    assert blocks[0].to_pydict() == {"amount": [1.5, None], "count": ["1", "2"], "city": ["Bern", None]}
    assert {str(block.schema) for block in blocks} == {str(blocks[0].schema)}


def test_text_among_numbers_is_named_with_its_line(tmp_path):
    rows = [f"{i},x" for i in range(1, 301)]
    rows[214] = "abc,x"
    path = put(tmp_path / "a.csv", "\n".join(["amount,y", *rows]))
    sentence(
        SchemaError,
        lambda: list(stream(path, rows=50, types={"amount": pa.float64()})),
        "column 'amount' holds numbers, but line 216 has 'abc'",
    )
    path = put(tmp_path / "b.csv", "\n".join(rows))
    sentence(SchemaError, lambda: list(stream(path, header=False, types={"c1": pa.float64()})), "line 215 has 'abc'")


def test_text_among_numbers_of_a_parquet_file_is_named_with_its_row(tmp_path):
    pq.write_table(pa.table({"x": ["1", "2", "b"], "y": [[1], [2], [3]]}), tmp_path / "a.parquet")
    sentence(SchemaError, lambda: list(stream(tmp_path / "a.parquet", types={"x": pa.float64()})), "row 3 has 'b'")
    sentence(SchemaError, lambda: list(stream(tmp_path / "a.parquet", types={"y": pa.float64()})), "'y'", "list")


def test_big_integers_become_the_nearest_floats(tmp_path):
    pq.write_table(pa.table({"x": [2**53 + 1]}), tmp_path / "a.parquet")
    assert next(stream(tmp_path / "a.parquet", types={"x": pa.float64()}))["x"].to_pylist() == [float(2**53)]


def test_quoted_cells_may_hold_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 64)
    text = "a,b\n" + '"x, ""y""\nz",1\n' * 50
    path = put(tmp_path / "a.csv", text)
    assert read(path).to_pylist() == [{"a": 'x, "y"\nz', "b": 1}] * 50
    assert sum(map(len, stream(path, rows=7))) == 50


def test_blank_lines_are_passed_over(tmp_path):
    assert len(read(put(tmp_path / "a.csv", "\n\na,b\n\n1,2\n\n3,4\n\n"))) == 2


def test_a_stream_may_be_left_early(tmp_path):
    path = put(tmp_path / "a.csv.gz", "a,b\n" + "1,2\n" * 3_000_000)
    assert len(next(stream(path, rows=10))) == 10


# --- bad text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.parquet", "a.feather", "a.npy", "a.npz", "a.png"])
def test_an_empty_file_is_a_sentence(tmp_path, name):
    both(put(tmp_path / name, b""), FileError, name)


def test_a_file_of_blank_lines_is_a_sentence(tmp_path):
    both(put(tmp_path / "a.csv", "\n\r\n \n"), FileError, "blank lines")


@pytest.mark.parametrize("text", ["a,b", "a,b\n", "a,b\n\n\r\n"])
def test_a_header_alone_is_a_sentence(tmp_path, text):
    both(put(tmp_path / "a.csv", text), DataError, "has a header but no rows")


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "feather", "npy", "png", "what"])
def test_a_missing_file_is_a_sentence(tmp_path, kind):
    both(tmp_path / f"a.{kind}", FileError, f"a.{kind} does not exist")


def test_a_line_with_too_many_or_too_few_cells_is_named(tmp_path):
    both(put(tmp_path / "a.csv", "a,b\n1,2\n3,4,5\n"), FileError, "Expected 2 cells", "line 3", "has 3")
    both(put(tmp_path / "b.csv", "a,b\n1,2\n3\n"), FileError, "Expected 2 cells", "line 3", "has 1")
    both(put(tmp_path / "c.csv", "1,2\n3\n"), FileError, "Expected 2 cells", "line 2", "has 1", header=False)


def test_a_ragged_line_far_down_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 64)
    both(put(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 500 + "3\n" + "1,2\n" * 500), FileError, "line 502")


def test_a_quote_that_never_closes_is_named(tmp_path):
    text = "a,b\n1,2\n3,4\n" + '5,"6\n' + "7,8\n" * 20
    both(put(tmp_path / "a.csv", text), FileError, "line 4", "never closes")
    assert read(put(tmp_path / "b.csv", 'a,b\n5" disk,1\n"x\ny",2\n'))["a"].to_pylist() == ['5" disk', "x\ny"]


def test_a_quote_that_swallows_more_than_a_block_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 64)
    both(put(tmp_path / "a.csv", 'a,b\n1,"2\n' + "7,8\n" * 100), FileError, "quotation mark")
    both(put(tmp_path / "a.csv", "a,b" * 100), FileError, "at most 64 bytes")


def test_a_first_line_beyond_all_bounds_is_a_sentence(tmp_path):
    both(put(tmp_path / "a.csv", '"' + "x" * 200_000 + "\n1\n"), FileError, "start of", "field")


@pytest.mark.parametrize("late", [0, 300_000])
@pytest.mark.parametrize("junk", [b"\x00\x01\x02", "é".encode("latin-1") + b",1\n"])
def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path, monkeypatch, junk, late):
    monkeypatch.setattr(delimited, "BLOCK", 4096)
    both(put(tmp_path / "a.csv", b"a,b\n" + b"1,2\n" * late + junk), FileError, "UTF-8", f"line {late + 2} ")


def test_text_cut_within_a_letter_is_refused(tmp_path):
    both(put(tmp_path / "a.csv", CSV.encode()[:-4]), FileError, "UTF-8", "line 4")


def test_letters_across_blocks_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 61)
    assert read(put(tmp_path / "a.csv", "a,b\n" + "Köln,ß€\n" * 200))["b"].to_pylist() == ["ß€"] * 200


def test_a_file_of_another_kind_is_recognized(tmp_path):
    pq.write_table(TABLE, tmp_path / "a.csv")
    both(tmp_path / "a.csv", FileError, "a Parquet file", "name its format")
    assert read(tmp_path / "a.csv", format="parquet") == TABLE
    np.save(tmp_path / "b.npy", np.ones((2, 2)))
    both((tmp_path / "b.npy").rename(tmp_path / "b"), FileError, "a NumPy file")


def test_an_unknown_ending_that_is_no_text_lists_the_known_ones(tmp_path):
    both(put(tmp_path / "a.xls", b"\xd0\xcf\x11\xe0" * 100), FileError, ".csv", ".parquet", ".npz")


@pytest.mark.parametrize("rows", [10, 50_000])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_a_gzip_file_cut_off_is_an_error_not_fewer_rows(tmp_path, rows, name):
    line = '{"a": 1, "b": 2}\n' if "jsonl" in name else "1,2\n"
    path = put(tmp_path / name, line * rows)
    whole = path.read_bytes()
    for cut in (len(whole) // 2, len(whole) - 9, len(whole) - 4):
        path.write_bytes(whole[:cut])
        both(path, FileError, "cut off", header=False)


def test_a_damaged_gzip_file_is_a_sentence(tmp_path):
    path = put(tmp_path / "a.csv.gz", "".join(f"{i},{i * i}\n" for i in range(10_000)))
    damaged = bytearray(path.read_bytes())
    damaged[1000:1050] = bytes(50)
    path.write_bytes(damaged)
    both(path, FileError, "damaged")
    path.write_bytes(b"\x1f\x8bnot gzip at all")
    both(path, FileError, "damaged")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.npy", "a.png", "a.jsonl"])
def test_a_file_without_permission_is_a_sentence(tmp_path, name, monkeypatch):
    path = put(tmp_path / name, b"x")

    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    both(path, FileError, "no permission", name)


# --- JSON lines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz"])
def test_json_lines_are_read(tmp_path, name):
    lines = '{"amount": 1.5, "count": 1, "city": "Bern"}\n\n{"count": 2}\n{"city": "Köln", "amount": 3.25, "count": 3}'
    path = put(tmp_path / name, lines)
    assert read(path).equals(TABLE)
    blocks = list(stream(path, rows=2, types={"amount": pa.float64()}))
    assert [len(block) for block in blocks] == [2, 1]
    assert blocks[1].to_pylist() == [{"amount": 3.25, "count": "3", "city": "Köln"}]


def test_json_types_are_those_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr("oodles.data.jsonlines.BLOCK", 2)
    first = '{"i": 1, "f": 1, "s": 1, "n": null, "b": true, "late": null}\n' * 4
    last = f'{{"i": 2, "f": 0.5, "s": "x", "n": null, "b": false, "big": {2**70}, "late": 1}}\n'
    table = read(put(tmp_path / "a.jsonl", first + last))
    kinds = dict(zip(table.column_names, table.schema.types, strict=True))
    assert kinds == {
        "i": pa.int64(),
        "f": pa.float64(),
        "s": pa.string(),
        "n": pa.float64(),
        "b": pa.bool_(),
        "late": pa.int64(),
        "big": pa.float64(),
    }
    assert table["s"].to_pylist() == ["1"] * 4 + ["x"]


def test_a_key_that_comes_late_ends_a_stream_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("oodles.data.jsonlines.BLOCK", 2)
    path = put(tmp_path / "a.jsonl", '{"a": 1}\n' * 2 + '{"b": 1}\n')
    assert read(path).to_pydict() == {"a": [1, 1, None], "b": [None, None, 1]}
    sentence(SchemaError, lambda: list(stream(path)), "'b'")
    path = put(tmp_path / "b.jsonl", '{"a": 1, "b": 2}\n' * 2 + '{"b": 1}\n')
    assert next(stream(path, types={"a": pa.float64()})).to_pydict() == {"a": [1, 1, None], "b": ["2", "2", "1"]}


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("[1, 2]", "[1, 2]"),
        ("{", "cannot be read"),
        ('{"a": [1]}', "'a' is [1]"),
        ("\xff\xfe", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_line_that_is_no_flat_object_is_named(tmp_path, line, part):
    path = put(tmp_path / "a.jsonl", ('{"a": 1}\n' * 16 + line).encode("latin-1"))
    both(path, FileError, "line 17", part)


# --- Parquet and Feather ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1" + "0" * 400, r'"\ud800"'])
def test_json_values_that_no_column_holds_are_sentences(tmp_path, value):
    both(put(tmp_path / "a.jsonl", f'{{"a": {value}}}'), FileError, "a.jsonl")


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrow", "a.ipc"])
def test_columnar_files_are_read(tmp_path, name):
    write = pq.write_table if "parquet" in name else pf.write_feather
    write(TABLE, str(tmp_path / name))
    assert read(tmp_path / name) == TABLE
    blocks = list(stream(tmp_path / name, rows=2, types={"count": pa.float64()}))
    assert [len(block) for block in blocks] == [2, 1]
    assert pa.concat_tables(blocks)["count"].to_pylist() == [1.0, 2.0, 3.0]
    assert blocks[0].schema.types == [pa.float64(), pa.float64(), pa.string()]


def test_an_arrow_stream_is_read_like_an_arrow_file(tmp_path):
    with pa.ipc.new_stream(tmp_path / "a.arrow", TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=1)
    assert read(tmp_path / "a.arrow") == TABLE


def test_files_of_polars_are_read(tmp_path):
    frame = pl.DataFrame({"x": [1.0, 2.0], "s": ["a", None]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow")
    assert read(tmp_path / "a.parquet").to_pydict() == frame.to_dict(as_series=False)
    assert read(tmp_path / "a.arrow").to_pydict() == frame.to_dict(as_series=False)


def test_categories_survive(tmp_path):
    table = pa.table({"c": pa.array(["a", "b", "a"]).dictionary_encode()})
    pq.write_table(table, tmp_path / "a.parquet")
    assert [len(block) for block in stream(tmp_path / "a.parquet", rows=2)] == [2, 1]
    assert read(tmp_path / "a.parquet")["c"].to_pylist() == ["a", "b", "a"]


def test_a_folder_of_parquet_files_is_one_table(tmp_path):
    (tmp_path / "_SUCCESS").touch()
    put(tmp_path / ".b.parquet", "hidden files are none of ours")
    pq.write_table(TABLE, tmp_path / "part-0.parquet")
    pq.write_table(TABLE.select(["city", "amount", "count"]), tmp_path / "part-1.parquet")
    floats = TABLE.set_column(1, "count", pa.array([0.5, 1.5, None]))
    pq.write_table(floats, tmp_path / "part-2.parquet")
    table = read(tmp_path)
    assert table.column_names == TABLE.column_names
    assert table["count"].to_pylist() == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 0.5, 1.5, None]
    blocks = list(stream(tmp_path, rows=4))
    assert [len(block) for block in blocks] == [4, 4, 1]
    assert pa.concat_tables(blocks) == table


def test_parquet_files_with_different_columns_are_refused(tmp_path):
    pq.write_table(TABLE, tmp_path / "a.parquet")
    pq.write_table(TABLE.drop_columns(["city"]), tmp_path / "b.parquet")
    both(tmp_path, SchemaError, "'city'", "a.parquet", "b.parquet")
    pq.write_table(TABLE.set_column(2, "city", [[1, 2, 3]]), tmp_path / "b.parquet")
    both(tmp_path, SchemaError, "same type", tmp_path)


def test_a_folder_without_anything_to_read_is_a_sentence(tmp_path):
    put(tmp_path / "a.csv", CSV)
    both(tmp_path, FileError, ".parquet", tmp_path)
    both(tmp_path, FileError, tmp_path, format="csv")
    both(tmp_path, FileError, tmp_path, format="parquet")
    both(tmp_path, FileError, tmp_path, format="png")


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrow"])
def test_damaged_columnar_files_are_sentences(tmp_path, name):
    write = pq.write_table if "parquet" in name else pf.write_feather
    write(pa.table({"x": np.random.default_rng(0).normal(size=20_000)}), str(tmp_path / name))
    whole = (tmp_path / name).read_bytes()
    for content in (whole[: len(whole) // 2], whole[:12], b"not at all", b"PAR1" + bytes(50), bytes(100)):
        both(put(tmp_path / name, content), FileError, name)


def test_a_damaged_file_of_a_folder_is_named(tmp_path):
    pq.write_table(TABLE, tmp_path / "a.parquet")
    put(tmp_path / "b.parquet", b"nothing")
    both(tmp_path, FileError, "b.parquet")


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_columnar_files_without_rows_or_with_twins_are_sentences(tmp_path, name):
    write = pq.write_table if "parquet" in name else pf.write_feather
    write(TABLE.slice(0, 0), str(tmp_path / name))
    both(tmp_path / name, DataError, "no rows")
    twins = pa.Table.from_arrays([[1], [2]], names=["a", "a"])
    with pa.OSFile(str(tmp_path / "b.arrow"), "wb") as file, pa.ipc.new_file(file, twins.schema) as writer:
        writer.write(twins)
    both(tmp_path / "b.arrow", SchemaError, "2 columns called 'a'")


# --- NumPy ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(7, 3), (7, 4, 4), (7, 4, 4, 3)])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_arrays_are_read(tmp_path, shape, order, name):
    X = np.asarray(np.random.default_rng(0).normal(size=shape), order=order)
    np.save(tmp_path / name, X) if name == "a.npy" else np.savez_compressed(tmp_path / name, X=X, y=np.ones(7))
    found = read(tmp_path / name)
    assert type(found) is np.ndarray
    assert found.flags.writeable
    np.testing.assert_array_equal(found, X)
    blocks = list(stream(tmp_path / name, rows=3))
    assert [len(block) for block in blocks] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(blocks), X)


def test_a_block_of_an_array_is_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 100)
    np.save(tmp_path / "a.npy", np.ones((10, 5)))
    np.savez(tmp_path / "a.npz", np.ones((10, 5)))
    assert {len(block) for name in ("a.npy", "a.npz") for block in stream(tmp_path / name)} == {2}


def test_the_only_array_of_an_archive_needs_no_name(tmp_path):
    np.savez(tmp_path / "a.npz", rows=np.ones((2, 3), np.uint8))
    assert read(tmp_path / "a.npz").shape == (2, 3)
    np.savez(tmp_path / "a.npz", a=np.ones((2, 3)), b=np.ones(2))
    both(tmp_path / "a.npz", FileError, "called X", "a, b")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize(
    ("array", "part"),
    [
        (np.ones(3), "(3,)"),
        (np.ones((1, 1, 1, 1, 1)), "(1, 1, 1, 1, 1)"),
        (np.ones((0, 3)), "(0, 3)"),
        (np.array([["a"]]), "<U1"),
        (np.ones((2, 2), complex), "complex128"),
    ],
)
def test_arrays_that_are_not_rows_are_refused(tmp_path, name, array, part):
    np.save(tmp_path / name, array) if name == "a.npy" else np.savez(tmp_path / name, X=array)
    both(tmp_path / name, DataError, part)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_pickled_arrays_are_refused(tmp_path, name):
    array = np.array([[{}, 1]], dtype=object)
    np.save(tmp_path / name, array) if name == "a.npy" else np.savez(tmp_path / name, X=array)
    with pytest.raises(DataError):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_arrays_are_sentences(tmp_path, name):
    X = np.random.default_rng(0).normal(size=(1000, 3))
    np.save(tmp_path / name, X) if name == "a.npy" else np.savez_compressed(tmp_path / name, X=X)
    whole = (tmp_path / name).read_bytes()
    flipped = whole[:9000] + bytes(200) + whole[9200:]
    for content in (whole[: len(whole) // 2], whole[:20], b"not at all", *([flipped] if name == "a.npz" else [])):
        both(put(tmp_path / name, content), FileError, name)


@pytest.mark.parametrize("shape", [b"(2, 3", b"(-2, 3)", b"(9**99, 3)", b"(2, 3, 'x')"])
def test_headers_that_lie_are_sentences(tmp_path, shape):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + b"}\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48)
    put(tmp_path / "a.npy", content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", content)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DataError, match=name):
            read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_letters_that_are_none_are_found_in_columnar_files(tmp_path, name):
    letters = pa.Array.from_buffers(pa.string(), 1, [*pa.array(["aa"]).buffers()[:2], pa.py_buffer(b"\xff\xff")])
    write = pq.write_table if "parquet" in name else pf.write_feather
    write(pa.table({"s": letters}), str(tmp_path / name))
    both(tmp_path / name, FileError, name, "UTF8")


# --- pictures ---------------------------------------------------------------------------------------------------------


def picture(path, mode="L", size=(4, 3), color=None, **options):
    path.parent.mkdir(exist_ok=True)
    image = Image.new(mode, size, color or 0)
    image.save(path, **options)
    return image


def test_a_folder_of_grey_pictures_is_one_array(tmp_path):
    for i, name in enumerate(["b.png", "sub/c.jpg", "a.PNG", "sub/.hidden.png"]):
        picture(tmp_path / name, color=10 * i)
    put(tmp_path / "readme.txt", "passed over")
    found = read(tmp_path)
    assert isinstance(found, Pictures)
    assert len(found) == 3
    assert found.names == ["a.PNG", "b.png", "sub/c.jpg"]
    assert found.pixels.shape == (3, 3, 4)
    assert found.pixels.dtype == np.uint8
    assert found.pixels[:, 0, 0].tolist() == [20, 0, 10]
    blocks = list(stream(tmp_path, rows=2))
    assert [block.names for block in blocks] == [["a.PNG", "b.png"], ["sub/c.jpg"]]
    np.testing.assert_array_equal(np.concatenate([block.pixels for block in blocks]), found.pixels)


def test_one_color_picture_makes_all_blocks_colored(tmp_path):
    picture(tmp_path / "a.png", color=7)
    picture(tmp_path / "b.png", "RGB", color=(1, 2, 3))
    assert read(tmp_path).pixels[:, 0, 0].tolist() == [[7, 7, 7], [1, 2, 3]]
    assert [block.pixels.shape for block in stream(tmp_path, rows=1)] == [(1, 3, 4, 3)] * 2


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("1", 1, 255),
        ("LA", (9, 128), 9),
        ("I;16", 65535, 255),
        ("I;16", 257 * 100, 100),
        ("RGB", (1, 2, 3), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 128), [1, 2, 3]),
    ],
)
def test_every_mode_becomes_grey_or_color_of_eight_bits(tmp_path, mode, color, expected):
    picture(tmp_path / "a.png", mode, color=color)
    found = read(tmp_path / "a.png")
    assert found.names == ["a.png"]
    assert found.pixels[0, 0, 0].tolist() == expected


def test_sixteen_bits_among_colors_are_scaled_too(tmp_path):
    picture(tmp_path / "a.png", "I;16", color=257 * 100)
    picture(tmp_path / "b.png", "RGB", color=(1, 2, 3))
    assert read(tmp_path).pixels[:, 0, 0].tolist() == [[100, 100, 100], [1, 2, 3]]


def test_a_palette_with_transparency_becomes_colors(tmp_path):
    image = Image.new("P", (4, 3), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(tmp_path / "a.png", transparency=bytes([0, 128]))
    assert read(tmp_path / "a.png").pixels[0, 0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_pictures_are_turned_upright(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / name, size=(8, 16), exif=exif)
    assert read(tmp_path / name).pixels.shape == (1, 8, 16)


def test_pictures_of_different_sizes_are_refused(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    picture(tmp_path / "c.png", size=(5, 3))
    both(tmp_path, DataError, "a.png is 4 x 3", "c.png is 5 x 3", "resize")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_damaged_pictures_are_named(tmp_path, name):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))
    image.save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for content in (whole[: len(whole) // 2], whole[:20], b"not at all"):
        both(put(tmp_path / name, content), FileError, name, "replace or remove")


def test_a_block_of_pictures_is_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 30)
    for i in range(5):
        picture(tmp_path / f"{i}.png")
    assert [len(block) for block in stream(tmp_path)] == [2, 2, 1]


def test_an_album_is_the_folder_piece_by_piece(tmp_path):
    """Its slices are what `read` gives, and nothing is decoded before it is asked for."""
    for i in range(5):
        picture(tmp_path / f"{i}.png", "RGB", color=(i, 2, 3))
    album, found = Album.of(tmp_path), read(tmp_path)
    assert (album.shape, album.dtype, len(album)) == ((5, 3, 4, 3), np.uint8, 5)
    assert album.names == found.names
    np.testing.assert_array_equal(album[1:3], found.pixels[1:3])
    np.testing.assert_array_equal(album.pixels, found.pixels)
    assert album[9:].shape == (0, 3, 4, 3)
    put(tmp_path / "4.png", b"not at all")
    assert len(album[:4]) == 4
    with pytest.raises(FileError, match=r"4\.png cannot be decoded"):
        album[3:]


def test_an_album_resizes_whole_pictures(tmp_path):
    """To height and width, stretched where proportions differ, upright; smaller ones are averages."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "a.png", "L", (60, 20), 100)
    picture(tmp_path / "b.png", "I;16", (30, 10), 257 * 7)
    picture(tmp_path / "c.jpg", "L", (40, 90), 9, exif=exif)
    halves = np.zeros((40, 80), np.uint8)
    halves[:, 40:] = 200
    Image.fromarray(halves).save(tmp_path / "d.png")
    album = Album.of(tmp_path, (8, 12))
    assert album.shape == (4, 8, 12)
    assert [int(pixels.mean()) for pixels in album[:3]] == [100, 7, 9]
    np.testing.assert_array_equal(album[3:][0, :, [0, 11]].T, np.tile([0, 200], (8, 1)))
    assert album[3:].mean() == pytest.approx(100, abs=1)
    assert [block.pixels.shape for block in album.blocks(3)] == [(3, 8, 12), (1, 8, 12)]


def test_an_empty_album_is_refused(tmp_path):
    with pytest.raises(FileError, match="there are none"):
        Album.of(tmp_path)


# --- standard input and parameters ------------------------------------------------------------------------------------


def test_standard_input_is_csv_or_what_the_format_says(monkeypatch, tmp_path):
    for content in (CSV.encode(), gzip.compress(CSV.encode())):
        standard_input(monkeypatch, content)
        assert read("-") == TABLE
        standard_input(monkeypatch, content)
        assert [len(block) for block in stream(Path("-"), rows=2)] == [2, 1]
    standard_input(monkeypatch, b'{"a": 1}\n')
    assert read("-", format="jsonl").to_pydict() == {"a": [1]}
    pq.write_table(TABLE, tmp_path / "a.parquet")
    standard_input(monkeypatch, (tmp_path / "a.parquet").read_bytes())
    assert read("-", format="parquet") == TABLE
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    standard_input(monkeypatch, (tmp_path / "a.npy").read_bytes())
    assert read("-", format="npy").shape == (3, 2)


def test_standard_input_stays_open(monkeypatch):
    standard_input(monkeypatch, CSV.encode())
    read("-")
    assert not sys.stdin.buffer.closed


def test_pictures_do_not_come_from_standard_input(monkeypatch):
    standard_input(monkeypatch, b"")
    both("-", FileError, "standard input", "pictures", format="png")


def test_an_empty_or_absent_standard_input_is_a_sentence(monkeypatch):
    standard_input(monkeypatch, b"")
    both("-", FileError, "standard input is empty")
    monkeypatch.setattr(sys, "stdin", None)
    both("-", FileError, "standard input", "nothing is piped")


def test_a_terminal_is_not_waited_for():
    terminal, end = pty.openpty()
    code = "from oodles.data.reading import read\ntry: read('-')\nexcept Exception as error: print(error)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=end, capture_output=True, text=True, timeout=30, check=True
        )
    finally:
        os.close(terminal)
        os.close(end)
    assert done.stdout.startswith("Expected rows on standard input")


def test_a_slow_pipe_is_read_to_its_end():
    code = "from oodles.data.reading import read; print(len(read('-')))"
    feed = "import sys, time\nfor i in range(5): print('a,b' if i == 0 else '1,2', flush=True); time.sleep(0.05)"
    writer = subprocess.Popen([sys.executable, "-c", feed], stdout=subprocess.PIPE)
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=writer.stdout, capture_output=True, timeout=30, check=True
    )
    writer.stdout.close()
    writer.wait()
    assert done.stdout == b"4\n"


def test_impossible_parameters_are_sentences(tmp_path):
    path = put(tmp_path / "a.csv", CSV)
    both(path, ParameterError, "'xls'", "parquet", format="xls")
    sentence(ParameterError, lambda: list(stream(path, rows=0)), "rows=0")


def test_a_failure_is_an_error_of_ours(tmp_path):
    with pytest.raises(OodlesError):
        read(tmp_path / "nowhere.csv")


# --- memory and imports -----------------------------------------------------------------------------------------------


def test_a_stream_takes_little_memory_however_long_it_is(tmp_path, monkeypatch):
    """300,000 rows of 10 columns are 60 MB of text; of these, only Arrow's read-ahead of blocks is ever held."""
    line = ",".join(f"{i}.123456789012345678" for i in range(10))
    monkeypatch.setattr(delimited, "BLOCK", 2**20)
    path = put(tmp_path / "a.csv", ",".join("abcdefghij") + "\n" + f"{line}\n" * 300_000)
    types = dict.fromkeys("abcde", pa.float64())
    before, most, rows = pa.total_allocated_bytes(), 0, 0
    tracemalloc.start()
    for block in stream(path, rows=8192, types=types):
        rows += len(block)
        most = max(most, pa.total_allocated_bytes() - before)
    _, python = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 300_000
    assert most < 10e6
    assert python < path.stat().st_size


def test_a_row_group_is_read_in_pieces(tmp_path):
    table = pa.table({name: np.random.default_rng(0).normal(size=1_000_000) for name in "abcde"})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1_000_000)
    bytes_of_table, most = table.nbytes, 0
    del table
    before = pa.total_allocated_bytes()
    for _ in stream(tmp_path / "a.parquet", rows=8192):
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < bytes_of_table


def test_reading_imports_neither_pillow_nor_a_framework():
    code = "import sys; from oodles.data import reading, writing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"PIL", "pandas", "polars", "sklearn", "torch"}.intersection(done.stdout.split())


def test_the_public_names_are_these():
    assert reading.__all__ == ["Pictures", "read", "stream"]
