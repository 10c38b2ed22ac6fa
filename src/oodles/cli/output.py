"""What commands print: tables for people, JSON for programs, nothing with --quiet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from math import isfinite
from typing import Any

import typer

__all__ = ["note", "print_facts", "print_json", "print_table"]


def print_json(value: Any) -> None:
    """One JSON value on standard output; what JSON cannot say (NaN, infinity) is null."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=1, allow_nan=False))


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output, as wide as the terminal."""
    from rich.console import Console  # noqa: PLC0415 - only when something is shown
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    numeric = [all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(columns))]
    for column, number in zip(columns, numeric, strict=True):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        # Text, not markup: a column may be called [red].
        table.add_row(*(Text(shown(cell)) for cell in row))
    Console().print(table)


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, show_header=False)
    for name, value in facts.items():
        table.add_row(Text(name, style="dim"), Text(shown(value)))
    Console().print(table)


def shown(cell: Any) -> str:
    """A cell as text: four significant digits are enough for a person."""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def note(message: str, *, quiet: bool) -> None:
    """A remark for the person at the terminal, on standard error."""
    if not quiet:
        typer.echo(message, err=True)
