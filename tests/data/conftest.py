"""What the tests of the catalogue share."""

import os
from collections.abc import Callable

import pytest

from oodles import data
from oodles.data.dataset import Dataset


@pytest.fixture
def needs() -> Callable[..., Dataset]:
    """`needs(name, split)`: the dataset, or a skip that says which one is missing."""
    absent = {"downloadable", "by hand"}
    chosen = bool(os.environ.get("OODLES_DATA"))
    missing = {entry.name for entry in data.names() if entry.presence in absent or not chosen}

    def load(name: str, split: str = "train", **options: int) -> Dataset:
        if name in missing:
            pytest.skip(f"{name} is not in $OODLES_DATA")
        return data.load(name, split, download=False, **options)

    return load
