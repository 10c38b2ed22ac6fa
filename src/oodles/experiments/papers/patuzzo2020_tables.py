"""The tables that Patuzzo (2020) does not print, but whose numbers stand in its text, with what was published."""

from ..beginnings import CHANCES, Beginnings
from ..lines import Images
from ..restarts import LEVELS, Restarts
from ..tasks import Cell, Reported
from ..twos import Twos
from .paper import Table

__all__ = ["A1_LINES", "A1_SQUARES", "A2_LINES", "A2_SQUARES", "ERRORS", "TABLES"]

A1_SQUARES = Restarts("squares")
"""The network of figures 3 to 9 and 16 to 19: 200 restarts a run."""

A1_LINES = Restarts("lines", restarts=60, passes=300, batch=32)
A2_LINES = Restarts("lines", "S", restarts=60, passes=300, batch=32)
A2_SQUARES = Restarts("squares", "S", restarts=20, passes=10_000, rate=1e-2)

SETTINGS: dict[Images, dict[str, float]] = {
    "squares": {"restarts": 20, "passes": 10_000, "rate": 1e-2},
    "copies": {"restarts": 20, "passes": 300, "rate": 1e-2, "batch": 32},
    "upscaled": {"restarts": 8, "passes": 6000, "rate": 3e-3},
    "lines": {"restarts": 20, "passes": 100, "rate": 3e-3, "batch": 32},
}
"""Eight units in L1 and L3, where few restarts fail: what the loss does is seen apart from bad luck."""


def wide(images: Images, reading: str, *, literal: bool = False) -> Restarts:
    """A2 with eight units."""
    return Restarts(images, reading, literal, hidden=8, **SETTINGS[images])  # type: ignore[arg-type]


ERRORS = {"MSE": "MSE", "MSE sharpened": "MSE after Heaviside"}
LINES = Table(
    "The lines: best of the restarts of a run",
    ("network",),
    (
        Cell("lines", ("A1 2-1-2",), "", A1_LINES, "run"),
        Cell(
            "lines",
            ("A2 2-1-2",),
            "",
            A2_LINES,
            "run",
            {"σ": (0.01, None), "|w| in L3": (10.0, None), "|w| in L4": (10.0, None)},
        ),
        Cell("lines", ("A2 8-1-8",), "", wide("lines", "S"), "run", {"σ": (0.01, None)}),
    ),
    {"σ": "σ", "|w| in L3": "mean size of weights in L3", "|w| in L4": "in L4", **ERRORS},
    ("loss", "collapsed", "least σ", "largest σ", "KL"),
    remarks=(
        (
            "2-1-2: 60 restarts, 300 passes at 0.001; 8-1-8: 20 restarts, 100 passes at 0.003; batches of 32. σ is the "
            "median over the pictures; `collapsed` is the share of restarts with an MSE above .24, that of gray."
        ),
        (
            "Most restarts of A2 2-1-2 that do not collapse lose half of the circle of slopes to a dead unit of L1 "
            "(MSE about .13). One of 60 at 0.001, and none of some 320 tried at 0.003 and 0.01, found the whole circle."
        ),
        (
            "The paper finds A2 better than A1, with weights of 10. Here the best A1 has the lower error, with gray "
            "and without; A2's weights still grow when the training ends."
        ),
    ),
)


def level_cells(task: Restarts, *, published: bool = False) -> tuple[Cell, ...]:
    """How often each level is reached by one network."""
    reported: dict[str, Reported] = {"0": (1 / 8, None), "1/16": (1 / 3, None), "1/4": (1 / 3, None)}
    network = f"{task.hidden}-{task.codes}-{task.hidden}"
    cells = []
    for level in (*LEVELS, "other"):
        share = {"share": reported[level]} if published and level in reported else {}
        row = (network, f"{task.rate:g}, {task.passes:,} steps", level)
        cells.append(Cell("levels", row, "", task, level, share))
    return tuple(cells)


TABLE_LEVELS = Table(
    "Errors at which A1 ends on the four squares: share of the restarts",
    ("network", "learning rate", "MSE"),
    (
        *level_cells(A1_SQUARES, published=True),
        *level_cells(Restarts("squares", passes=10_000, rate=1e-2), published=True),
        *level_cells(Restarts("squares", hidden=5, codes=2)),
        *level_cells(Restarts("squares", hidden=5, codes=2, passes=10_000, rate=1e-2)),
    ),
    {"share": "share"},
    remarks=(
        "A run is 200 restarts; all runs are members of one fit. The paper speaks of a dozen restarts.",
        "It calls 1/8 occasional. `other`: 1/6, 3/16, and restarts that have not arrived.",
        (
            "Another program with 1000 restarts has .106, .474, .002, .288, .130 at 0.001 and .073, .338, .138, .315, "
            ".136 at 0.01 for 2-1-2; .955 and .941 at 0 for 5-2-5."
        ),
    ),
)

ARGUED = {"disjoint pair in one unit": 1 / 4, "a pair in both units": 0.32, "signs of L2 and L3": 1 / 8}

BEGINNINGS = Table(
    "Before the training: chances that A1 2-1-2 begins with dead units",
    ("event", "counted in"),
    tuple(
        Cell(
            "beginnings",
            (event, word),
            "",
            task,
            event,
            {"share": (ARGUED[event], None)} if event in ARGUED else {},
        )
        for event in CHANCES
        for word, task in (("draws", Beginnings()), ("the restarts", A1_SQUARES))
    ),
    {"share": "probability"},
    ("arithmetic",),
    remarks=(
        (
            "The paper argues with 1/4 for every pair of pictures: four of the six share a white pixel, and have 1/3. "
            "It takes the pairs for independent, 1 - (15/16)^6 = .3211. The two errors nearly cancel: .3057."
        ),
        "`L3 silent`: no picture passes L3, for whatever reason; `L1 silent`: none passes L1; `L1 negative`: 1/256.",
        "A normal variable lies within [-3, 3] with probability .9973; the paper prints 0.97.",
    ),
)


def outcome(table: str, task: Restarts, reported: Reported | None = None) -> Cell:
    """What a loss leads to."""
    weighting = "MSE + mean KL, as printed" if task.literal else "D · MSE + KL"
    size = {"squares": "4 of 2 × 2", "copies": "1000 of 2 × 2", "upscaled": "4 of 32 × 32", "lines": "1000 of 32 × 32"}
    network = f"{task.hidden}-{task.codes}-{task.hidden}"
    row = (f"{task.learned}: {size[task.learned]}", network, task.reading, weighting)
    return Cell(table, row, "", task, "run", {"σ": reported} if reported else {})


OUTCOME = {"σ": "σ", "MSE": "MSE", "collapsed": "collapsed"}
HEADS = ("pictures", "network", "reading", "weighting")

READINGS_TABLE = Table(
    "Equation 1 in three readings and two weightings: best of the restarts of a run",
    HEADS,
    tuple(
        outcome("readings", wide(images, reading, literal=literal))
        for images in ("lines", "squares")
        for literal in (False, True)
        for reading in ("V", "S", "T")
    ),
    OUTCOME,
    ("least σ", "largest σ", "loss"),
    remarks=(
        (
            "V: b is log σ², the KL a Gaussian's. S: as printed, σ = e^b is drawn with and e^b stands in the KL as if "
            "it were σ². T: b is log σ everywhere."
        ),
        (
            "As printed, the loss weighs the mean error of a pixel against whole nats: σ = 1 and gray pictures "
            "(MSE 1/4), whatever the reading. Multiplied by the number of pixels, all have the σ of the lines, "
            "but only S leaves the collapse on the squares: nothing else agrees with both published σ."
        ),
    ),
)

PIXELS = Table(
    "Is it the number of pictures or of pixels? A2, best of the restarts of a run",
    HEADS,
    (
        outcome("pixels", A2_SQUARES, (0.5, None)),
        outcome("pixels", wide("squares", "S")),
        outcome("pixels", wide("copies", "S")),
        outcome("pixels", wide("upscaled", "S")),
        outcome("pixels", wide("upscaled", "V")),
        outcome("pixels", wide("lines", "S"), (0.01, None)),
    ),
    OUTCOME,
    ("least σ", "largest σ", "loss", "KL"),
    remarks=(
        "MSE is that of the outputs at the mean; `collapsed` is the share of restarts with more than .24, as gray has.",
        (
            "The paper blames the few pictures for the large σ of the squares. A thousand copies of them behave like "
            "four; four pictures of 32 × 32 pixels behave like the thousand lines. It is the number of pixels D, "
            "which weighs the error against the KL."
        ),
    ),
)

TWOS = Table(
    "MNIST's twos in black and white: 784-64-8-64-784, 5,958 pictures learned, 10,000 judged",
    ("network", "training"),
    tuple(
        Cell("twos", (method, training), "", Twos(method, training), "others", reported)  # type: ignore[arg-type]
        for training in ("relu", "silu")
        for method, reported in (
            ("A1", {"AUC": (0.91, None), "MSE": (0.037, None)}),
            ("A2", {"AUC": (0.93, None), "MSE": (0.02, None)}),
        )
    ),
    {"AUC": "AUC", "MSE": "MSE of twos"},
    ("MSE, learned", "MSE of other digits"),
    remarks=(
        "The score is the squared error with the mean of the code; `MSE of twos` is that of the test pictures.",
        (
            "relu: Adam at 0.001, 100 epochs. silu: Adam from 0.005 along half a cosine, 400 epochs. The paper does "
            "not name optimizer, epochs, batch or activation; silu has a lower error than relu on the learned twos."
        ),
        (
            "With silu, A2 gives back the twos that were not learned better than A1, as published, though not twice as "
            "well, and those that were learned worse. The areas of the two then differ by less than their runs do."
        ),
    ),
)


TABLES = {
    "lines": LINES,
    "levels": TABLE_LEVELS,
    "beginnings": BEGINNINGS,
    "readings": READINGS_TABLE,
    "pixels": PIXELS,
    "twos": TWOS,
}
"""By their keys."""
