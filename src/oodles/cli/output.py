"""What commands print: tables for people, JSON for programs, nothing with --quiet."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["harmless", "is_watched", "note", "print_facts", "print_json", "print_table"]

UNFOLDED = 1000
"""Columns of a table that no terminal shows: grep and friends want a row on one line."""


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
    if isinstance(value, os.PathLike):
        return str(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output, under its title."""
    from rich.table import Table  # noqa: PLC0415 - only when something is shown
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    numeric = [all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(columns))]
    for column, number in zip(columns, numeric, strict=True):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        # Text, not markup: a column may be called [red].
        table.add_row(*(Text(shown(cell)) for cell in row))
    show(title, table)


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in facts.items():
        table.add_row(Text(name, style="dim"), Text(shown(value)))
    show(title, table)


def show(title: str, table: "RenderableType") -> None:
    """Title and table, as wide as the terminal, or unfolded where there is none."""
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(
        width=None if sys.stdout and sys.stdout.isatty() else UNFOLDED,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    if title:
        console.print(Text(harmless(title), style="italic"))
    console.print(table)


def shown(cell: Any) -> str:
    """A cell as text: four significant digits are enough for a person."""
    return f"{cell:.4g}" if isinstance(cell, float) else harmless(str(cell))


def harmless(text: str) -> str:
    """Text for one line of a terminal: what would move its cursor or change its colors is spelled out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def note(message: str, *, quiet: bool) -> None:
    """A remark for the person at the terminal, on standard error."""
    if not quiet:
        typer.echo(harmless(message), err=True)


def is_watched(*, quiet: bool) -> bool:
    """Whether a progress bar has someone to look at it."""
    return not quiet and sys.stderr.isatty()
