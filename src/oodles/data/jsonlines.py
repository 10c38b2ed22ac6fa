"""JSON lines: one flat object a line."""

import itertools
import json
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from ..errors import FileError, SchemaError
from .sources import Source, label, opened

__all__ = ["joined", "tables", "texts"]

BLOCK: Final = 16_384


def tables(source: Source) -> Iterator[pa.Table]:
    """The objects of a file in tables of some thousand rows, with the keys and types found in each.

    Raises:
        FileError: A line is not a flat JSON object.
    """
    name = label(source)
    with opened(source) as stream:
        lines = ((number, line) for number, line in enumerate(stream, 1) if line.strip())
        objects = (_object(line, f"line {number} of {name}") for number, line in lines)
        empty = True
        while block := list(itertools.islice(objects, BLOCK)):
            empty = False
            keys = dict.fromkeys(itertools.chain.from_iterable(block))
            yield pa.table({key: _column([row.get(key) for row in block]) for key in keys})
    if empty:
        raise FileError(f"Expected rows, but {name} is empty; check what wrote it.")


def joined(blocks: Sequence[pa.Table]) -> list[pa.Table]:
    """The blocks with the same columns: numbers where all blocks agree on numbers, text where they do not."""
    kinds: dict[str, set[pa.DataType]] = {}
    for block in blocks:
        for field in block.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    schema = pa.schema({name: _common(found - {pa.null()}) for name, found in kinds.items()})
    return [_filled(block, schema) for block in blocks]


def texts(blocks: Iterable[pa.Table], types: Container[str]) -> Iterator[pa.Table]:
    """The blocks with the columns of the first, as text where `types` does not name them.

    Raises:
        SchemaError: A later block has a key that the first lacks.
    """
    columns: list[str] = []
    for block in blocks:
        columns = columns or block.column_names
        later = set(block.column_names).difference(columns)
        if later:
            raise SchemaError(
                f"Expected every key within the first {BLOCK} lines, but {min(later)!r} comes later; "
                "write it from the first line on, with null where it is missing."
            )
        yield _filled(block, pa.schema({name: _kind(block, name, types) for name in columns}))


def _kind(block: pa.Table, name: str, types: Container[str]) -> pa.DataType:
    return block.schema.field(name).type if name in types and name in block.column_names else pa.string()


def _filled(block: pa.Table, schema: pa.Schema) -> pa.Table:
    """The block with the columns of the schema, null where it lacks them."""
    missing = pa.nulls(len(block))
    columns = [block[name] if name in block.column_names else missing for name in schema.names]
    return pa.table([column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FileError(f"Expected a JSON object on {place}, but it cannot be read ({error}); correct it.") from error
    if not isinstance(found, dict):
        raise FileError(f"Expected a JSON object on {place}, but it is {_brief(found)}; write one object a line.")
    nested = next((key for key, value in found.items() if isinstance(value, list | dict)), None)
    if nested is not None:
        raise FileError(f"Expected single values on {place}, but {nested!r} is {_brief(found[nested])}; flatten it.")
    return found


def _brief(value: object) -> str:
    return json.dumps(value)[:60]


def _column(values: Sequence[Any]) -> pa.Array:
    found = {type(value) for value in values} - {type(None)}
    if found <= {bool}:
        return pa.array(values)
    if found == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pa.array(values, pa.int64())
    if found <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([value if isinstance(value, str | None) else json.dumps(value) for value in values], pa.string())


def _common(kinds: set[pa.DataType]) -> pa.DataType:
    if len(kinds) <= 1:
        return next(iter(kinds), pa.float64())
    return pa.float64() if kinds == {pa.int64(), pa.float64()} else pa.string()
