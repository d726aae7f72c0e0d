"""Values of offers as people read and type them: money with its currency, yes and no, whole numbers."""

from collections.abc import Mapping

from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.money import Money, exponent
from entrepot.ownership.model import Value
from entrepot.web import format as show
from entrepot.web import words
from entrepot.web.views import Tone

WHY: Mapping[str, str] = {
    "not-owner": "Not his to write",
    "nobody-owns": "Nobody owns it",
    "lower-precedence": "Another owner comes first",
    "under-floor": "Under the floor",
    "above-ceiling": "Above the ceiling",
    "other-currency": "Another currency",
    "stale": "Too old",
    "suspended": "Seller suspended",
    "operator": "Held by a person",
    "ownership-fight": "Two systems undo each other",
    "overridden": "An override lies over it",
}
CORRECTION: Mapping[str, tuple[str, Tone]] = {
    "asked": ("Asked", Tone.WARN),
    "delivered": ("Delivered", Tone.INFO),
    "accepted": ("Accepted", Tone.INFO),
    "declined": ("Declined", Tone.BAD),
    "expired": ("Not answered", Tone.BAD),
    "applied": ("Corrected", Tone.GOOD),
}
OVERRIDE: Mapping[str, tuple[str, Tone]] = {
    "asked": ("Waits for a second person", Tone.WARN),
    "live": ("Counts", Tone.INFO),
    "ended": ("Ended", Tone.IDLE),
}
CHANNEL: Mapping[str, str] = {
    "mirakl-thread": "marketplace thread",
    "mail-digest": "mail with a link",
    "returned-file": "returned file",
}
YES, NO = ("yes", "true"), ("no", "false")
WHOLE_MAX = 10**12
TEXT_MAX_CHARS = 500


class NoSuchValue(OwnerDecides):
    """What was typed is no value of this field."""

    code = "no-such-value"


def kind_of(field: str, value: Value) -> str:
    """How a value of this field is typed: the field's name says it of money, else the value that stands there."""
    if field == "price" or field.endswith(("_price", "-price")):
        return "money"
    if isinstance(value, bool):
        return "yes-no"
    return "number" if isinstance(value, int) else "text"


def shown(field: str, value: Value, currency: str) -> str:
    """A value as it is read; money that is no whole number or has no currency stays what it is."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind_of(field, value) == "money" and isinstance(value, int) and currency:
        return show.money_text(Money(value, currency))
    return str(value)


def typed(kind: str, text: str, currency: str) -> Value:
    """What a person typed, as it is stored. Errors: NoSuchValue says what to type."""
    text = text.strip()
    if not text:
        raise NoSuchValue("a value is missing")
    match kind:
        case "money":
            return _minor(text, currency)
        case "yes-no" if text.lower() in (*YES, *NO):
            return text.lower() in YES
        case "yes-no":
            raise NoSuchValue(f"“{text[:40]}” is neither yes nor no")
        case "number":
            if not text.isascii() or not text.isdigit() or int(text) > WHOLE_MAX:
                raise NoSuchValue(f"“{text[:40]}” is not a whole number such as 12")
            return int(text)
    if len(text) > TEXT_MAX_CHARS or not text.isprintable():
        raise NoSuchValue(f"at most {TEXT_MAX_CHARS} characters in one line")
    return text


def _minor(text: str, currency: str) -> int:
    """`21.00`, `21,00` or `21` with at most the currency's own digits, never rounded."""
    if not currency:
        raise NoSuchValue("its currency is not known yet, so no amount can be read")
    digits = exponent(currency)
    whole, _, fraction = text.removesuffix(currency).strip().replace(",", ".").partition(".")
    plain = whole.isascii() and whole.isdigit() and (not fraction or (fraction.isascii() and fraction.isdigit()))
    if not plain or len(whole) > 12 or len(fraction) > digits:
        example = f"21.{'0' * digits}" if digits else "21"
        raise NoSuchValue(f"“{text[:40]}” is not an amount in {currency}: write it like {example}")
    return int(whole + fraction.ljust(digits, "0"))


def why_word(why: str) -> str:
    return WHY.get(why, words.plain(why))


def channel_word(channel: str) -> str:
    return CHANNEL.get(channel, words.plain(channel).lower()) if channel else "not yet"
