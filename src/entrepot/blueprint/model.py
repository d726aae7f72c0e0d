"""The plan the hub runs by: systems, accounts, teams, ownership, flows, failure modes. Frozen, typed, nothing unknown.

Every entry carries its own `name`. Secrets stay references (`env:NAME`, `file:/path`) until the moment of use: see
references.py.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeVar

from pydantic import Field, model_validator

from entrepot.blueprint.entries import (
    ANY_FLOW,
    OWNER,
    STANDARD_VALUES,
    VERBS,
    Currency,
    Duration,
    Entry,
    Latency,
    Party,
    Pattern,
    RatePer100k,
    Share,
    Sources,
    Template,
    Verb,
    Words,
    WorkingHours,
)
from entrepot.blueprint.hours import ALWAYS
from entrepot.blueprint.owning import IdentifierRule, Mapped, ObjectRule, OfferRule, PriceLimit, Requesting
from entrepot.kernel.errors import OurBug, WrongSetting
from entrepot.kernel.money import RATE_SCALE, Rounding

__all__ = [
    "ANY_FLOW", "MANUAL", "OWNER", "STANDARD_VALUES", "VERBS", "Account", "Capture", "Commission", "FailureMode", "Flow", "Party", "Plan", "System", "Team",
]  # fmt: skip

T = TypeVar("T")
MANUAL = "manual"  # the connector of a system that other software or people connect: nothing of ours calls it
WORKING_DAYS = re.compile(r"(\d{1,3}) working-days?", re.ASCII)


class System(Entry):
    """One installation of something we talk to."""

    name: str
    connector: Words
    party: Party
    environment: Literal["sandbox", "production"]
    timezone: str = "UTC"
    url: str = ""  # an address or a reference; empty: it only calls us
    key: str = ""  # short for credentials: {key: ...}
    credentials: Mapping[str, str] = {}

    @property
    def secrets(self) -> Mapping[str, str]:
        """Every credential by name, still as references."""
        return {**({"key": self.key} if self.key else {}), **self.credentials}


class Capture(StrEnum):
    """When the buyer is charged."""

    PER_LEG = "per-leg"
    WHEN_ALL_DECIDED = "when-all-decided"
    ON_SHIPMENT = "on-shipment"
    ON_DELIVERY = "on-delivery"
    ON_DUE_DATE = "on-due-date"
    NONE = "none"


class Commission(Entry):
    """The agreed rates: what the operator keeps of a sale. Units: whole numbers per 100,000."""

    default: RatePer100k
    categories: Mapping[str, RatePer100k] = {}
    tax: RatePer100k = 0
    base: Literal["item", "item+shipping"] = "item+shipping"
    rounding: Rounding = Rounding.HALF_EVEN
    currency: Currency = "EUR"
    returned_on_refund: bool = True

    def rate(self, category: str) -> int:
        return self.categories.get(category, self.default)


class PayoutRoute(Entry):
    """How sellers are paid: by a licensed provider, or by ourselves on a declared legal basis."""

    by: Literal["provider", "treasury", "bank-file"]
    licensed_provider: str = ""
    legal_basis: str = ""


class Account(Entry):
    """Our identity on a system: rate limits, cursors and money belong to it."""

    name: str
    system: str
    model: Literal["operator", "syndication"] | None = None
    capture: Capture = Capture.NONE
    currency: Currency = "EUR"
    also_sells_in: tuple[Currency, ...] = ()  # currencies of sellers abroad: shown as they are, held against no limit
    acceptance_window: Duration = timedelta(hours=48)
    payment_window: Duration = timedelta(hours=72)
    settle: Duration | None = None  # how late they may apply what we sent; none: as the connector's manifest says
    commission: Commission | None = None
    calendar: str | None = None  # working days of its deadlines
    price_limits: Mapping[str, PriceLimit] = {}  # by category; `*`: every other one
    offer_rules: Mapping[str, OfferRule] = {}  # by category; `*`: all, beside their own
    payout: PayoutRoute | None = None
    sweeps: Mapping[str, Duration] = {}  # safety checks by name, and how often
    backlog_max: int = Field(default=100_000, ge=1)
    obligations: Mapping[
        Literal["acknowledge", "ship", "cancelled"], Words
    ] = {}  # where this market's window is another
    buffer: int = Field(default=0, ge=0)  # pieces of an article that are never shown on this channel
    channel: str = ""  # whose columns count in a file that has one per channel: price[channel=FR]

    @property
    def settle_s(self) -> float | None:
        return self.settle.total_seconds() if self.settle is not None else None


class Calendar(Entry):
    """Working days: what `2 working-days` are counted in."""

    name: str
    hours: WorkingHours  # `Mon-Fri 00-24 Europe/Paris`: the days, and where midnight is
    holidays: tuple[date, ...] = ()


class SellerRule(Entry):
    """Defaults (`*`) and exceptions, by seller id. `contact`: how requests reach him, in this order."""

    name: str
    seller_model: Literal["marketplace", "dropship", "one-creditor"] = "marketplace"
    contact: tuple[Words, ...] = ()  # mirakl-thread, mail-digest, returned-file
    mail: str = ""  # a notify address or a reference, for mail-digest; empty: the one the marketplace names
    requests: Requesting = Requesting()


class FeedColumns(Entry):
    """A seller's words in ours, until somebody saves a version in the console."""

    columns: Mapping[str, Words] = {}
    values: Mapping[str, Mapping[str, str]] = {}
    defaults: Mapping[str, str] = {}
    decimal: Literal[".", ","] = "."
    expressions: Mapping[str, Words] = {}


class FeedRule(Entry):
    """How a seller's offer files reach us: a folder that is looked at, a key he may send them with, or both."""

    name: str
    account: str
    seller: Words  # `*`: any, for a key alone
    source: str = ""  # a folder: /path, sftp://host/path, s3://bucket/path; empty: he sends them
    pattern: Words = "*"
    every: Duration = timedelta(minutes=5)
    complete: bool = False  # a file holds everything he sells: what it lacks has ended
    mapping: FeedColumns | None = None
    key: str = ""  # a reference: who shows it may send files
    credentials: Mapping[str, str] = {}  # of the source


class Team(Entry):
    """People who own failures; hours and deputies make deadlines real."""

    name: str
    party: Party
    hours: WorkingHours = ALWAYS  # what may be left out here and below is asked for by the linter, in better words
    deputy: str | None = None
    on_call: str | None = None
    escalates_to: str | None = None  # none: the end of the line
    notify: tuple[Words, ...] = ()


class Deadline(Entry):
    """A promise of a flow. `within` is time on the clock; of `2 working-days` it is 48 h, and `working_days` counts them."""

    obligation: Words
    within: Duration
    working_days: int = Field(default=0, ge=0)
    starts: Words
    source: Words
    calendar: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_working_days(cls, data: Any) -> Any:
        found = WORKING_DAYS.fullmatch(str(data.get("within", ""))) if isinstance(data, Mapping) else None
        if found is None:
            return data
        return {**data, "within": f"{found[1]}d", "working_days": int(found[1])}


class Retry(Entry):
    """Our back-off, in business time; the window ends before the deadline."""

    first: Duration
    max: Duration
    window: Duration
    jitter: Literal["full"] = "full"


class Pause(Entry):
    allowed: bool
    max: Duration
    owner: str


class Storefront(Entry):
    continues: tuple[Words, ...] = ()
    stops: tuple[Words, ...] = ()


class Duplicates(Entry):
    same_content: Literal["ignore"] = "ignore"
    other_content: Literal["park", "update"] = "update"


class Freshness(Entry):
    max_age: Duration
    measured_at: Words
    then: Literal["stop-selling", "hold-last-known"]


class Receipt(Entry):
    """Handed to a middleware is not booked: what comes back when it is, and by when."""

    waits_for: Words
    within: Duration


class Validation(Entry):
    answer_within: Duration


class Flow(Entry):
    """One named business movement between systems."""

    name: str
    part_of: str | None = None
    object: Words
    sources: Sources = Field(alias="from")
    to: tuple[Words, ...]
    pattern: Pattern
    also: Pattern | None = None  # the safety check that heals missed events
    latency: Latency
    mode: Literal["observe", "advise", "act"] = "act"
    decider: Party | None = None
    actions: tuple[Words, ...] = ()  # levers besides the four verbs
    deadline: Deadline | None = None
    idempotency: tuple[Words, ...] = ()
    duplicates: Duplicates = Duplicates()
    retry: Retry
    freshness: Freshness | None = None
    validation: Validation | None = None
    receipt: Receipt | None = None
    confirmations: Mapping[Literal["marketplace", "gateway", "books"], Duration] = {}
    case_above_minor: int = Field(default=0, ge=0)  # a difference above this opens a case
    degraded: Mapping[str, Words | Storefront] = {}
    pause: Pause = Pause.model_validate({"allowed": False, "max": "0s", "owner": ""})
    replay: Literal["safe", "with-review", "never"] = "never"
    reconcile_after: tuple[Words, ...] = ()
    stage: Literal["hypercare", "stable"] = "hypercare"
    criteria: tuple[Words, ...] = ()  # when it is stable; a person signs
    failures: tuple[Words, ...] = ()

    @property
    def source(self) -> str:
        """Where it comes from, in one line for people."""
        return ", ".join(self.sources)


class Step(Entry):
    """Who hears of it when this share of the window, in the owner's working time, is used up."""

    at: Share
    to: str


class Alert(Entry):
    """When its owner is told: more than `above` of a measure, standing for `for`."""

    measure: Literal["open-cases", "money-at-risk", "obligations-at-risk"] = "open-cases"
    above: int = Field(default=0, ge=0)
    lasting: Duration = Field(default=timedelta(0), alias="for")
    where: str = ""


class FailureMode(Entry):
    """One way things fail: its owner, what it means for the business, what may be done. It is also its own runbook."""

    name: str
    flow: str
    kind: Literal["business", "system"]  # the two dead letters stay apart
    owner: str = ""
    may: tuple[Verb, ...] = ()  # the first one is the primary button
    actions: tuple[Words, ...] = ()
    cause: Template
    effect: Template
    within: Duration  # working time of the owner until it should be decided
    recovery: tuple[Words, ...] = ()
    escalate: tuple[Step, ...] = ()
    corrects: Party | None = None
    requests: tuple[Party, ...] = ()
    alert: Alert | None = None
    one_case_per: Literal["object", "seller", "account", "cause"] = (
        "object"  # the same failure of many objects: one case, counted
    )
    when_missed: str | None = None  # the mode that takes over when its promise is broken


class Question(Entry):
    """Something nobody owns yet, to be decided in the workshop."""

    name: str
    ask: Words
    about: Words
    owner: str


class Rehearsal(Entry):
    """What was tried before it was needed, on record."""

    what: Literal["rollback", "replay", "empty-and-pause", "restore"]
    flow: str
    on: date
    by: str
    note: str = ""


class Launch(Entry):
    rehearsals: tuple[Rehearsal, ...] = ()


class Plan(Entry):
    """One blueprint, whole. `hash` is of its content: comments and layout do not change it."""

    file: str
    hash: str
    systems: Mapping[str, System]
    accounts: Mapping[str, Account]
    sellers: Mapping[str, SellerRule]
    teams: Mapping[str, Team]
    flows: Mapping[str, Flow]
    failures: Mapping[str, FailureMode]
    calendars: Mapping[str, Calendar] = {}
    identifiers: Mapping[str, IdentifierRule] = {}
    ownership: Mapping[str, ObjectRule] = {}
    mappings: Mapping[str, Mapped] = {}
    feeds: Mapping[str, FeedRule] = {}
    questions: Mapping[str, Question] = {}
    launch: Launch = Launch()

    def system(self, name: str) -> System:
        return _find(self.systems, name, "system", self.file)

    def account(self, name: str) -> Account:
        return _find(self.accounts, name, "account", self.file)

    def team(self, name: str) -> Team:
        return _find(self.teams, name, "team", self.file)

    def flow(self, name: str) -> Flow:
        return _find(self.flows, name, "flow", self.file)

    def failure(self, mode: str) -> FailureMode:
        """Errors: OurBug: the loader has checked that every mode the code can open is in the file."""
        found = self.failures.get(mode)
        if found is None:
            raise OurBug(f"the code opens failure mode {mode}, but {self.file} has none of that name", mode=mode)
        return found

    def seller(self, seller_id: str) -> SellerRule:
        return self.sellers.get(seller_id) or self.sellers["*"]

    def system_of(self, account: str) -> System:
        return self.system(self.account(account).system)

    def only_observes(self, flow: str) -> bool:
        """Whether what this flow raises is a shadow: somebody else's connector still does the work."""
        found = self.flows.get(flow)
        return found is not None and found.mode == "observe"

    def steps(self, mode: str) -> list[tuple[int, str]]:
        """Escalation steps of a mode as (share in percent, team), in order, with `owner` resolved."""
        failure = self.failure(mode)
        return [(step.at, failure.owner if step.to == OWNER else step.to) for step in failure.escalate]

    @property
    def environment(self) -> str:
        """One environment per plan: the loader refuses a mixture."""
        return next((s.environment for s in self.systems.values()), "sandbox")


def _find(entries: Mapping[str, T], name: str, word: str, file: str) -> T:
    found = entries.get(name)
    if found is None:
        known = ", ".join(sorted(entries)) or "none"
        raise WrongSetting(f"{file} has no {word} “{name}”; it has: {known}", name=name)
    return found


def rate_text(rate_per_100k: int) -> str:
    """`12%`, `12.5%`: the way a rate is written in the file."""
    whole, rest = divmod(rate_per_100k, RATE_SCALE // 100)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".") + "%"
