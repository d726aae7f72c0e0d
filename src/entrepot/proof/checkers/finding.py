"""What a judge says, and the few ways in which all of them compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.kernel.ctx import Conn

Books = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `where`: the row, the order or the key somebody should look at."""

    checker: str
    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.checker}: {self.where}: {self.what}"


def rows(conn: Conn, sql: str, *values: Any) -> list[dict[str, Any]]:
    return conn.execute(sql, values).fetchall()


def differs(checker: str, where: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[Finding]:
    """One finding for every name whose values differ."""
    return [
        Finding(checker, f"{name}: theirs {theirs[name]!r}, ours {ours.get(name)!r}", where)
        for name in theirs
        if theirs[name] != ours.get(name)
    ]


def unpaired(checker: str, what: str, theirs: Iterable[str], ours: Iterable[str]) -> list[Finding]:
    """One finding for everything that only one side knows."""
    left, right = set(theirs), set(ours)
    found = [Finding(checker, f"{what} that we do not know", one) for one in sorted(left - right)]
    return found + [Finding(checker, f"{what} that they do not know", one) for one in sorted(right - left)]
