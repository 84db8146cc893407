"""What a look is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._core import Plan
from ..conf import conf
from .arguments import thresholds


@dataclass(frozen=True)
class Against:
    """Thresholds and a plan: those that were given, else the project's."""

    thresholds: Mapping[str, float]
    plan: Plan | None

    @classmethod
    def of(cls, options: Mapping[str, Any], err: Any) -> Against:
        """As the options and the settings have it. A plan that cannot be read is told on `err`, and holds nobody to
        anything."""
        settings = conf()
        path = options["plan"] or settings.plan_path
        plan = None
        if path is not None:
            try:
                plan = Plan(path)
            except ValueError as error:
                err.write(f"warning: no plan: {error}")
        return cls(thresholds=thresholds(options, settings.thresholds), plan=plan)

    @property
    def utilization(self) -> dict[str, float]:
        """The thresholds that a status knows."""
        return {name: value for name, value in self.thresholds.items() if name in ("warn", "crit")}
