"""How charts look: one size, one quiet style, and colors that follow the page into the dark."""

import re
from collections.abc import Callable
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["ANOMALY", "INK", "MUTED", "NORMAL", "RULE", "annotate", "drawn", "with_ids"]

INK, MUTED, RULE = "#1c2026", "#626b78", "#d6dae0"
NORMAL, ANOMALY = "#46689b", "#c9501c"
"""Slate blue and vermilion: apart for every kind of color vision, and in gray."""

VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", NORMAL: "--normal", ANOMALY: "--anomaly"}
SIZE, FRAME = (3.7, 2.75), (0.125, 0.15, 0.835, 0.78)
STYLE: Any = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelpad": 3.0,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "font.size": 8.0,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
    "mathtext.default": "regular",
    "path.simplify_threshold": 0.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "oodles",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 7.5,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "xtick.minor.size": 0.0,
    "ytick.color": MUTED,
    "ytick.labelsize": 7.5,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
    "ytick.minor.size": 0.0,
}
UNNEEDED = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def drawn(paint: Callable[[Axes], object]) -> str:
    """What `paint` puts on the axes, as an SVG element for the inside of a page."""
    with rc_context(STYLE):
        figure = Figure(figsize=SIZE)
        paint(figure.add_axes(FRAME))
        page = StringIO()
        figure.savefig(page, format="svg", transparent=True, dpi=220, metadata=UNNEEDED)
    return inlined(page.getvalue())


def annotate(axes: Axes, text: str, at: tuple[float, float], **style: Any) -> None:
    """A label where the axes' own units run from 0 to 1."""
    axes.text(*at, text, transform=axes.transAxes, **{"fontsize": 7.5, **style})


def inlined(svg: str) -> str:
    """An SVG file → an element: no prologue, no fonts, no size of its own, and the page's colors."""
    element = svg[svg.index("<svg") :]
    viewport = re.search(r'viewBox="[^"]*"', element)
    element = f"<svg {viewport[0] if viewport else ''}>" + element.split(">", 1)[1]
    element = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", element, flags=re.DOTALL)
    element = re.sub(r"font-family: [^;\"]*;? ?", "", element)
    element = re.sub(r"\s*\n\s*", " ", element.replace("base64,\n", "base64,")).replace("xlink:href", "href")
    for color, variable in VARIABLES.items():
        element = element.replace(color, f"var({variable})")
    return element.strip()


def with_ids(svg: str, prefix: str) -> str:
    """The same drawing with ids that no other drawing of the page has."""
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
