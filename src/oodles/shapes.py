"""The alphabet of shapes: one word in a signature says what a tensor holds.

| letter | counts |
|---|---|
| M | members: independent copies of a model, trained as one |
| B | rows of a batch |
| D | encoded columns of a row (a picture of C x H x W pixels is a row of D = C H W) |
| F | features: what a person calls a column, or a pixel |
| L | latent codes |
"""

from typing import TypeAlias

from torch import Tensor

__all__ = ["Batch", "Codes", "Parameters", "PerFeature", "PerMember", "PerRow", "Rows"]

Rows: TypeAlias = Tensor
"""(N, D): encoded rows, shared by all members; NaN marks a missing cell."""

Batch: TypeAlias = Tensor
"""(M, B, D): a batch for each member; NaN marks a missing cell."""

Codes: TypeAlias = Tensor
"""(M, B, L): latent codes."""

Parameters: TypeAlias = Tensor
"""(M, B, P): what a decoder says about p(x | z), P numbers a row."""

PerFeature: TypeAlias = Tensor
"""(M, B, F): one number for each feature of each row."""

PerRow: TypeAlias = Tensor
"""(M, B): one number for each row."""

PerMember: TypeAlias = Tensor
"""(M,): one number for each member."""
