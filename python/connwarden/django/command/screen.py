"""Where a command writes, and in which form."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from ..._core import ConnwardenError, Report


@dataclass(frozen=True)
class Screen:
    """A form, and how text for people looks."""

    out: Any
    form: str
    colour: bool
    ascii: bool
    top: int

    @classmethod
    def of(cls, options: Mapping[str, Any], out: Any) -> Screen:
        """As the options have it. `out`: the command's stream."""
        form = "json" if options["json"] else options["output"] or "plain"
        return cls(
            out=out,
            form=form,
            colour=not options["no_color"] and (options["force_color"] or is_terminal(out)),
            ascii=options["ascii"],
            top=options["top"],
        )

    @property
    def is_json(self) -> bool:
        """One document, and nothing beside it."""
        return self.form == "json"

    def text(self, report: Report, form: str | None = None) -> str:
        """A report in a form; None is that of the options."""
        form = form or self.form
        if form == "json":
            return report.json() + "\n"
        return report.text(form, colour=self.colour, ascii=self.ascii, top=self.top)  # type: ignore[arg-type]

    def show(self, report: Report, form: str | None = None) -> None:
        """Writes a report."""
        self.write(self.text(report, form))

    def write(self, text: str) -> None:
        """Writes a text as it is."""
        self.out.write(text, ending="") if hasattr(self.out, "style_func") else self.out.write(text)

    def tell(self, error: Exception, err: Any) -> None:
        """Says why there is no report: JSON where JSON was asked for, words on the other stream in any case."""
        if isinstance(error, ConnwardenError):
            if self.is_json:
                self.write(error.report + "\n")
            hint = "".join(f"\n  = {line}" for line in (error.hint or "").splitlines())
            err.write(f"error: {error}{hint}")
        else:
            err.write(f"error: {error}")


def is_terminal(stream: Any) -> bool:
    """Somebody looks at it."""
    inner: TextIO = getattr(stream, "_out", stream)
    return hasattr(inner, "isatty") and inner.isatty()


def somebody_is_there(out: Any) -> bool:
    """Somebody sees the plan and can answer."""
    return is_terminal(out) and sys.stdin is not None and sys.stdin.isatty()
