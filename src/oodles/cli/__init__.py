"""The command line: read, one library call, write. torch is imported only when a model is needed."""

from .app import app, main

__all__ = ["app", "main"]
