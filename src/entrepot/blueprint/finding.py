"""What a plan says wrong: a stable code, the place, what it means, what to write instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from entrepot.kernel.errors import WrongSetting

FINDINGS_MAX = 500  # whoever has more corrects the first ones and looks again
FINDINGS_SHOWN_MAX = 20
WORDS_MAX = 300

Path = tuple[str | int, ...]


class Position(NamedTuple):
    """One-based, as editors count."""

    line: int
    column: int
    file: str = ""

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


START = Position(1, 1)


class Severity(StrEnum):
    ERROR = "error"  # the hub does not start with it
    WARNING = "warning"  # works, but will hurt
    NOTE = "note"  # only said

    @classmethod
    def of(cls, code: str) -> "Severity":
        """By the letter a code begins with."""
        return {"E": cls.ERROR, "W": cls.WARNING}.get(code[:1], cls.NOTE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `path` is where in the plan: `flows.order-acceptance.retry.window`."""

    code: str
    severity: Severity
    file: str
    position: Position
    path: str
    message: str
    fix: str

    def __str__(self) -> str:
        end = "" if self.fix.endswith("?") else "."
        return f"{self.file}:{self.position} {self.code} {self.path}: {self.message}. Fix: {self.fix}{end}"

    @property
    def order(self) -> tuple[str, Position, str, str]:
        return self.file, self.position, self.code, self.message


class Findings(list[Finding]):
    """Everything found so far, at most FINDINGS_MAX; the same is told once."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[tuple[str, Position, str, str]] = set()

    @property
    def full(self) -> bool:
        return len(self) >= FINDINGS_MAX

    def add(self, code: str, at: Position, path: Path | str, message: str, fix: str) -> None:
        where = path if isinstance(path, str) else dotted(path)
        words = one_line(message).rstrip(".")
        told = (code, at, where, words)
        if self.full or told in self._told:
            return
        self._told.add(told)
        self.append(Finding(code, Severity.of(code), at.file, at, one_line(where), words, one_line(fix).rstrip(".")))


class WrongBlueprint(WrongSetting):
    """A blueprint the hub will not run by; `fields["findings"]` holds every error, in the order of the files."""

    code = "wrong-blueprint"

    @classmethod
    def of(cls, errors: Sequence[Finding]) -> "WrongBlueprint":
        shown = "\n".join(str(f) for f in errors[:FINDINGS_SHOWN_MAX])
        more = len(errors) - FINDINGS_SHOWN_MAX
        return cls(shown + (f"\n… and {more} more" if more > 0 else ""), findings=list(errors))


def dotted(path: Path) -> str:
    return ".".join(short(part) for part in path) or "blueprint"


def short(value: Any, most: int = 40) -> str:
    """A value as one shows it in a sentence."""
    text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def one_line(text: str) -> str:
    """What others wrote must neither break a line nor steer a terminal."""
    return short("".join(c if c.isprintable() else " " for c in text), WORDS_MAX)
