"""Reports: what a detector is worth on test rows, as one self-contained page.

>>> from oodles import report
"""

from . import demo
from .build import Figure, Section, build, section, write
from .measures import Numbers
from .tables import Group, Reason, Row

__all__ = ["Figure", "Group", "Numbers", "Reason", "Row", "Section", "build", "demo", "section", "write"]
