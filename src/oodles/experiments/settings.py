"""EnGAN as its authors' code has it, where that differs from the paper and from our defaults."""

from typing import Any

__all__ = ["authors"]


def authors(*, penalty: float) -> dict[str, Any]:
    """Half the entropy, whole rows shuffled, the penalty's norm over channels only, the last weights."""
    return {"entropy": 0.5, "shuffle": "rows", "penalty_form": "pixel", "penalty": penalty, "average": 0.0}
