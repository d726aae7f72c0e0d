"""Who may do what to which field: the ownership section, and the identifiers that join records, as they are written.

Compiled into one rule set for both planes by `entrepot.ownership.compile`. Actors are `party` or `party@system`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from entrepot.blueprint.entries import Actor, Duration, Entry, Party, Words

EVERY_FIELD = "*"  # the rule of all fields that have none of their own
FALLBACKS = ("hold-last-known", "stop-selling", "park")  # or use:<actor>

# What a plan must say the ownership of: the requirements' list, then ours.
OBJECTS: Mapping[str, str] = {
    "seller": "Who sells: identity, legal and tax data, bank account, state.",
    "seller-catalog": "What a seller offers to list: his products as he describes them.",
    "offer": "A seller's price, stock and terms for one product.",
    "listing": "An offer on one channel, and its status there.",
    "basket": "What a buyer paid at once.",
    "leg": "One seller's part of a basket: a marketplace order.",
    "line": "One article of a leg.",
    "line-routing": "Which seller, supplier or stock fulfils a line.",
    "stock-pool": "Quantity per location, shared by channels.",
    "shipment": "A parcel and its tracking.",
    "return": "Goods that come back.",
    "refund": "Money given back by the operator or the marketplace.",
    "seller-refund": "Money given back by a seller of his own accord.",
    "rate-agreement": "The commission agreed with a seller.",
    "commission": "What the operator keeps of a sale.",
    "statement": "What they say about money.",
    "settlement": "The closing of one billing cycle.",
    "payout": "What is paid to a seller for one cycle.",
    "dispute": "A claim about an order.",
    "chargeback": "A buyer's dispute at the bank.",
    "incident": "A complaint about one line.",
    "tax-document": "Invoices and credit notes.",
}


def _listed(value: object) -> object:
    """One rule may stand alone; several with their scopes are a list, the first that fits counts."""
    return [value] if isinstance(value, Mapping) else value


class Scope(Entry):
    """Where a rule counts; what is not named counts everywhere."""

    account: str | None = None
    seller: str | None = None
    seller_model: Literal["marketplace", "dropship", "one-creditor"] | None = None
    category: str | None = None

    @property
    def named(self) -> Mapping[str, str]:
        return {name: value for name, value in self if value is not None}


class FieldRule(Entry):
    """Rights on one field. Two updaters need `precedence` (highest first) or `combine`."""

    where: Scope = Scope()
    update: tuple[Actor, ...] = ()
    hold: tuple[Actor, ...] = ()  # not sellable, value untouched
    override: tuple[Actor, ...] = ()  # another value laid over the owner's, with an end
    correct: tuple[Actor, ...] = ()  # may change bad data
    request: tuple[Actor, ...] = ()  # may only ask for it
    precedence: tuple[Actor, ...] = ()
    combine: Literal["all-of", "any-of", "lowest", "highest"] | None = None


FieldRules = Annotated[tuple[FieldRule, ...], BeforeValidator(_listed), Field(min_length=1)]


class Enforcement(Entry):
    """`before`: we are in the write path and refuse. `after`: others write directly; we observe, hold and ask."""

    feed: Literal["before", "after"] = "before"
    api: Literal["before", "after"] = "before"
    console: Literal["before", "after"] = "before"
    observed: Literal["before", "after"] = "after"


class Overrides(Entry):
    """Bounds of the operator's levers on this object. `second_person_above_percent`: a change of a number by more needs one."""

    max: Duration
    second_person_above_percent: int = Field(default=20, ge=0, le=1000)


class ObjectRule(Entry):
    """Who owns one kind of object."""

    name: str
    source_of_truth: Actor | None = None
    create: tuple[Actor, ...] = ()
    consume: tuple[Actor, ...] = ()
    exceptions: str = ""  # team that sees and decides
    fallback: Words = "hold-last-known"  # when the source is silent: see FALLBACKS, or use:<actor>
    enforcement: Enforcement = Enforcement()
    holds_max: Duration | None = None  # no hold lasts longer than this without being asked for again
    overrides: Overrides | None = None
    reassert_per_day: int = Field(default=3, ge=0, le=100)  # how often our value is put back before it is a fight
    fields: Mapping[str, FieldRules] = {}

    def rules_of(self, field: str) -> tuple[FieldRule, ...]:
        """The rules of a field, in order; those of `*` when it has none."""
        return self.fields.get(field) or self.fields.get(EVERY_FIELD, ())


class IdentifierRule(Entry):
    """By which of its fields each system or party knows an object: `mirakl-fr: order_id`."""

    name: str
    join: Mapping[str, Words] = {}
    environment_prefix: bool = False  # sandbox ids carry `sandbox-`, so that they join nothing in production
    financial: bool = False  # what settlement and gateway reports are matched by

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, data: Any) -> Any:
        """Written flat: every key that is no key of ours is a system or a party."""
        if not isinstance(data, Mapping) or "join" in data:
            return data
        own = {key: data[key] for key in ("name", "environment_prefix", "financial") if key in data}
        return {**own, "join": {key: value for key, value in data.items() if key not in own}}


class Mapped(Entry):
    """A table of words between us and a system. `in`: theirs to ours; `out`: ours to theirs."""

    name: str
    flow: str
    system: str
    direction: Literal["in", "out"]
    field: Words
    values: Mapping[str, str] = {}
    otherwise: Literal["keep", "park"] = "keep"  # a word that is not in the table: as it is, or a case


class PriceLimit(Entry):
    """What a price of one category may be, in the account's currency, as people write it: `21.00`."""

    floor: str | None = None
    ceiling: str | None = None


OfferField = Literal["gtin", "title", "brand", "category", "condition", "sale_price", "lead_days", "image"]
CONDITIONS = ("new", "used", "refurbished", "open-box", "damaged")
Condition = Literal["new", "used", "refurbished", "open-box", "damaged"]


class OfferRule(Entry):
    """What an offer of a file must be beside what every offer must, by category; nothing is asked where nothing is written."""

    required: tuple[OfferField, ...] = ()
    values: Mapping[OfferField, tuple[Words, ...]] = {}
    quantity_max: int | None = Field(default=None, ge=1, le=999_999_999)
    lead_days_max: int | None = Field(default=None, ge=0, le=60)
    lead_days_max_by_condition: Mapping[Condition, Annotated[int, Field(ge=0, le=60)]] = {}
    discount_max_percent: int | None = Field(default=None, ge=1, le=99)
    title_max: int | None = Field(default=None, ge=1, le=250)
    image_begins: tuple[Words, ...] = ()
    image_ends: tuple[Words, ...] = ()


class Requesting(Entry):
    """How corrections are asked for. `answer_within`: then the request is expired and a person decides."""

    answer_within: Duration = timedelta(hours=48)
    digest_every: Duration = timedelta(hours=1)  # one message per seller and cause, never one per row


__all__ = [
    "CONDITIONS",
    "EVERY_FIELD",
    "FALLBACKS",
    "OBJECTS",
    "Enforcement",
    "FieldRule",
    "IdentifierRule",
    "Mapped",
    "ObjectRule",
    "OfferRule",
    "Overrides",
    "Party",
    "PriceLimit",
    "Requesting",
    "Scope",
]
