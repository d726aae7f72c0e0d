"""The words a blueprint's entries are built from: parties, patterns, durations, rates, texts. Frozen, typed, nothing unknown."""

import re
from datetime import timedelta
from string import Formatter
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf

from entrepot.blueprint.hours import Hours, parse_hours
from entrepot.blueprint.units import parse_duration, parse_rate, parse_share
from entrepot.kernel.money import NotMoney, exponent

Party = Literal[
    "seller", "operator", "marketplace", "supplier", "buyer", "customer-care",
    "payment", "finance", "commerce", "pim", "erp", "oms", "hub",
]  # fmt: skip
PARTIES: tuple[str, ...] = get_args(Party)
Pattern = Literal["direct-api", "event", "queue", "file", "ipaas", "middleware", "scheduled-job"]
Latency = Literal[
    "checkout-blocking", "near-real-time", "same-day-operational", "next-cycle-enrichment", "finance-close"
]
VERBS = ("retry", "repair", "suppress", "escalate")
Verb = Literal["retry", "repair", "suppress", "escalate"]
OWNER = "owner"  # in an escalation step: the team that owns the case
ANY_FLOW = "any"  # a failure mode that no single flow owns

# What every text of a failure mode may name; a caller adds its own on top.
STANDARD_VALUES = frozenset({"count", "value", "due", "object", "object_id", "account", "words"})

_ACTOR = re.compile(r"[a-z][a-z-]*(@[A-Za-z0-9][A-Za-z0-9._-]*)?", re.ASCII)


def _hours(value: object) -> Hours:
    if isinstance(value, Hours):
        return value
    return parse_hours(value if isinstance(value, str) else str(value))


def _currency(code: str) -> str:
    try:
        exponent(code)
    except NotMoney as error:
        raise ValueError(f"{error}: write one such as EUR") from None
    return code


def _template(text: str) -> str:
    for _, name, spec, conversion in Formatter().parse(text):
        if name is not None and (not name.isidentifier() or spec or conversion):
            raise ValueError(f"“{{{name}}}” is not a plain name in braces, such as {{count}}")
    return text


def _actor(text: str) -> str:
    party = text.partition("@")[0]
    if not _ACTOR.fullmatch(text) or party not in PARTIES:
        raise ValueError(f"“{text}” is not an actor: write a party, or party@system; parties are {', '.join(PARTIES)}")
    return text


def one_or_list(value: object) -> object:
    """A single one may be written without brackets."""
    return value if isinstance(value, list | tuple) else [value]


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
RatePer100k = Annotated[int, BeforeValidator(parse_rate)]
Share = Annotated[int, BeforeValidator(parse_share)]
WorkingHours = Annotated[InstanceOf[Hours], BeforeValidator(_hours)]
Currency = Annotated[str, AfterValidator(_currency)]
Template = Annotated[str, Field(min_length=1), AfterValidator(_template)]
Words = Annotated[str, Field(min_length=1)]
Sources = Annotated[tuple[Words, ...], BeforeValidator(one_or_list), Field(min_length=1)]  # `erp`, or `[oms, erp]`
Actor = Annotated[str, AfterValidator(_actor)]  # `seller`, or `erp@sap-eu`


class Entry(BaseModel):
    """Everything in a blueprint: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
