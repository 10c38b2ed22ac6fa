"""Patuzzo, Analysis of classical vs variational autoencoders for anomaly detection, 2020: every figure and number.

Figures are drawn from networks that are trained here; what the text says of chances and frequencies stands beside what
is counted. Best of many restarts, as the author chose by hand, means the least loss of a run.
"""

from ..restarts import LEVELS
from ..tasks import Cell, Task
from ..twos import Twos
from .paper import Paper, Table
from .patuzzo2020_tables import A1_LINES, A1_SQUARES, A2_LINES, A2_SQUARES, ERRORS, TABLES

__all__ = ["PAPER"]


def sole(figure: str, title: str, kinds: tuple[str, ...], task: Task, name: str, **more: object) -> Table:
    """A figure of one task."""
    against = str(more.pop("against", "run"))
    reported = more.pop("reported", {})
    cell = Cell(f"figure {figure}", (name,), "", task, against, reported)  # type: ignore[arg-type]
    quantities = more.pop("quantities", {})
    return Table(title, ("network",), (cell,), quantities, pictures=kinds, **more)  # type: ignore[arg-type]


BLACK_AND_WHITE = (
    "`sharpened`: the Heaviside function of the inverse sigmoid, which turns every output black or white.",
)
PATTERNS = ("0 1 0", "0 1", "1 0", "1 0 1")

NEURONS = {
    f"figure {output + 4}": sole(
        str(output + 4),
        f"What leads to output {output + 1}: published {pattern} along the bottleneck",
        (f"neuron-{output + 1}",),
        A1_SQUARES,
        "A1 2-1-2",
        against=f"output {output + 1}",
        quantities={"changes": "changes of color"},
        reported={"changes": (float(pattern.count(" ")), None)},
        beyond=("change 1", "change 2"),
    )
    for output, pattern in enumerate(PATTERNS)
}

KINDS = ("optimal", "suboptimal-1", "suboptimal-2", "suboptimal-3")
SOLUTIONS = {
    f"figure {number}": sole(
        str(number),
        title,
        (kind,),
        A1_SQUARES,
        "A1 2-1-2",
        against=level,
        quantities={"share": "share"},
        reported={"share": reported} if reported else {},
    )
    for number, title, kind, level, reported in zip(
        range(16, 20),
        (
            "The optimal solution, MSE 0: pictures above outputs",
            "Two gray pixels in two pictures, MSE 1/16",
            "Two pairs of pictures, MSE 1/8",
            "Nothing but gray, MSE 1/4",
        ),
        KINDS,
        LEVELS,
        ((1 / 8, None), (1 / 3, None), None, (1 / 3, None)),
        strict=True,
    )
}


def twos(figure: str, title: str, kind: str, *networks: Twos) -> Table:
    """A figure of the digits."""
    cells = tuple(Cell(f"figure {figure}", (task.method,), "", task, "others") for task in networks)
    return Table(title, ("network",), cells, {}, pictures=(kind,))


BOTH = (Twos("A1"), Twos("A2"))

PAPER = Paper(
    key="patuzzo2020",
    title="Patuzzo: Analysis of classical vs variational autoencoders for anomaly detection (2020)",
    link="https://www.groundai.com/project/a-comparison-of-classical-and-variational-autoencoders-for-anomaly-detection/",
    light="the same networks",
    tables={
        "figure 1": sole("1", "Lines: some of the thousand, in viridis", ("inputs",), A1_LINES, "A1 2-1-2"),
        "figure 2": sole(
            "2", "Lines above what A1 makes of them", ("outputs",), A1_LINES, "A1 2-1-2", quantities={"MSE": "MSE"}
        ),
        "figure 3": sole("3", "The four squares", ("inputs",), A1_SQUARES, "A1 2-1-2"),
        **NEURONS,
        "figure 8": sole("8", "All outputs along the bottleneck", ("bottleneck",), A1_SQUARES, "A1 2-1-2"),
        "figure 9": sole(
            "9",
            "Squares, outputs, and outputs without gray",
            ("sharpened",),
            A1_SQUARES,
            "A1 2-1-2",
            quantities=ERRORS,
            reported={"MSE sharpened": (0.0, None)},
            remarks=BLACK_AND_WHITE,
        ),
        "figure 10": sole(
            "10",
            "Lines, A1's outputs, and outputs without gray",
            ("sharpened",),
            A1_LINES,
            "A1 2-1-2",
            quantities=ERRORS,
            remarks=BLACK_AND_WHITE,
        ),
        "figure 11": sole("11", "The variational network", ("architecture",), A2_LINES, "A2 2-1-2"),
        "figure 12": sole(
            "12",
            "Lines: means of the bottleneck",
            ("means",),
            A2_LINES,
            "A2 2-1-2",
            quantities={"within 3": "share in [-3, 3]"},
            reported={"within 3": (0.97, None)},
        ),
        "figure 13": sole(
            "13",
            "Lines: standard deviations of the bottleneck",
            ("deviations",),
            A2_LINES,
            "A2 2-1-2",
            quantities={"σ": "σ"},
            reported={"σ": (0.01, None)},
        ),
        "figure 14": sole("14", "Lines above A2's outputs", ("outputs",), A2_LINES, "A2 2-1-2", quantities=ERRORS),
        "figure 15": sole(
            "15",
            "Squares above A2's outputs, at the mean and in four draws",
            ("outputs", "draws"),
            A2_SQUARES,
            "A2 2-1-2",
            quantities={"σ": "σ", "MSE": "MSE"},
            reported={"σ": (0.5, None)},
        ),
        **SOLUTIONS,
        "figure 20": twos("20", "Twos in black and white", "learned", BOTH[0]),
        "figure 21": twos("21", "Digits above outputs: twos, then others", "outputs", *BOTH),
        "figure 22": twos("22", "Receiver operating characteristics of the runs", "ROC", *BOTH),
        **TABLES,
    },
    deviations=(
        "The link leads to the report's later version, IDSIA-2020-10.1; numbers are those of the first, of May 2020.",
        (
            "The paper names no optimizer, batch, learning rate or number of epochs: Adam with Glorot's weights, and "
            "what stands in each table; where a budget says that they are the authors', it means these."
        ),
        (
            "A2 is read as S, with the error multiplied by the number of pixels: the only reading that gives both "
            "published σ; equation 1 as printed collapses (table `readings`). A2 of the digits is read as V."
        ),
        "Slopes of the lines are uniform in all directions; the paper does not say how they are distributed.",
        "Digits are white where they are at least half as bright as can be; 2 % of the twos are held out.",
    ),
)
