"""Where we are the seller: whose price and stock it is, what people hold or lay over it, and that the owner's value comes back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cases.desk import Unfenced
from plan_text import changed_plan
from web.knocking import Unheard

from entrepot.app import Hub, build, connect_all
from entrepot.blueprint.model import Plan
from entrepot.cli.explain_pages import page
from entrepot.cli.output import Plain
from entrepot.flows.stock_events import Kept, keep_each
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.ownership.explain import explained
from entrepot.ownership.service import NotYours, Person
from entrepot.proof.house import HUB_URL, AtOnce
from entrepot.proof.plans import plan_of
from entrepot.proof.world import InProcess, environment_of
from entrepot.trade.listing.model import ListingSeen
from entrepot.trade.listing.states import ListingState
from entrepot.trade.listing.store import keep_seen
from entrepot.trade.stock.events import PriceTold, StockTold, Told, batch

EBAY, AMAZON = "ebay-de/main", "amazon-de/main"
DOOR = "backoffice/main"
LEA = Person("Lea", "supplier-operations")
OF_PRICES = "price: {update: [erp], hold: [seller], override: [seller], correct: [erp], request: [seller, finance]}"
TO_THE_PIM = (OF_PRICES, OF_PRICES.replace("[erp]", "[pim]"))
SECOND_DOOR = """  pim-feed:
    connector: backoffice
    party: {party}
    environment: sandbox
    timezone: Europe/Berlin
    url: env:ENTREPOT_BACKOFFICE_URL
    credentials: {{key: env:ENTREPOT_BACKOFFICE_KEY, webhook_secret: env:ENTREPOT_BACKOFFICE_WEBHOOK_SECRET}}
  supplier-edi:"""
SECOND_ACCOUNT = "  pim-feed/main: {system: pim-feed, currency: EUR}\n  supplier-edi/main:"


@dataclass
class Company:
    """A hub that sells lamps on two channels; the back office tells, people pull levers, and lanes do the rest."""

    hub: Hub
    clock: ManualClock

    @property
    def ctx(self) -> Ctx:
        return self.hub.ctx

    def lists(self, *accounts: str) -> None:
        for account in accounts:
            seen = ListingSeen("LAMP", ListingState.LIVE, "live", self.ctx.clock.now(), currency="EUR")
            with self.ctx.db.transaction() as conn:
                keep_seen(conn, self.ctx, account, [seen])

    def tells(self, *told: Told, door: str = DOOR) -> Kept:
        [kept] = keep_each(self.ctx, self.hub.listings.offers.tellers, [replace(batch(told), account=door)])
        self.looks()
        return kept

    def looks(self) -> None:
        self.hub.listings.drain(self.ctx, Unfenced())  # type: ignore[arg-type]

    def passes(self, **time: float) -> None:
        """Time goes by; what is over ends by itself."""
        self.clock.advance(timedelta(**time).total_seconds())
        self.hub.offer_lane.drain(self.ctx, replace_account(Unfenced(), EBAY))  # type: ignore[arg-type]
        self.looks()

    def shows(self, account: str = EBAY) -> tuple[int | None, int | None]:
        """Price and pieces the channel is to show."""
        [row] = self.rows(f"SELECT wanted_price_minor, wanted_quantity FROM listing WHERE account = '{account}'")
        return row["wanted_price_minor"], row["wanted_quantity"]

    def sends(self, operation: str) -> list[Any]:
        rows = self.rows(f"SELECT payload FROM effect WHERE operation = '{operation}' ORDER BY seq")
        return [row["payload"] for row in rows]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql).fetchall()


def replace_account(lease: Unfenced, account: str) -> Unfenced:
    lease.account = account  # type: ignore[attr-defined]
    return lease


@pytest.fixture
def company(ctx: Ctx, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Company]:
    for name, value in environment_of("syndication", InProcess.URLS, HUB_URL, "/nowhere", "json://localhost").items():
        monkeypatch.setenv(name, value)

    def opened(plan: Plan | None = None) -> Company:
        plan = plan or plan_of("syndication")
        hub = build(ctx, plan, connect_all(plan), notifier=Unheard(), senders=AtOnce())
        hub.prepare()
        return Company(hub, clock)

    return opened


def second_door(party: str) -> list[tuple[str, str]]:
    """Another system tells of stock and prices beside the back office."""
    return [("  supplier-edi:", SECOND_DOOR.format(party=party)), ("  supplier-edi/main:", SECOND_ACCOUNT)]


def price(minor: int, version: int, channel: str = "*") -> PriceTold:
    return PriceTold("LAMP", channel, minor, "EUR", version, datetime.fromisoformat("2026-03-02T07:00:00Z"))


def stock(pieces: int, version: int, location: str = "HAM", at: str = "2026-03-02T08:00:00Z") -> StockTold:
    return StockTold("LAMP", location, pieces, version, datetime.fromisoformat(at))


def test_a_price_the_plan_gives_to_another_is_refused_recorded_and_a_case_with_an_owner(
    company: Callable[..., Company], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ERP's old job still writes prices; by the plan they are the PIM's now."""
    house = company(changed_plan("syndication", tmp_path, {"ownership.yaml": [TO_THE_PIM]}))
    house.lists(EBAY, AMAZON)
    kept = house.tells(price(999, 1), stock(9, 1))
    assert (kept.applied, kept.refused) == (1, 1)
    [why] = kept.refused_because
    assert (
        "erp@backoffice may not update the price of an offer; pim may" in why
        and "ownership.offer.fields.price[0]" in why
    )
    assert house.rows("SELECT * FROM price_told_us") == [] and house.shows()[0] is None
    assert house.sends("ebay.set-price") == []
    refused = house.rows(
        "SELECT account, object_id, field, value, actor, why, count FROM refused_write ORDER BY account"
    )
    assert [row.pop("account") for row in refused] == [AMAZON, EBAY]
    assert refused == [{"object_id": "LAMP", "field": "price", "value": 999, "actor": "erp@backoffice", "why": "not-owner", "count": 1}] * 2  # fmt: skip
    cases = house.rows("SELECT mode, owner, flow, members FROM case_file ORDER BY number")
    assert cases == [{"mode": "ownership-refused", "owner": "commerce-architect", "flow": "listing-offer", "members": 1}] * 2  # fmt: skip
    house.tells(price(999, 2))
    assert [row["count"] for row in house.rows("SELECT count FROM refused_write")] == [2, 2]
    with house.ctx.db.transaction() as conn:
        told = explained(conn, house.hub.parts.owners.rules, EBAY, "offer", "LAMP", "price")
    assert told is not None and told.value is None and told.rule_words.startswith("pim sets it")
    page(Plain(), told, house.ctx.clock.now(), "ownership.yaml:52:14")
    said = capsys.readouterr().out
    assert "Refused: 9.99 EUR by erp@backoffice, told by backoffice, version 1, 2 times: erp@backoffice may not" in said
    [row] = told.refused
    assert (row["source"], row["rule"]) == ("told by backoffice, version 1", "ownership.offer.fields.price[0]")


def test_the_owners_price_counts_and_ends_what_was_refused(company: Callable[..., Company], tmp_path: Path) -> None:
    plan = changed_plan("syndication", tmp_path, {"ownership.yaml": [TO_THE_PIM], "systems.yaml": second_door("pim")})
    house = company(plan)
    house.lists(EBAY)
    assert house.tells(price(999, 50)).refused == 1
    assert house.tells(price(1_099, 1), door="pim-feed/main").applied == 1
    assert house.shows()[0] == 1_099 and len(house.sends("ebay.set-price")) == 1
    assert house.rows("SELECT ended_why FROM refused_write") == [{"ended_why": "the corrected value arrived"}]
    assert house.rows("SELECT 1 FROM case_file WHERE resolved_at IS NULL") == []
    assert house.tells(price(899, 51)).refused == 1 and house.shows()[0] == 1_099
    [value] = house.rows("SELECT value, actor, source FROM owned_value WHERE field = 'price'")
    assert value == {"value": 1_099, "actor": "pim@pim-feed", "source": "told by pim-feed, version 1"}


def test_an_override_counts_until_it_ends_and_the_owners_last_price_goes_out_by_itself(
    company: Callable[..., Company],
) -> None:
    house = company()
    house.lists(EBAY, AMAZON)
    house.tells(price(1_000, 1))
    until = house.ctx.clock.now() + timedelta(hours=2)
    desk = house.hub.offer_desk
    desk.override(house.ctx, EBAY, "LAMP", "price", 900, by=LEA, reason="a campaign of this channel", until=until)
    house.looks()
    assert (house.shows(EBAY)[0], house.shows(AMAZON)[0]) == (900, 1_000)
    house.tells(price(1_050, 2))
    assert (house.shows(EBAY)[0], house.shows(AMAZON)[0]) == (900, 1_050)
    house.passes(hours=3)
    assert house.shows(EBAY)[0] == 1_050
    assert [one["price_minor"] for one in house.sends("ebay.set-price")] == [1_000, 900, 1_050]


def test_a_hold_stops_the_sale_on_its_channel_alone_and_the_value_stays_untouched(
    company: Callable[..., Company],
) -> None:
    house = company()
    house.lists(EBAY, AMAZON)
    house.tells(price(1_000, 1), stock(9, 1))
    before = house.shows(EBAY)
    until = house.ctx.clock.now() + timedelta(minutes=20)
    pulled = house.hub.offer_desk.hold(house.ctx, EBAY, "LAMP", "price", by=LEA, reason="a typing error?", until=until)
    house.looks()
    assert house.shows(EBAY) == (1_000, 0) and house.shows(AMAZON)[1] == 7
    house.hub.offer_desk.release(house.ctx, pulled.id, by=LEA, reason="it is right")
    house.looks()
    assert house.shows(EBAY) == before
    with pytest.raises(NotYours, match="seller may"):
        house.hub.offer_desk.hold(
            house.ctx, EBAY, "LAMP", "price", by=Person("Ken", "finance-operations"), reason="no", until=until
        )


def test_stock_is_the_word_of_those_the_plan_names_and_the_first_of_them_comes_first(
    company: Callable[..., Company], tmp_path: Path
) -> None:
    house = company(changed_plan("syndication", tmp_path, {"systems.yaml": second_door("supplier")}))
    house.lists(EBAY)
    supplier = "pim-feed/main"
    assert house.tells(stock(4, 1), door=DOOR).applied == 1
    assert house.tells(stock(6, 1, "THEIRS"), door=supplier).applied == 1  # of his own warehouse
    kept = house.tells(stock(90, 9), door=supplier)
    assert (kept.refused, kept.refused_because) == (1, ("oms@backoffice comes before supplier@pim-feed there",))
    assert house.tells(stock(5, 1), door=supplier).refused == 1 and house.tells(stock(5, 1)).stale == 1
    pool = house.rows("SELECT location, quantity, told_by FROM stock_pool ORDER BY location")
    assert [tuple(row.values()) for row in pool] == [("HAM", 4, "oms@backoffice"), ("THEIRS", 6, "supplier@pim-feed")]
