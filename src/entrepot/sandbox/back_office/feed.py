"""A list of what changed, oldest first: each object once, where it changed last; pages that do not shift."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from entrepot.sandbox.back_office.model import Refusal

CURSOR_PREFIX: Final = "c"
DIGITS_MAX: Final = 12


@dataclass(slots=True)
class Feed:
    """`entries`: (at, key, view) in the order of time; an entry that is not its key's newest is skipped."""

    page_size: int
    entries: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)

    def put(self, key: str, at: datetime, view: dict[str, Any]) -> None:
        """The object of a key is like this now. Instants never go back."""
        self.newest[key] = len(self.entries)
        self.entries.append((at, key, view))

    def page(self, since: datetime | None, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """What changed at `since` or later, from the cursor on, and the cursor of the rest. Errors: Refusal."""
        n = self._position(since, cursor)
        found: list[dict[str, Any]] = []
        for position in range(n, len(self.entries)):
            _, key, view = self.entries[position]
            if self.newest[key] != position:
                continue
            if len(found) == self.page_size:
                return found, f"{CURSOR_PREFIX}{position}"
            found.append(view)
        return found, None

    def _position(self, since: datetime | None, cursor: str | None) -> int:
        if cursor is not None:
            digits = cursor.removeprefix(CURSOR_PREFIX)
            known = digits != cursor and digits.isascii() and digits.isdigit() and len(digits) <= DIGITS_MAX
            if not known or int(digits) > len(self.entries):
                raise Refusal(400, "wrong-cursor", "no page was told to begin there", "cursor")
            return int(digits)
        return 0 if since is None else bisect_left(self.entries, since, key=itemgetter(0))
