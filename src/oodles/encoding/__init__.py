"""Raw rows and pictures → float32 rows and a layout that says what their columns mean."""

from typing import Any

from .pictures import PictureEncoder, as_pictures
from .table import TableEncoder
from .values import as_table

__all__ = ["Encoder", "PictureEncoder", "TableEncoder", "as_pictures", "as_table", "from_json"]

Encoder = TableEncoder | PictureEncoder


def from_json(value: dict[str, Any]) -> Encoder:
    """The encoder that `to_json` described."""
    return (PictureEncoder if value["layout"]["shape"] else TableEncoder).from_json(value)
