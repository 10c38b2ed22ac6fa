"""Help that fits a terminal: what a command does, its options without the noise of types, examples to copy."""

from pathlib import Path
from typing import Any

from typer.core import TyperCommand

__all__ = ["Command"]


class Command(TyperCommand):
    """A command whose epilog is one example a line."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """What must be given, by name: `oodles fit INPUT --output MODEL [OPTIONS]`."""
        given = sorted((p for p in self.get_params(ctx) if p.required), key=lambda p: p.param_type_name)
        words = [str(p.metavar) if p.param_type_name == "argument" else f"{p.opts[0]} {p.metavar}" for p in given]
        formatter.write_usage(ctx.command_path, " ".join([*words, "[OPTIONS]"]))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments and options, each with its help and its default."""
        for kind in ("argument", "option"):
            parameters = [p for p in self.get_params(ctx) if p.param_type_name == kind]
            if parameters:
                with formatter.section(f"{kind.capitalize()}s"):
                    formatter.write_dl([(named(p), described(p)) for p in parameters])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's signature
        """The examples, never wrapped."""
        formatter.write("\nExamples:\n" + "".join(f"  {line}\n" for line in (self.epilog or "").splitlines()))


def named(parameter: Any) -> str:
    """`-o, --output FILE`."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar)
    return ", ".join(sorted(parameter.opts, key=len)) + ("" if parameter.is_flag else f" {parameter.metavar}")


def described(parameter: Any) -> str:
    """The help text, with the default if it says something."""
    default = parameter.default
    says_something = isinstance(default, (int, float, str, Path)) and default is not False
    return parameter.help + (f"  [default: {default}]" if says_something else "")
