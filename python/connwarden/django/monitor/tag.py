"""The comment that tells PostgreSQL which operation a statement belongs to: `/*op='outer/inner'*/ SELECT
...`.

It stands before the statement, so that it is within what pg_stat_activity keeps of a long one, and it is the
same for each statement of an operation, so that caches of prepared statements hold. It is not a place for ids
of requests or users.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

SEGMENT_CHARS_MAX = 64
"""Of one operation's name, encoded."""
PATH_CHARS_MAX = 200
"""Of the whole path: pg_stat_activity shows 1024 bytes unless it is told otherwise, and the statement wants
some of them.
"""


@dataclass(frozen=True)
class Tag:
    """The path of an operation and its comment in both spellings."""

    path: str
    """Encoded names from the outermost to the innermost, joined by `/`."""
    bare: str
    """Set before a statement without parameters."""
    doubled: str
    """Set before a statement with parameters, where drivers read `%` as the start of a placeholder."""


def tag(operation: str, outer: Tag | None = None) -> Tag:
    """The tag of `operation` within `outer`. A path that is too long loses its outermost names."""
    segments = [] if outer is None else outer.path.split("/")
    segments.append(_segment(operation))
    while len("/".join(segments)) > PATH_CHARS_MAX:
        del segments[0]
    path = "/".join(segments)
    comment = f"/*op='{path}'*/ "
    return Tag(path, comment, comment.replace("%", "%%"))


def _segment(operation: str) -> str:
    """URL-encoded: letters, digits and `_.-~` stay. Neither `*`, `/`, a quote nor a line's end can stand in
    it.
    """
    kept = ""
    for character in operation:
        encoded = quote(character, safe="", errors="replace")
        if len(kept) + len(encoded) > SEGMENT_CHARS_MAX:
            break
        kept += encoded
    return kept
