"""Everything that can go wrong, as one tree.

    OodlesError
    ├── ParameterError    a parameter has an impossible value
    ├── DataError         rows or pictures cannot be used
    │   ├── SchemaError   columns are missing, extra, duplicated or of the wrong kind
    │   └── FileError     a file cannot be read or written as what it claims to be
    ├── DatasetError      a public dataset is missing, damaged or cannot be downloaded
    ├── ArtefactError     a saved model is damaged, edited, too new or not a model
    └── CheckpointError   a checkpoint belongs to another run

Every message is a sentence (or two) that says what was expected, what came, and what to do.
"""

__all__ = [
    "ArtefactError",
    "CheckpointError",
    "DataError",
    "DatasetError",
    "FileError",
    "OodlesError",
    "ParameterError",
    "SchemaError",
]


class OodlesError(Exception):
    """The root: `except OodlesError` catches everything this package raises on purpose."""


class ParameterError(OodlesError, ValueError):
    """A parameter has an impossible value."""


class DataError(OodlesError, ValueError):
    """Rows or pictures cannot be used."""


class SchemaError(DataError):
    """Columns are missing, extra, duplicated or of the wrong kind."""


class FileError(DataError):
    """A file cannot be read or written as what it claims to be."""


class DatasetError(OodlesError):
    """A public dataset is missing, damaged or cannot be downloaded."""


class ArtefactError(OodlesError):
    """A saved model is damaged, edited, too new or not a model at all."""


class CheckpointError(OodlesError):
    """A checkpoint belongs to another run, or is damaged."""
