"""eBay's filter grammar: `name:[from..to]` for a range, `name:{A|B}` for a choice, comma between them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from entrepot.sandbox.ebay.wire import instant

PART: Final = re.compile(r"\s*(\w+):(?:\[([^\]]*)\]|\{([^}]*)\})\s*(?:,|$)")


class BadFilter(ValueError):
    """A filter that cannot be read. `kind`: "syntax", "date", "start" (missing) or "order"."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


@dataclass(frozen=True, slots=True)
class Range:
    """From and to, both inclusive; None is open."""

    start: datetime | None
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return (self.start is None or at >= self.start) and (self.end is None or at <= self.end)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a `filter` parameter says."""

    ranges: dict[str, Range]
    choices: dict[str, frozenset[str]]

    @property
    def names(self) -> set[str]:
        """Every name used."""
        return {*self.ranges, *self.choices}

    def allows(self, name: str, word: str | None) -> bool:
        """Whether a choice, if there is one, holds this word."""
        return name not in self.choices or word in self.choices[name]

    def covers(self, name: str, at: datetime) -> bool:
        """Whether a range, if there is one, holds this instant."""
        return name not in self.ranges or self.ranges[name].holds(at)


def parse(texts: Sequence[str]) -> Filters:
    """Read every `filter` parameter. Errors: BadFilter."""
    ranges: dict[str, Range] = {}
    choices: dict[str, frozenset[str]] = {}
    for text in texts:
        at = 0
        while at < len(text):
            found = PART.match(text, at)
            if found is None:
                raise BadFilter("syntax", text[at:])
            at = found.end()
            name, span, words = found.groups()
            if span is not None:
                ranges[name] = _range(span)
            else:
                choices[name] = frozenset(words.split("|"))
    return Filters(ranges, choices)


def _range(text: str) -> Range:
    start_text, dots, end_text = text.partition("..")
    if not dots:
        raise BadFilter("syntax", text)
    start, end = _instant(start_text), _instant(end_text)
    if start is None:
        raise BadFilter("start", text)
    if end is not None and end < start:
        raise BadFilter("order", text)
    return Range(start, end)


def _instant(text: str) -> datetime | None:
    text = text.strip()
    if not text:
        return None
    at = instant(text)
    if at is None:
        raise BadFilter("date", text)
    return at
