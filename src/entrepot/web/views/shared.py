"""What every page may show: states in people's words, links, documents, timelines."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Tone(StrEnum):
    """How a state feels; each has its own shape on the page, so that colour is never the only sign."""

    GOOD = "good"
    INFO = "info"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class State:
    """A state in people's words, and beside it the other side's own word."""

    word: str
    tone: Tone
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another page of the console."""

    text: str
    href: str
    kind: str = ""  # what it is: seller order, case, refund ...


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: datetime
    what: str
    by: str
    tone: Tone
    detail: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Something received or sent, shown whole."""

    title: str
    text: str
    media: str = "json"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a comparison. Shape: sign is '+', '-' or ' '."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    number: int
    kind: str
    at: datetime
    outcome: State
    detail: str
