"""A small land of offers: a plan that says who owns them, and a marketplace that shows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan, SellerRule
from entrepot.blueprint.owning import ObjectRule, PriceLimit
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx, Row
from entrepot.ownership import service
from entrepot.ownership.compile import RuleSet, compile_rules
from entrepot.ownership.hands import Person
from entrepot.ownership.model import Act, Allowed, Effective, Judged, Observed, Scope, TurnedAway, Value, Write
from entrepot.ownership.rules import scope_of

T = TypeVar("T")
MARKET = "mirakl-fr/operator"
SELLER, OPERATOR, ERP, PIM = "seller@mirakl-fr", "operator@mirakl-fr", "erp@sap", "pim@akeneo"

ANA, BEN = Person("Ana", "supplier-operations"), Person("Ben", "marketplace-lead")  # both of the operator
CARL = Person("Carl", "finance-operations")

OFFER: Mapping[str, Any] = {
    "source_of_truth": "seller",
    "create": ["seller"],
    "consume": ["commerce", "oms"],
    "exceptions": "supplier-operations",
    "holds_max": "14d",
    "overrides": {"max": "30d", "second_person_above_percent": 20},
    "reassert_per_day": 2,
    "fields": {
        "price": [
            {"where": {"seller_model": "dropship"}, "update": ["erp"], "override": ["operator"], "correct": ["erp"],
             "hold": ["operator"], "request": ["operator"]},
            {"update": ["seller"], "hold": ["operator"], "correct": ["seller"], "request": ["operator", "customer-care"]},
        ],
        "quantity": {"update": ["seller"], "hold": ["operator"], "correct": ["seller"]},
        "active": {"combine": "all-of", "update": ["seller", "operator", "marketplace"]},
        "category": {"update": ["seller"], "override": ["operator"], "correct": ["seller"], "request": ["operator"]},
        "title": {"update": ["pim", "seller"], "precedence": ["pim", "seller"], "override": ["operator"], "correct": ["seller"]},
        "*": {"update": ["seller"], "correct": ["seller"], "request": ["operator"]},
    },
}  # fmt: skip
LIMITS: Mapping[str, Mapping[str, str]] = {
    "TOYS": {"floor": "21.00", "ceiling": "500.00"},
    "BOOKS": {"floor": "5.00"},
    "*": {"floor": "1.00"},
}


@cache
def shipped() -> Plan:
    return load()


def plan_with(
    offer: Mapping[str, Any] = OFFER,
    limits: Mapping[str, Any] = LIMITS,
    sellers: Mapping[str, dict[str, Any]] | None = None,
) -> Plan:
    """The plan that ships, with this ownership of offers."""
    plan = shipped()
    bounds = {name: PriceLimit.model_validate(limit) for name, limit in limits.items()}
    account = plan.account(MARKET).model_copy(update={"price_limits": bounds})
    people: dict[str, dict[str, Any]] = {
        "*": {"contact": ["mirakl-thread", "mail-digest"]},
        "2002": {"seller_model": "dropship"},
        **(sellers or {}),
    }
    return plan.model_copy(
        update={
            "hash": "plan-1",
            "accounts": {**plan.accounts, MARKET: account},
            "sellers": {name: seller_rule(name, rule) for name, rule in people.items()},
            "ownership": {"offer": ObjectRule.model_validate({"name": "offer", **offer})},
        }
    )


def seller_rule(name: str, rule: Mapping[str, Any]) -> SellerRule:
    return SellerRule.model_validate({**rule, "name": name})


def fresh() -> dict[str, Value]:
    return {"price": 2500, "currency": "EUR", "quantity": 4, "category": "TOYS", "active": True}


@dataclass
class Land:
    """What a test does over and over: show an offer, look at it, move time."""

    ctx: Ctx
    clock: ManualClock
    plan: Plan
    rules: RuleSet = field(init=False)
    messages: int = 0

    def __post_init__(self) -> None:
        self.rules = compile_rules(self.plan)

    def later(self, **spans: float) -> None:
        self.clock.advance(timedelta(**spans).total_seconds())

    def seen(
        self,
        offer: str = "O-1",
        actor: str = SELLER,
        seller: str = "2001",
        at: datetime | None = None,
        all: Mapping[str, Value] | None = None,
        **values: Value,
    ) -> Observed:
        self.messages += 1
        scope = scope_of(self.rules, MARKET, seller)
        source = f"offer export of {self.clock.now():%H:%M}, row {self.messages}"
        return Observed(
            "offer",
            offer,
            actor,
            scope,
            {**(all or {}), **values},
            at or self.clock.now(),
            f"msg-{self.messages}",
            source,
        )

    def observe(self, *observed: Observed) -> Judged:
        with self.ctx.db.transaction() as conn:
            return service.observe(conn, self.ctx, self.plan, self.rules, observed)

    def shows(
        self,
        offer: str = "O-1",
        actor: str = SELLER,
        seller: str = "2001",
        at: datetime | None = None,
        all: Mapping[str, Value] | None = None,
        **values: Value,
    ) -> Judged:
        """The marketplace shows an offer, a minute after whatever it showed before."""
        self.later(minutes=1)
        return self.observe(self.seen(offer, actor, seller, at, all, **values))

    def known(self, offer: str = "O-1", **values: Value) -> None:
        """An offer in good order."""
        judged = self.shows(offer, all={**fresh(), **values})
        assert not judged.turned_away

    def write(self, *writes: Write, channel: str = "feed") -> list[Allowed | TurnedAway]:
        self.later(minutes=1)
        with self.ctx.db.transaction() as conn:
            return service.write_before(conn, self.ctx, self.plan, self.rules, writes, channel, "msg-feed")

    def expire(self) -> Judged:
        with self.ctx.db.transaction() as conn:
            return service.expire(conn, self.ctx, self.plan, self.rules)

    def offer(self, offer: str = "O-1") -> Effective:
        with self.ctx.db.transaction() as conn:
            return service.effective(conn, MARKET, "offer", [offer])[offer]

    def pull(self, lever: Callable[..., T], *what: Any, **how: Any) -> T:
        """A person pulls a lever; `until` may be a length of time."""
        with self.ctx.db.transaction() as conn:
            return lever(conn, self.ctx, self.plan, self.rules, *what, **how)

    def until(self, **spans: float) -> datetime:
        return self.clock.now() + timedelta(**spans)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql, values).fetchall()

    def key(self, offer: str = "O-1") -> tuple[str, str, str]:
        return (MARKET, "offer", offer)


def scope(seller: str = "2001", model: str = "marketplace", category: str = "TOYS") -> Scope:
    return Scope(MARKET, seller, model, category)


def wants(
    field: str, value: Value, actor: str = SELLER, act: Act = Act.UPDATE, offer: str = "O-1", seller: str = "2001"
) -> Write:
    return Write(
        "offer",
        offer,
        field,
        act,
        actor,
        value,
        Scope(MARKET, seller, "dropship" if seller == "2002" else "marketplace"),
    )
