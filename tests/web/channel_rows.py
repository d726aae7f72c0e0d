"""One day of a company that sells on three channels, as database rows."""

from datetime import datetime
from functools import cache
from typing import Any

from psycopg.types.json import Jsonb
from web.console_rows import PLAN, Day

from entrepot.blueprint.model import Account, Plan, System
from entrepot.blueprint.templates import files_of
from entrepot.change.source import source_of
from entrepot.kernel.ctx import Conn

AMAZON, WALMART, EBAY = "amazon-de/main", "walmart-us/main", "ebay-de/main"
CHANNELS = {
    AMAZON: ("amazon", "EUR", "Europe/Berlin"),
    WALMART: ("walmart", "USD", "America/New_York"),
    EBAY: ("ebay", "EUR", "Europe/Berlin"),
}
MARKET = {AMAZON: "A1PA6795UKMFR9", WALMART: "US", EBAY: "EBAY_DE"}
ORDER_ID = {AMAZON: "302-1112223-{n:07}", WALMART: "18157914{n:05}", EBAY: "27-11223-{n:05}"}


def called(account: str, n: int) -> str:
    """What our own ids of its order end in."""
    return f"{account.partition('/')[0]}-{n}"


@cache
def selling_plan() -> Plan:
    """The shipped plan of both models, selling on these three channels and on no other."""
    return with_channels(source_of(files_of("both")).plan)


def with_channels(plan: Plan) -> Plan:
    kept = {name: one for name, one in plan.accounts.items() if one.model != "syndication"}
    systems, accounts = dict(plan.systems), dict(kept)
    for name, (connector, currency, zone) in CHANNELS.items():
        system = name.partition("/")[0]
        systems[system] = System.model_validate(
            {"name": system, "connector": connector, "party": "marketplace", "environment": "sandbox", "timezone": zone}
        )
        accounts[name] = Account.model_validate(
            {"name": name, "system": system, "model": "syndication", "currency": currency, "buffer": 2}
        )
    return plan.model_copy(update={"systems": systems, "accounts": accounts})


class SellingDay(Day):
    """Writes rows of the seller's side with the fields a test names and plain values for the rest."""

    def __init__(self, conn: Conn, now: datetime) -> None:
        super().__init__(conn, now)
        for name in ("order-intake", "fulfilment-confirm", "listing-offer", "cancel-return-refund"):
            conn.execute("INSERT INTO flow (name, changed_at) VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, now))

    def order(self, n: int, account: str = AMAZON, state: str = "to-ship", sku: str = "", **more: Any) -> str:
        """One order of one line; returns the leg's id."""
        order_id = ORDER_ID[account].format(n=n)
        name, currency = called(account, n), CHANNELS[account][1]
        common = {"account": account, "currency": currency, "ordered_minor": 1000 + 100 * n}
        self.add(
            "basket",
            id=f"bas_{name}",
            commercial_id=order_id,
            state="open",
            placed_at=self.ago(hours=n),
            source="marketplace",
            **common,
        )
        leg = {
            "id": f"leg_{name}", "basket_id": f"bas_{name}", "order_id": order_id, "seller_id": "us", "state": state, "their_state": "Unshipped",
            "created_at": self.ago(hours=n), "ship_due_at": self.ahead(hours=n), "market": MARKET[account], **common,
        }  # fmt: skip
        self.add("leg", **(leg | more))
        line = {
            "quantity": 2,
            "price_minor": common["ordered_minor"],
            "shipping_minor": 0,
            "accepted_qty": 2,
            "their_state": "Unshipped",
        }
        self.add(
            "line",
            id=f"line_{name}",
            leg_id=f"leg_{name}",
            order_line_id=f"{n}-1",
            sku=sku or f"LAMP-{n}",
            title="Floor lamp",
            **line,
        )
        for scheme, object_, id_ in (("commercial_id", "basket", f"bas_{name}"), ("order_id", "leg", f"leg_{name}")):
            self.add("identifier", scheme=scheme, value=order_id, account=account, object=object_, object_id=id_)
        return f"leg_{name}"

    def owes(self, n: int, kind: str, account: str = AMAZON, **more: Any) -> None:
        """An obligation of an order of this day; of its line when `object` says so."""
        object_ = more.get("object", "leg")
        values = {
            "kind": kind, "account": account, "object": object_, "object_id": f"{object_}_{called(account, n)}", "flow": "order-intake",
            "name": ORDER_ID[account].format(n=n), "root": f"basket:{ORDER_ID[account].format(n=n)}", "owner": "order-desk", "mode": "channel-ship-late",
            "money_minor": 1000 + 100 * n, "currency": CHANNELS[account][1],
        }  # fmt: skip
        self.promise(f"obl_{called(account, n)}_{kind}_{object_}", **(values | more))

    def parcel(self, n: int, account: str = AMAZON, number: str = "1", **more: Any) -> None:
        values = {
            "id": f"prc_{called(account, n)}-{number}", "leg_id": f"leg_{called(account, n)}", "number": number, "carrier": "DHL", "tracking": f"JJD{n:06}{number}",
            "lines": {f"{n}-1": 2}, "shipped_at": self.ago(hours=n), "plan_hash": PLAN,
        }  # fmt: skip
        self.add("parcel", **(values | more))

    def listing(self, sku: str, account: str = AMAZON, state: str = "live", **more: Any) -> None:
        """As wanted, unless the test says otherwise."""
        values = {
            "account": account, "sku": sku, "state": state, "their_state": state.upper(), "their_id": f"B0{sku}", "currency": CHANNELS[account][1],
            "product_type": "LAMP", "shown_price_minor": 4990, "shown_quantity": 7, "wanted_price_minor": 4990, "wanted_quantity": 7, "price_version": 3,
            "stock_version": 9, "price_told": 3, "stock_told": 9, "price_told_at": self.ago(hours=3), "stock_told_at": self.ago(minutes=20),
            "changed_at": self.ago(minutes=15), "seen_at": self.ago(minutes=14), "plan_hash": PLAN, "issues": [],
        }  # fmt: skip
        values |= more
        self.add("listing", **{**values, "issues": Jsonb(values["issues"])})

    def submission(
        self, number: str, effect_key: str, account: str = AMAZON, state: str = "taken", **more: Any
    ) -> None:
        values = {
            "account": account, "submission_id": number, "operation": "amazon.set-price", "effect_key": effect_key, "state": state,
            "their_state": "IN_QUEUE", "taken_at": self.ago(minutes=30), "plan_hash": PLAN,
        }  # fmt: skip
        self.add("submission", **(values | more))

    def item(self, number: str, key: str, account: str = AMAZON, **more: Any) -> None:
        self.add(
            "submission_item", **({"account": account, "submission_id": number, "key": key, "accepted": True} | more)
        )

    def planned(
        self,
        row_id: str,
        key: str,
        operation: str,
        root: str,
        payload: dict[str, Any],
        account: str = AMAZON,
        **more: Any,
    ) -> None:
        values = {
            "key": key,
            "account": account,
            "operation": operation,
            "root": root,
            "payload": payload,
            "attempts": 1,
            "flow": "listing-offer",
        }
        self.effect(row_id, "planned", **(values | more))

    def refund(self, n: int, account: str = AMAZON, **more: Any) -> None:
        values = {
            "account": account, "refund_id": f"RF-{n}", "leg_id": f"leg_{called(account, n)}", "amount_minor": 500, "currency": CHANNELS[account][1],
            "by": "channel", "reason": "Item not as described", "refunded_at": self.ago(hours=n), "plan_hash": PLAN,
        }  # fmt: skip
        self.add("channel_refund", **(values | more))

    def dispute(self, n: int, account: str = EBAY, **more: Any) -> None:
        values = {
            "id": f"dsp_{n}", "account": account, "dispute_id": f"50{n:05}", "leg_id": f"leg_{called(account, n)}", "order_id": ORDER_ID[account].format(n=n),
            "kind": "chargeback", "state": "action-needed", "their_state": "ACTION_NEEDED", "reason": "Item not received", "amount_minor": 4990,
            "currency": CHANNELS[account][1], "revision": "2", "respond_by": self.ahead(days=n), "opened_at": self.ago(days=2),
            "changed_at": self.ago(days=1), "plan_hash": PLAN,
        }  # fmt: skip
        self.add("dispute", **(values | more))

    def dispute_case(self, number: int, n: int, account: str = EBAY, **more: Any) -> None:
        name = f"50{n:05}"
        values: dict[str, Any] = {
            "mode": "channel-chargeback-opened", "account": account, "object": "dispute", "object_id": f"{account}:{name}", "owner": "dispute-desk",
            "title": f"A buyer disputes: dispute {name}", "cause_text": f"a buyer disputes order {ORDER_ID[account].format(n=n)}: Item not received",
            "effect_text": "49.90 EUR are held back until the channel decides.", "money_minor": 4990, "flow": "cancel-return-refund",
            "root": f"basket:{ORDER_ID[account].format(n=n)}",
        }  # fmt: skip
        self.case(number, **(values | more))

    def health(self, measure: str, rate: float, account: str = AMAZON, **more: Any) -> None:
        values = {"account": account, "measure": measure, "their_name": measure.replace("-", " ").capitalize(), "rate": rate, "above": True,
                  "measured_at": self.ago(hours=5)}  # fmt: skip
        self.add("account_health", **(values | more))

    def check(self, name: str, account: str = AMAZON, **more: Any) -> None:
        values = {
            "account": account,
            "name": name,
            "flow": "order-intake",
            "every_s": 300,
            "next_at": self.ahead(minutes=3),
            "ran_at": self.ago(minutes=2),
        }
        self.add("periodic", **(values | more))

    def pool(self, sku: str, location: str = "Hamburg", quantity: int = 12, **more: Any) -> None:
        values = {
            "sku": sku,
            "location": location,
            "quantity": quantity,
            "version": 41,
            "changed_at": self.ago(minutes=40),
            "seen_at": self.ago(minutes=39),
        }
        self.add("stock_pool", **(values | more))

    def reserved(self, n: int, sku: str, account: str = AMAZON, quantity: int = 2, **more: Any) -> None:
        values = {
            "line_id": f"line_{called(account, n)}",
            "leg_id": f"leg_{called(account, n)}",
            "sku": sku,
            "quantity": quantity,
            "made_at": self.ago(hours=n),
        }
        self.add("stock_reservation", **(values | more))

    def price(self, sku: str, channel: str = "*", minor: int = 4990, **more: Any) -> None:
        values = {
            "sku": sku,
            "channel": channel,
            "price_minor": minor,
            "currency": "EUR",
            "version": 3,
            "changed_at": self.ago(hours=4),
        }
        self.add("price_told_us", **(values | more))

    def whole(self) -> "SellingDay":
        """Everything a page can show, on one busy channel and two quieter ones."""
        self._orders()
        self._listings()
        self._after_the_sale()
        for measure, rate, limit, above in (("late-shipments", 0.034, 0.04, True), ("cancellations", 0.031, 0.025, True),
                                            ("defects", 0.002, 0.01, True), ("valid-tracking", 0.991, 0.95, False)):  # fmt: skip
            self.health(measure, rate, limit_rate=limit, above=above, standing="AT_RISK")
        self.health("on-time-delivery", 0.97, WALMART, limit_rate=0.9, above=False, standing="GOOD")
        for account in CHANNELS:
            self.check("sweep-orders", account)
            self.check("sweep-listings", account, ran_at=self.ago(minutes=50))
        self.check("sweep-submissions", failures=3, last_error="429 Too Many Requests")
        self.check("sweep-statements", ran_at=None)
        return self

    def _orders(self) -> None:
        for n, due in ((1, {"minutes": -20}), (2, {"minutes": 70}), (3, {"hours": 9}), (4, {"days": 2})):
            self.order(n, handed_at=self.ago(hours=n), document_number=f"SO-10{n}", sku="LAMP-1" if n == 1 else "")
            self.owes(n, "ship", due_at=self.ahead(**due), state="warned" if n < 3 else "due")
            self.owes(n, "cancelled-by-channel", due_at=self.ahead(days=7 + n))
        self.order(1, WALMART, "awaiting-acceptance", sku="LAMP-1", their_state="Created")
        self.owes(1, "acknowledge", WALMART, due_at=self.ahead(hours=3))
        self.owes(1, "ship", WALMART, object="line", due_at=self.ahead(days=1))
        self.parcel(1)
        self.parcel(1, number="2", refused="Carrier code not known")
        self.parcel(2, confirmed_at=self.ago(minutes=5))
        payload = {"order_id": ORDER_ID[AMAZON].format(n=1), "parcel": "2"}
        self.planned(
            "eff_ship",
            f"ship:{AMAZON}:{payload['order_id']}:2",
            "amazon.ship",
            f"basket:{payload['order_id']}",
            payload,
            flow="fulfilment-confirm",
        )
        self.case(1201, "channel-tracking-refused", title="Tracking refused: effect eff_ship", account=AMAZON, object="effect", object_id="eff_ship", effect_id="eff_ship", owner="order-desk",
                  root=f"basket:{payload['order_id']}", cause_text="parcel 2: Carrier code not known", effect_text="The buyer sees no parcel.", money_minor=1100)  # fmt: skip

    def _listings(self) -> None:
        missing = {
            "code": "90220",
            "message": "“Energy efficiency class” is required but missing.",
            "attribute": "energy_class",
            "severity": "error",
        }
        self.listing("LAMP-1", shown_price_minor=5290, shown_quantity=9)
        self.listing("LAMP-1", WALMART, shown_quantity=7)
        self.listing(
            "LAMP-2",
            state="issue",
            issues=[missing, missing | {"code": "99022", "severity": "warning", "message": "Image is small."}],
        )
        self.listing("LAMP-3", state="suppressed", their_state="NOT_BUYABLE")
        self.listing("LAMP/4 ½", stock_version=10, wanted_quantity=0)
        self.listing("LAMP-5", state="submitted", shown_price_minor=None, shown_quantity=None, seen_at=None)
        for n in range(6, 30):
            self.listing(f"LAMP-{n}")
        self.price("LAMP-1", AMAZON, minor=4990)
        self.price("LAMP-1", minor=5490)
        self.pool("LAMP-1")
        self.pool("LAMP-1", "Rotterdam", 3)
        self.reserved(1, "LAMP-1")
        self.reserved(1, "LAMP-1", WALMART, ended_at=self.ago(minutes=10), shipped=True)
        self.reserved(2, "LAMP-1", ended_at=self.ago(minutes=30))
        self.planned(
            "eff_price",
            f"price:{AMAZON}:LAMP-1:3",
            "amazon.set-price",
            "listing:LAMP-1",
            {"sku": "LAMP-1", "price_minor": 4990},
        )
        self.planned(
            "eff_old",
            f"price:{AMAZON}:LAMP-1:2",
            "amazon.set-price",
            "listing:LAMP-1",
            {"sku": "LAMP-1", "price_minor": 4790},
        )
        self.submission("FEED-501", f"price:{AMAZON}:LAMP-1:3")
        self.submission(
            "FEED-500",
            f"price:{AMAZON}:LAMP-1:2",
            state="done",
            their_state="DONE",
            items=1,
            rejected=1,
            taken_at=self.ago(hours=4),
            ended_at=self.ago(hours=3),
        )
        self.item(
            "FEED-500",
            "LAMP-1",
            accepted=False,
            code="8541",
            message="The price differs too much from the reference.",
            attribute="purchasable_offer",
        )
        self.case(1202, "channel-offer-rejected", title=f"Offer rejected: listing {AMAZON}/LAMP-1", account=AMAZON, object="listing", object_id=f"{AMAZON}/LAMP-1", root="listing:LAMP-1", owner="supplier-operations",
                  cause_text="LAMP-1: the price differs too much", effect_text="LAMP-1 sells at the old price.", money_minor=0, flow="listing-offer")  # fmt: skip

    def _after_the_sale(self) -> None:
        self.refund(2)
        self.refund(3, booked_at=self.ago(hours=1), document_number="CN-77", by="seller")
        self.promise("obl_refund", kind="refund-confirmed", account=AMAZON, object="channel-refund", object_id=f"{AMAZON}:RF-2", due_at=self.ahead(hours=3),
                     flow="cancel-return-refund", name="RF-2", mode="channel-refund-unconfirmed", root="basket:x", money_minor=500)  # fmt: skip
        for n in (3, 1):
            self.order(n, EBAY, "shipped", shipped_at=self.ago(days=3), their_state="FULFILLED")
            self.dispute(n)
        self.dispute_case(1203, 1)
