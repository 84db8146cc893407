"""Reads variables of the environment, and collects every mistake instead of stopping at the first.

A mistake names the variable, shows its value where that is no secret, and says what would be right.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_DURATION = re.compile(r"([0-9]{1,12})\s*(ms|s|min|h)")
_MS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
_ON = {"1", "true", "on", "yes"}
_OFF = {"0", "false", "off", "no"}
_SHOWN_MAX = 80


@dataclass(frozen=True)
class Found:
    """A variable that is set."""

    variable: str
    value: str

    @property
    def shown(self) -> str:
        """The variable and its value."""
        value = self.value if len(self.value) <= _SHOWN_MAX else self.value[:_SHOWN_MAX] + "..."
        return f"{self.variable}={value!r}"


@dataclass
class Reader:
    """The variables of one entry. Those with the prefix come first, then those without; empty ones are not
    set.
    """

    environ: Mapping[str, str]
    prefix: str = ""
    mistakes: list[str] = field(default_factory=list)

    def own(self, name: str) -> Found | None:
        """The variable with this entry's prefix."""
        value = self.environ.get(self.prefix + name, "")
        return Found(self.prefix + name, value) if value else None

    def common(self, name: str) -> Found | None:
        """The variable without a prefix, for all entries."""
        value = self.environ.get(name, "")
        return Found(name, value) if value else None

    def find(self, name: str) -> Found | None:
        """The first of both."""
        return self.own(name) or self.common(name)

    def secret(self, name: str, shared: bool = True) -> Found | None:
        """A variable, or the content of the file that `NAME_FILE` names."""
        for prefix in (self.prefix, "") if shared and self.prefix else (self.prefix,):
            variable = prefix + name
            value, path = self.environ.get(variable, ""), self.environ.get(f"{variable}_FILE", "")
            if value and path:
                self.mistake(f"{variable} and {variable}_FILE are both set: unset one of them")
            if value:
                return Found(variable, value)
            if path:
                return self._from_file(Found(f"{variable}_FILE", path))
        return None

    def whole(self, name: str, least: int, most: int, fix: str) -> int | None:
        """A whole number. `fix` says what the variable is for."""
        found = self.find(name)
        if found is None:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", found.value) or not least <= int(found.value) <= most:
            self.mistake(f"{found.shown} is no whole number from {least} to {most}: {fix}")
            return None
        return int(found.value)

    def flag(self, name: str) -> bool | None:
        """On or off."""
        found = self.find(name)
        if found is None:
            return None
        if found.value.lower() not in _ON | _OFF:
            self.mistake(f"{found.shown} is neither on nor off: write 'on' or 'off'")
            return None
        return found.value.lower() in _ON

    def duration_ms(self, name: str) -> int | None:
        """A time with its unit, in milliseconds."""
        found = self.find(name)
        return None if found is None else self.as_ms(found.variable, found.value)

    def as_ms(self, what: str, value: str) -> int | None:
        """The same for a value that stands somewhere else."""
        if value == "0":
            return 0
        matched = _DURATION.fullmatch(value)
        if matched is None:
            bare = f"{value}s' or '{value}ms" if value.isdigit() else "30s' or '250ms"
            self.mistake(
                f"{what}={value!r} is no time with a unit (ms, s, min, h): write '{bare}'; 0 is none"
            )
            return None
        ms = int(matched[1]) * _MS[matched[2]]
        if ms > 2**31 - 1:
            self.mistake(
                f"{what}={value!r} is more than PostgreSQL can count (24 days): write less, or 0 for none"
            )
            return None
        return ms

    def one_of(self, found: Found | None, known: Iterable[str]) -> str | None:
        """One of several words."""
        if found is None:
            return None
        words = list(known)
        if found.value in words:
            return found.value
        near = difflib.get_close_matches(found.value.lower(), words, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(words)}"
        self.mistake(f"{found.shown} is unknown: {hint}")
        return None

    def mistake(self, text: str) -> None:
        """One more. The same one is told once."""
        if text not in self.mistakes:
            self.mistakes.append(text)

    def verdict(self) -> None:
        """Raises `ImproperlyConfigured` with all mistakes, one to a line."""
        if self.mistakes:
            lines = "\n".join(f"  - {text}" for text in self.mistakes)
            raise ImproperlyConfigured(f"the environment says something wrong about the database:\n{lines}")

    def _from_file(self, found: Found) -> Found | None:
        try:
            # Editors and `echo` end a file with a line's end that is no part of a password.
            value = Path(found.value).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            self.mistake(f"{found.shown} cannot be read ({why}): mount the file, or make it readable")
            return None
        if not value:
            self.mistake(f"{found.shown} is an empty file: put the secret in, or unset the variable")
            return None
        return Found(found.variable, value)
