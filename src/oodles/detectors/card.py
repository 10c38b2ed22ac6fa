"""The model card that travels with a saved detector."""

from typing import TYPE_CHECKING

from jinja2 import Template

from ..scores import RULES, combination

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["model_card"]

OTHERS = " for real columns, Bernoulli for binary ones, categorical for categories"

CARD = Template(
    """\
---
library_name: oodles
tags: [anomaly-detection]
---
# {{ name }}, fitted

| | |
|---|---|
| input | {{ input }} |
{% if noise %}| noise model | {{ noise }} |
{% endif %}| members | {{ model.members }} |
| score | `{{ detector.scoring }}`: {{ formula }} |
| alarm | above {{ "%.6g"|format(-detector.offset_) }} |
| calibrated on | {{ held }} held-out rows: the smallest p-value is {{ "%.3g"|format(smallest) }} |
{% if epochs %}| trained for | {{ epochs }} epochs |
{% endif %}| random_state | {{ detector.random_state }} |

```python
import oodles

detector = oodles.load("this folder")
detector.p_value(X)   # how often a normal row is at least as strange
```

Nothing in this folder executes when it is loaded. Every parameter is in `config.json`.

Known limits: alarms keep their false-alarm rate only while normal rows stay like the held-out ones; a likelihood can
call simple pictures likelier than those it learned from.
""",
    trim_blocks=True,
    autoescape=False,
)


def model_card(detector: "Detector") -> str:
    """A page of Markdown: what the model reads, what its score means, what its alarm promises."""
    layout, model = detector.encoder_.layout, detector.model_
    kinds = {kind: len(layout.only(kind).columns) for kind in ("real", "binary", "category")}
    table = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    noise = detector.resolved(layout).get("likelihood", "")
    return CARD.render(
        name=type(detector).__name__,
        detector=detector,
        model=model,
        input="pictures, channels x height x width = {} x {} x {}".format(*layout.shape)
        if layout.shape
        else f"{layout.features} columns ({table})",
        noise=noise and noise + ("" if layout.shape else OTHERS),
        formula=formula(detector),
        held=len(detector.calibration_.scores),
        smallest=detector.calibration_.smallest,
        epochs=detector.epochs_,
    )


def formula(detector: "Detector") -> str:
    """The first line that describes the score; of several as one, the rule that makes one of their surprises."""
    several = combination(detector.scoring)
    said = RULES[several.rule] if several else detector.model_.scores[str(detector.scoring).split("-")[0]]
    return (said.__doc__ or "").split("\n")[0]
