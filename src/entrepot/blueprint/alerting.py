"""The words of an alert's `where`: which cases are said at all. Pure.

Conditions joined by `and`; all of them must hold. `remaining < 50%` waits for the moment when less of its time is left; the others
look at the case. Words are compared with `=` and `!=`, and `a | b` means either; numbers with `<` and `>`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from entrepot.kernel.money import Money, NotMoney

# Shape: word → what it is. The documentation of the plan's format is made of this.
TEXTS: Mapping[str, str] = {
    "account": "the account it happened at, such as `mirakl-fr/operator`",
    "seller": "the seller's id at the marketplace",
    "cause": "what the same cause of other objects has in common, such as `price:under-floor`",
    "object": "what it is about: `offer`, `leg`, `effect`; of a group `seller`, `cause` or `account`",
    "flow": "the flow it belongs to",
    "owner": "the team whose it is",
    "kind": "`business` or `system`",
    "currency": "of its money",
}
NUMBERS: Mapping[str, str] = {
    "count": "how often it happened",
    "members": "how many of one cause still fail; 1 for a case of its own",
    "money": "what is at risk, in whole units of its currency: `money > 500`",
}
REMAINING = "remaining"
_COLUMN = {"cause": "cause_key", "money": "money_minor"}
_SHARE = re.compile(r"remaining\s*<\s*(\d{1,3})\s*%")
_TEXT = re.compile(rf"({'|'.join(TEXTS)})\s*(!=|=)\s*(\S.*)")
_NUMBER = re.compile(rf"({'|'.join(NUMBERS)})\s*([<>])\s*(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Condition:
    """One of them. `values`: any of these, or a single number."""

    word: str
    sign: str
    values: tuple[str, ...]

    def holds(self, case: Mapping[str, Any]) -> bool:
        if self.word in TEXTS:
            return (str(case[_COLUMN.get(self.word, self.word)]) in self.values) == (self.sign == "=")
        number, bound = Decimal(_number(case, self.word)), self._bound(case)
        return number > bound if self.sign == ">" else number < bound

    def _bound(self, case: Mapping[str, Any]) -> Decimal:
        if self.word != "money":
            return Decimal(self.values[0])
        try:
            return Decimal(Money.parse(self.values[0], case["currency"]).minor)
        except NotMoney:  # finer than the currency counts: the next whole unit below
            return Decimal(Money.parse(self.values[0].partition(".")[0], case["currency"]).minor)


def _number(case: Mapping[str, Any], word: str) -> int:
    found = int(case[_COLUMN.get(word, word)] or 0)
    return max(found, 1) if word == "members" else found


@dataclass(frozen=True, slots=True)
class Where:
    """A `where` as it is read. `unread`: what nobody here understands; it keeps nothing back."""

    remaining_below: int = 100
    conditions: tuple[Condition, ...] = ()
    unread: tuple[str, ...] = ()

    def holds(self, case: Mapping[str, Any]) -> bool:
        return all(one.holds(case) for one in self.conditions)

    @property
    def grows(self) -> bool:
        """Whether it may come to hold while the case stands."""
        return any(one.word in NUMBERS for one in self.conditions)


def read_where(text: str) -> Where:
    """A person who is told too early is better than one who is never told: what cannot be read keeps nothing back."""
    below, conditions, unread = 100, [], []
    for part in (one.strip() for one in re.split(r"\s+and\s+", text.strip()) if one.strip()):
        if found := _SHARE.fullmatch(part):
            below = min(below, int(found[1]))
        elif found := _TEXT.fullmatch(part):
            values = tuple(one.strip() for one in found[3].split("|"))
            conditions.append(Condition(found[1], found[2], values))
        elif found := _NUMBER.fullmatch(part):
            conditions.append(Condition(found[1], found[2], (found[3],)))
        else:
            unread.append(part)
    return Where(below, tuple(conditions), tuple(unread))


def words() -> str:
    """What may be written, for people."""
    texts = "; ".join(f"`{word}` {what}" for word, what in TEXTS.items())
    numbers = "; ".join(f"`{word}` {what}" for word, what in NUMBERS.items())
    return (
        "Which of them: conditions joined by `and`. `remaining < 50%`: only when less of its time is left. "
        f"With `=` and `!=`, several parted by a vertical bar: {texts}. With `<` and `>`: {numbers}."
    )
