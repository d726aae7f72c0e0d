"""Events of stock and price as machines tell them by the thousand: read line by line, and coalesced. Pure.

Of every article and place only the newest version counts, so that order does not matter, nor whether an event comes twice. A line that cannot
be read is named with its reason and never stops its neighbours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol, TypeVar

import msgspec

from entrepot.kernel.money import INT64_MAX, NotMoney, exponent
from entrepot.trade.stock.model import PriceSeen, StockSeen

INT32_MAX = 2**31 - 1
VERSION_MAX = 2**62
# An article and its place are the key of a row; PostgreSQL indexes at most 2,704 bytes, and a character may take four of them.
Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Version = Annotated[int, msgspec.Meta(ge=0, le=VERSION_MAX)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)  # whatever the offset


class StockTold(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="stock"):
    """How many pieces lie at a location, those of open orders included; below zero where more was booked out than lay there."""

    sku: Sku
    location: Place
    quantity: Annotated[int, msgspec.Meta(ge=-INT32_MAX, le=INT32_MAX)]
    version: Version
    at: Instant

    @property
    def place(self) -> str:
        return self.location


class PriceTold(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="price"):
    """What an article costs on a channel. `channel`: an account of the plan, or `*` for every one without a price of its own."""

    sku: Sku
    channel: Place
    price_minor: Annotated[int, msgspec.Meta(ge=1, le=INT64_MAX)]
    currency: str
    version: Version
    at: Instant

    @property
    def place(self) -> str:
        return self.channel


Told = StockTold | PriceTold
Key = tuple[str, str]  # article, location or channel


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Malformed:
    """`line`: of the body, or element of the array, from 1."""

    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request told: the newest of each article and place. `events`: how many could be read. `account`: who told it."""

    events: int
    stock: Mapping[Key, StockTold | StockSeen]
    prices: Mapping[Key, PriceTold | PriceSeen]
    malformed: Sequence[Malformed] = ()
    account: str = ""

    @property
    def unread(self) -> bytes:
        """The lines that could not be read, to be kept as they are."""
        return b"\n".join(one.raw for one in self.malformed)


class NoList(Exception):
    """The body begins as an array and is none."""


_LINES = msgspec.json.Decoder(Told)
_ARRAY = msgspec.json.Decoder(list[Told])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_WRONG = (msgspec.DecodeError, UnicodeDecodeError)  # ValidationError is a DecodeError


def read(body: bytes) -> Batch:
    """JSON lines, or one JSON array. Everything at once where everything is right, else one by one. Errors: NoList."""
    is_array = body.lstrip()[:1] == b"["
    try:
        told = _ARRAY.decode(body) if is_array else _LINES.decode_lines(body)
    except _WRONG:
        return _one_by_one(_elements(body) if is_array else body.split(b"\n"))
    if b"\\u0000" in body or not _sane(told):
        return _one_by_one(_elements(body) if is_array else body.split(b"\n"))
    return batch(told)


def batch(told: Sequence[Told], malformed: Sequence[Malformed] = ()) -> Batch:
    stock: dict[Key, StockTold] = {}
    prices: dict[Key, PriceTold] = {}
    for one in told:
        if isinstance(one, StockTold):
            known = stock.get(key := (one.sku, one.location))
            if known is None or known.version < one.version:
                stock[key] = one
        else:
            listed = prices.get(key := (one.sku, one.channel))
            if listed is None or listed.version < one.version:
                prices[key] = one
    return Batch(len(told), stock, prices, malformed)


def newest(several: Iterable[Mapping[Key, V]]) -> dict[Key, V]:
    """Of each key the greatest version; of equal ones the first."""
    found: dict[Key, V] = {}
    for one in several:
        if not found:
            found.update(one)
            continue
        for key, told in one.items():
            known = found.get(key)
            if known is None or known.version < told.version:
                found[key] = told
    return found


def _sane(told: Sequence[Told]) -> bool:
    """What the shape alone does not say, of all at once."""
    if not told:
        return True
    ats = [one.at for one in told]
    if min(ats) < EARLIEST or max(ats) > LATEST:
        return False
    return all(_is_currency(code) for code in {one.currency for one in told if isinstance(one, PriceTold)})


def _one_by_one(lines: Iterable[bytes | msgspec.Raw]) -> Batch:
    told, malformed = list[Told](), list[Malformed]()
    for number, line in enumerate(lines, start=1):
        raw = bytes(line)
        if not raw.strip():
            continue
        try:
            one = _LINES.decode(raw)
        except _WRONG as error:
            malformed.append(Malformed(number, str(error), raw))
            continue
        if reason := _strange(one):
            malformed.append(Malformed(number, reason, raw))
        else:
            told.append(one)
    return batch(told, malformed)


def _strange(one: Told) -> str:
    """Why an event of the right shape cannot be; empty when it can."""
    if "\0" in one.sku or "\0" in one.place:
        return "a name holds the character U+0000"
    if not EARLIEST <= one.at <= LATEST:
        return f"{one.at.isoformat()} is no time of ours - at `$.at`"
    if isinstance(one, PriceTold) and not _is_currency(one.currency):
        return f"“{one.currency}” is not an ISO 4217 currency code - at `$.currency`"
    return ""


def _is_currency(code: str) -> bool:
    try:
        exponent(code)
    except NotMoney:
        return False
    return True


def _elements(body: bytes) -> list[msgspec.Raw]:
    try:
        return _PARTS.decode(body)
    except _WRONG as error:
        raise NoList(str(error)) from error
