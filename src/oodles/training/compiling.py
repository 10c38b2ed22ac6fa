"""Networks compiled while they train."""

import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..errors import ParameterError

__all__ = ["compiled"]


@contextmanager
def compiled(model: nn.Module, device: torch.device, *, wanted: bool) -> Iterator[None]:
    """Within the block, if it is wanted, the model's networks run as compiled code.

    Raises:
        ParameterError: If a compiler is missing.
    """
    if not wanted:
        yield
        return
    compiler = (sysconfig.get_config_var("CXX") or "g++").split()[0]
    if device.type == "cpu" and not any(map(shutil.which, (compiler, "g++", "clang++"))):
        raise ParameterError("compile=True needs a C++ compiler such as g++, but there is none here: leave it out.")
    for network in model.children():
        network.compile()
    try:
        yield
    finally:
        for network in model.children():
            network._compiled_call_impl = None  # noqa: SLF001 - torch has no other word for "as it was"
