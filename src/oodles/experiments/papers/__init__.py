"""One paper, one file: its experiments as values, with what was published."""

from . import csiszarik2019, engan2018, fiorino2020, patuzzo2020, snu2015
from .paper import Paper

__all__ = ["PAPERS", "Paper"]

PAPERS = {
    paper.key: paper
    for paper in (csiszarik2019.PAPER, engan2018.PAPER, fiorino2020.PAPER, patuzzo2020.PAPER, snu2015.PAPER)
}
"""Every paper by the name that the command line knows."""
