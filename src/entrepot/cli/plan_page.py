"""The reference page of the plan: every section, every key, what it means, what may stand there, and what counts when it is left out."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from entrepot.blueprint import alerting, entries, units
from entrepot.blueprint.model import Plan
from entrepot.blueprint.units import duration_text

FILLED_IN = ("name", "file", "hash")  # by the loader; an entry is named by its key

# What stands beside the model: the meaning of each key, by the class that holds it.
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "Plan": {
        "systems": "What we talk to, by name.",
        "accounts": "Our identities there, by name: `system/account`.",
        "sellers": "The default `*`, and exceptions by the marketplace's seller id.",
        "teams": "Who owns failures.",
        "flows": "Each business movement.",
        "failures": "Each way things fail; it is its own runbook.",
        "calendars": "Working days, by the name that deadlines use.",
        "identifiers": "By which field each system knows an object, by object.",
        "ownership": "Who may do what to an object and its fields, by object.",
        "mappings": "Words of ours and words of theirs, by name.",
        "feeds": "How sellers' offer files arrive, by name.",
        "questions": "What nobody owns yet.",
        "launch": "What was tried before it was needed.",
    },
    "System": {
        "connector": "Which connector speaks to it; `manual`: other software or people do, and nothing of ours calls it.",
        "party": "Who acts there.",
        "environment": "One plan runs in one environment.",
        "timezone": "Where its days begin and end.",
        "url": "Its address, or a reference to it. Empty: it only calls us.",
        "key": "Short for `credentials: {key: …}`.",
        "credentials": "References to its secrets, `env:NAME` or `file:/path`, by the connector's names for them.",
    },
    "Account": {
        "system": "The system it is an account of.",
        "model": "Do we host the storefront, or are we the seller? Needed at a marketplace.",
        "capture": "When the buyer is charged. Needed at a marketplace.",
        "currency": "In which its money is counted; another one is a case.",
        "acceptance_window": "How long a seller may take to decide; the flow that acknowledges promises the same. Of a channel: how long it waits for us.",
        "payment_window": "How long an accepted order may stay unpaid before the marketplace cancels it.",
        "settle": "How late they may still apply what we sent. Left out: as the connector's manifest says.",
        "commission": "The agreed rates. An operator's account needs them.",
        "calendar": "The working days of its deadlines.",
        "price_limits": "What a price may be, by category; `*`: every other one.",
        "offer_rules": "What an offer of a seller's file must be beside what every offer must, by category; `*`: all categories, beside their own.",
        "also_sells_in": "Currencies its offers may be priced in besides its own; limits count for its own only.",
        "payout": "How its sellers are paid. An operator's account that pays needs it.",
        "sweeps": "How often each safety check runs, by the connector's names for them.",
        "backlog_max": "Records waiting above which intake stops: safety checks first, then webhooks.",
        "obligations": "Where this channel gives us another time than its connector's dated rules: `4h`, `4 days`, `7 working-days`.",
        "channel": "Whose columns count in a file with one per channel: with `FR`, `price[channel=FR]` is the price.",
        "buffer": "Pieces of every article that are not shown here, so that the last one is not sold twice.",
    },
    "Commission": {
        "default": "The rate of every category that has none of its own.",
        "categories": "Rates by category.",
        "tax": "On top of the commission.",
        "base": "What the rate is taken of.",
        "rounding": "How a part of a cent is rounded.",
        "currency": "In which it is charged.",
        "returned_on_refund": "Whether the seller gets it back when the buyer gets his money back.",
    },
    "OfferRule": {
        "required": "Fields that may not be empty.",
        "values": "The words a field may hold; empty passes, unless it is required.",
        "quantity_max": "More pieces than this are taken for a mistake.",
        "lead_days_max": "The longest time until it ships.",
        "lead_days_max_by_condition": "The same, by the condition of the article.",
        "discount_max_percent": "How far a sale price may lie below the price.",
        "title_max": "Letters of a title.",
        "image_begins": "Where images may lie: one of these begins the address, all of them with `https://`.",
        "image_ends": "What kinds of images are taken: one of these ends the address, in small or capital letters.",
    },
    "PriceLimit": {"floor": "Nothing is sold below it.", "ceiling": "Nothing is sold above it."},
    "PayoutRoute": {
        "by": "Who moves the money.",
        "licensed_provider": "Which licensed provider, when it is one.",
        "legal_basis": "On which legal basis we hold sellers' money, when it is not.",
    },
    "SellerRule": {
        "seller_model": "Sells on his own account, or to us at a purchase price (`dropship`), or through one creditor.",
        "contact": "How corrections are asked for, in this order: mirakl-thread, mail-digest, returned-file.",
        "mail": "His address for mail-digest, by reference. Empty: the one the marketplace names.",
        "requests": "How long he has, and how often he is written to.",
    },
    "Requesting": {
        "answer_within": "Then the request is expired, and a person decides.",
        "digest_every": "One message per seller and cause in this time.",
    },
    "FeedRule": {
        "account": "The marketplace account whose offers they are.",
        "seller": "Whose files; `*` with a key: any seller's.",
        "source": "The folder that is looked at: `/path`, `sftp://host/path` or `s3://bucket/path`. Empty: files are sent to us.",
        "pattern": "Which names count: `*.csv*`. Names that are still being written (`.part`, `.tmp` …) never do.",
        "every": "How often the folder is looked at. A file is taken when two looks find it the same.",
        "complete": "Each file holds everything he sells: what it lacks has ended, within the safety limit.",
        "mapping": "His columns and words in ours. A version saved in the console counts before it.",
        "key": "A reference; whoever shows it as bearer token may send files.",
        "credentials": "References. SFTP: username, password or private_key (a path), host_key; S3: access_key_id, secret_access_key, region, endpoint.",
    },
    "FeedColumns": {
        "columns": "His column, and our field.",
        "values": "By field: his word, and ours.",
        "defaults": "By field: what counts where his cell is empty.",
        "decimal": "What he writes before the cents.",
        "expressions": "By field: a JMESPath, for JSON lines whose values lie deeper.",
    },
    "Team": {
        "party": "For whom it acts; its people's rights on fields follow.",
        "hours": "When it works; shares of a window count only these.",
        "deputy": "Decides when nobody of the team can.",
        "on_call": "Who is called outside its hours.",
        "escalates_to": "Who hears of a case next. Left out: the end of the line.",
        "notify": "Its channels, by reference.",
    },
    "Calendar": {
        "hours": "The working days, and where midnight is: `Mon-Fri 00-24 Europe/Paris`.",
        "holidays": "Days that do not count: `2026-12-25`.",
    },
    "IdentifierRule": {
        "join": "The field by which each system or party knows it. Written flat, beside the other keys.",
        "environment_prefix": "Ids we give away outside production begin with `sandbox-`.",
        "financial": "Statements and payment reports are matched by it.",
    },
    "ObjectRule": {
        "source_of_truth": "Whose record counts.",
        "create": "Who may create one.",
        "consume": "Who lives by it.",
        "exceptions": "The team that sees what is refused, and decides.",
        "fallback": "When the source is silent: hold-last-known, stop-selling, park, or use:<actor>.",
        "enforcement": "Where a write is refused, and where it is only seen.",
        "holds_max": "No hold lasts longer without being asked for again. Needed where anybody may hold.",
        "overrides": "How long another value may lie over the owner's. Needed where anybody may override.",
        "reassert_per_day": "How often our value is put back before it is a fight.",
        "fields": "The rights on each field, one rule or a list of them; `*`: every field without a rule of its own.",
    },
    "Enforcement": {
        "feed": "A file or feed to us.",
        "api": "Our API.",
        "console": "Our console and commands.",
        "observed": "What others write directly at the other side.",
    },
    "Overrides": {
        "max": "How long one may last.",
        "second_person_above_percent": "A number changed by more needs a second person.",
    },
    "FieldRule": {
        "where": "Where the rule counts; the first that fits decides.",
        "update": "Whose value counts.",
        "hold": "Who may stop the sale and leave the value as it is.",
        "override": "Who may lay another value over the owner's, with a reason and an end.",
        "correct": "Who may change bad data.",
        "request": "Who may only ask for it.",
        "precedence": "Of two that may update, highest first.",
        "combine": "Of two that may update, the value that follows from both.",
    },
    "Scope": {
        "account": "In this account.",
        "seller": "Of this seller.",
        "seller_model": "Of sellers of this kind.",
        "category": "In this category.",
    },
    "Mapped": {
        "flow": "Where the words are met.",
        "system": "Whose words they are.",
        "direction": "Theirs to ours, or ours to theirs.",
        "field": "The field they stand in.",
        "values": "The table.",
        "otherwise": "A word that is not in it: as it is, or a case.",
    },
    "Flow": {
        "part_of": "The flow it belongs to.",
        "object": "What moves: an object of the ownership section.",
        "from": "The system, or the actor, it comes from; several are a list.",
        "to": "Where it goes.",
        "pattern": "How it moves.",
        "also": "The safety check that heals lost events.",
        "latency": "How fast the business needs it.",
        "mode": "Only look, only propose, or do.",
        "decider": "Whose decision it waits for.",
        "actions": "Levers besides the four verbs.",
        "deadline": "What is promised, and until when.",
        "idempotency": "The key that makes a write the same write again.",
        "duplicates": "What the same record again leads to.",
        "retry": "How often an action is tried, and until when.",
        "freshness": "How old a value may be, and what follows when it is older.",
        "validation": "Until when the other side says whether it took it.",
        "receipt": "What must come back from whoever it was handed to.",
        "confirmations": "Who must have confirmed, and after which time each.",
        "case_above_minor": "A difference above this many minor units opens a case.",
        "degraded": "What goes on while a system is away, by system: its card.",
        "pause": "Whether it may be paused.",
        "replay": "Whether it may run again over what it has done.",
        "reconcile_after": "What is counted on both sides after a pause or a replay.",
        "stage": "Whether it is still watched closely.",
        "criteria": "What makes it stable; a person signs.",
        "failures": "The failure modes it can meet.",
    },
    "Deadline": {
        "obligation": "What is promised: acknowledge, ship, refund-confirmed …",
        "within": "A time on the clock, or `2 working-days`.",
        "working_days": "Filled in from `within`.",
        "starts": "From which state on it runs.",
        "source": "Whose rule it is.",
        "calendar": "Which days count. Needed when it is said in days.",
    },
    "Duplicates": {"same_content": "The same again.", "other_content": "The same record with other content."},
    "Retry": {
        "first": "The first wait.",
        "max": "The longest wait.",
        "window": "The last useful attempt; it leaves a person time before the deadline.",
        "jitter": "Waits differ, so that not everybody comes back at once.",
    },
    "Freshness": {
        "max_age": "How old it may be.",
        "measured_at": "Where it is looked at.",
        "then": "What follows when it is older.",
    },
    "Validation": {"answer_within": "Until when an answer must be there."},
    "Receipt": {"waits_for": "What proves that it is booked.", "within": "Until when."},
    "Storefront": {"continues": "What the storefront goes on doing.", "stops": "What it stops."},
    "Pause": {"allowed": "Whether.", "max": "For how long at most.", "owner": "Who answers for its end."},
    "FailureMode": {
        "flow": "The flow it belongs to, or `any`.",
        "kind": "They refused, or a machine is at fault; the two never share a list.",
        "owner": "The team whose it is.",
        "may": "The owner's verbs; the first is the button.",
        "actions": "Other levers, taken where they are.",
        "cause": "Why it happens.",
        "effect": "What it means for the business, before anything technical.",
        "within": "Working time of the owner until it should be decided.",
        "recovery": "What to do, step by step.",
        "escalate": "Who hears of it when; ends above the owner.",
        "corrects": "Who can mend it.",
        "requests": "Who may only ask.",
        "alert": "When the owner is told.",
        "one_case_per": "What is one case when many meet the same failure.",
        "when_missed": "The mode that takes over when its promise is broken.",
    },
    "Step": {"at": "The share of the window, in the owner's working time.", "to": "A team, or `owner`."},
    "Alert": {
        "measure": "What is counted.",
        "above": "More than this.",
        "for": "For this long; a case that is closed before tells nobody.",
        "where": alerting.words(),
    },
    "Question": {"ask": "The question.", "about": "Where in the plan the answer will stand.", "owner": "Who decides."},
    "Launch": {"rehearsals": "One line for each."},
    "Rehearsal": {
        "what": "What was rehearsed.",
        "flow": "Of which flow.",
        "on": "On which day.",
        "by": "By whom.",
        "note": "What was seen.",
    },
}  # fmt: skip

_READERS = {
    units.parse_duration: "duration",
    units.parse_rate: "percentage",
    units.parse_share: "share of 1% to 99%",
    entries._hours: "working hours",
    entries._currency: "ISO 4217 code",
    entries._template: "text with {names}",
    entries._actor: "actor",
    entries.one_or_list: "text, or list: text",
}
PARTIES_WORD = "party"


def parts() -> list[type[BaseModel]]:
    """Every kind of entry and group, the plan first, each before what stands in it."""
    found: dict[type[BaseModel], None] = {}
    _collect(Plan, found)
    return list(found)


def _collect(model: type[BaseModel], found: dict[type[BaseModel], None]) -> None:
    found[model] = None
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            if inner not in found:
                _collect(inner, found)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from _models(inner)


def keys(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The keys people write, with what the model knows of them."""
    for name, field in model.model_fields.items():
        if name not in FILLED_IN:
            yield field.alias or name, field


def rows(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    for key, field in keys(model):
        default = "needed" if field.is_required() else _default(field)
        yield f"`{key}`", _kind(field.annotation, field.metadata), default, MEANINGS[model.__name__][key]


def purpose(model: type[BaseModel]) -> str:
    """The model's docstring as one paragraph; empty where its keys say enough."""
    return " ".join((model.__doc__ or "").split())


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", (), {}):
        return ""
    return "as its keys" if isinstance(value, BaseModel) else f"`{_text(value)}`"


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return duration_text(value)
        case Enum():
            return str(value.value)
        case tuple():
            return f"[{', '.join(map(_text, value))}]"
        case _:
            return str(value)


def _kind(annotation: Any, metadata: Any = ()) -> str:
    """What may stand there, in words."""
    for mark in metadata:
        reader = getattr(mark, "func", None)
        if reader in _READERS:
            return _READERS[reader]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0], inner[1:])
    if origin is Literal:
        return PARTIES_WORD if inner == entries.PARTIES else " / ".join(str(one) for one in inner)
    if origin in (Union, UnionType):
        return " or ".join(_kind(one) for one in inner if one is not NoneType)
    if origin is tuple:
        return f"list: {_kind(inner[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"group by {_key(inner[0])}: {_kind(inner[1])}"
    return _plain(annotation)


def _key(annotation: Any) -> str:
    return " / ".join(get_args(annotation)) if get_origin(annotation) is Literal else "name"


def _plain(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " / ".join(str(one.value) for one in annotation)
    words = {str: "text", int: "whole number", bool: "true / false", date: "date"}
    return words[annotation]
