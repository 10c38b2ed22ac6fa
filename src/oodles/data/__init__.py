"""Raw tables, pictures and points, with their provenance.

`load` gives a public dataset by name, `names` lists what there is. Files are looked for under `$OODLES_DATA` (by
default the user's cache folder) under their public names, checked, and downloaded when they are missing.
"""

from . import anomalies, catalogue, download, synthetic
from .catalogue import load, names
from .dataset import Dataset, Entry

__all__ = ["Dataset", "Entry", "anomalies", "catalogue", "download", "load", "names", "synthetic"]
