"""Reading foreign JSON: pages split into records, numbers kept digit for digit, and every way of failing given a name.

A record is made canonical (sorted keys, no white space): the same content is the same digest however they spell it.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import wraps
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from entrepot.connectors.port import Malformed, Received
from entrepot.inbox.model import MALFORMED
from entrepot.kernel.money import Money, NotMoney, exponent
from entrepot.kernel.outcome import Unrecognised

AMOUNT_DIGITS_MAX = 18
INSTANT_CHARS_MAX = 40
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_as_text = msgspec.json.Decoder(float_hook=str)
_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])

T = TypeVar("T")
Struct = TypeVar("Struct", bound=msgspec.Struct)
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation)


class Unreadable(ValueError):
    """A page or record that is not what they publish. `where`: a path into it."""

    def __init__(self, what: str, where: str = "$") -> None:
        super().__init__(what)
        self.what = what
        self.where = where


class UnknownWord(ValueError):
    """A word without which the record cannot be understood, and which nobody published."""

    def __init__(self, field: str, word: str) -> None:
        super().__init__(f"{field}: {word}")
        self.field = field
        self.word = word


def first_bytes(body: bytes) -> str:
    """What to show of something unreadable."""
    return body[:200].decode("utf-8", "replace").replace("\x00", "�")


def canonical(raw: bytes | msgspec.Raw) -> bytes:
    """The same content, spelt one way; numbers keep their digits. Errors: NOT_JSON."""
    return _encoder.encode(_decoder.decode(bytes(raw)))


def encoded(value: Any) -> bytes:
    """JSON to send: decimals as numbers, digit for digit."""
    return _encoder.encode(value)


def as_text(body: bytes) -> dict[str, Any]:
    """A record as JSON-able data whose fractions are text, kept beside what was read from it. Errors: Unreadable."""
    try:
        value = _as_text.decode(body)
    except NOT_JSON as error:
        raise Unreadable(f"not JSON: {error}") from error
    return value if isinstance(value, dict) else {"value": value}


def members(body: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of an object, unread. Errors: Unreadable, with the first bytes of what came instead."""
    try:
        return _members.decode(bytes(body))
    except NOT_JSON as error:
        raise Unreadable(f"not the JSON object they publish ({error}): {first_bytes(bytes(body))}") from error


def elements(body: bytes | msgspec.Raw, *path: str) -> list[msgspec.Raw]:
    """The list at a path of nested objects, its elements unread. Errors: Unreadable."""
    here: bytes | msgspec.Raw = body
    for depth, name in enumerate(path):
        inside = members(here)
        if name not in inside:
            raise Unreadable(f"“{name}” is missing: {first_bytes(bytes(body))}", ".".join(("$", *path[: depth + 1])))
        here = inside[name]
    try:
        return _elements.decode(bytes(here))
    except NOT_JSON as error:
        raise Unreadable(f"not a list ({error})", ".".join(("$", *path))) from error


def whole_number(body: bytes, name: str) -> int:
    """A counter of a page. Errors: Unreadable."""
    try:
        return msgspec.json.decode(bytes(members(body).get(name, msgspec.Raw(b"null"))), type=int)
    except NOT_JSON as error:
        raise Unreadable(f"“{name}” is not a whole number", f"$.{name}") from error


def text_or_none(body: bytes, name: str) -> str | None:
    """A text of a page that may be null or missing. Errors: Unreadable."""
    try:
        return msgspec.json.decode(bytes(members(body).get(name, msgspec.Raw(b"null"))), type=str | None)
    except NOT_JSON as error:
        raise Unreadable(f"“{name}” is neither text nor null", f"$.{name}") from error


def typed(body: bytes | msgspec.Raw, type_: type[Struct]) -> Struct:
    """A record by its published fields; others are allowed. Errors: Unreadable with the path of what is wrong."""
    raw = bytes(body)
    if b"\\u0000" in raw and _NUL.search(raw):
        raise Unreadable("a text holds a NUL character")
    try:
        return msgspec.json.decode(raw, type=type_)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        raise Unreadable(what, where.strip("`") or "$") from error
    except NOT_JSON as error:
        raise Unreadable(f"not JSON: {error}") from error


def instant(text: str, where: str) -> datetime:
    """An ISO 8601 instant with its zone, as aware UTC. Errors: Unreadable; a zone is never guessed."""
    try:
        at = datetime.fromisoformat(text[:INSTANT_CHARS_MAX])
    except ValueError as error:
        raise Unreadable(f"“{text[:INSTANT_CHARS_MAX]}” is not a date and time", where) from error
    if at.tzinfo is None:
        raise Unreadable(f"“{text}” names no time zone", where)
    return at.astimezone(UTC)


def maybe_instant(text: str | None, where: str) -> datetime | None:
    return instant(text, where) if text else None


def sortable(at: datetime) -> str:
    """An instant as text that sorts as time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def minor(amount: Decimal | int | None, currency: str, where: str) -> int:
    """A JSON number as minor units, exactly; null is nothing. Errors: Unreadable (too many digits, not finite)."""
    if amount is None:
        return 0
    number = Decimal(amount)
    if not number.is_finite() or number.adjusted() >= AMOUNT_DIGITS_MAX:
        raise Unreadable(f"{number} is not an amount", where)
    try:
        places = exponent(currency)
        counted = int(number.scaleb(places))
        if Decimal(counted).scaleb(-places) == number:  # the usual way, six times as fast as by the digits
            return counted
        return Money.parse(format(number, "f"), currency).minor  # tells what is wrong with it
    except NotMoney as error:
        raise Unreadable(error.message, where) from error


def number_of(minor_units: int, currency: str) -> Decimal:
    """Minor units as the JSON number to send."""
    return Decimal(Money(minor_units, currency).text)


def total(read: Callable[[bytes], T]) -> Callable[[bytes], T | Malformed | Unrecognised]:
    """Make a reader total: what it cannot read becomes a value, never a crash that stops a page."""

    @wraps(read)
    def reader(body: bytes) -> T | Malformed | Unrecognised:
        try:
            return read(body)
        except Unreadable as error:
            return Malformed(error.what, error.where)
        except UnknownWord as error:
            return Unrecognised(error.field, error.word)

    return reader


def record(
    raw: bytes | msgspec.Raw, kind: str, flow: str, position: int, split: Callable[[bytes], Received]
) -> Received:
    """One element of a page as a record. What names no id is kept as `malformed`, and its neighbours go on."""
    try:
        body = canonical(raw)
        return split(body)
    except (Unreadable, *NOT_JSON):
        return unreadable_record(bytes(raw), kind, flow, position)


def unreadable_record(body: bytes, kind: str, flow: str, position: int) -> Received:
    """Kept whole under its digest: nobody can say what it is about."""
    name = f"{kind}:{blake2b(body, digest_size=8).hexdigest()}"
    return Received(MALFORMED, name, "", body, position, f"malformed:{name}", flow)


def records(
    raws: Sequence[msgspec.Raw], kind: str, flow: str, split: Callable[[bytes, int], Received]
) -> tuple[Received, ...]:
    """The elements of a page, in their order."""
    return tuple(record(raw, kind, flow, n, lambda body, n=n: split(body, n)) for n, raw in enumerate(raws))  # type: ignore[misc]
