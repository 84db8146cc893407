"""Which checkouts get their stack taken."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

Choice = Callable[[], bool]
"""Asked once for each checkout: is this one sampled?"""


def choice(sample: float, seed: int | None = None) -> Choice:
    """A fraction (0 to 1), or a whole number N above 1: the first of every N checkouts.

    A fraction is drawn from a generator of its own; with a `seed` the same checkouts are chosen again.
    Raises `ValueError` for anything else.
    """
    if isinstance(sample, bool) or not isinstance(sample, (int, float)) or not sample >= 0:
        raise ValueError(f"sample is a fraction or a whole number, not {sample!r}")
    if sample in (0, 1):
        return lambda: sample == 1
    if isinstance(sample, int):
        turn = itertools.count()
        return lambda: next(turn) % sample == 0
    if sample > 1:
        raise ValueError(f"sample is {sample!r}: above 1 it says every which checkout, and is a whole number")
    draw = random.Random(seed).random
    return lambda: draw() < sample
