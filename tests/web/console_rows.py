"""One small business day as database rows: what each page of the console must be able to show."""

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from entrepot.kernel.ctx import Conn
from entrepot.store.bulk import insert_rows

ACCOUNT, GATEWAY, PLAN = "mirakl-fr/operator", "gateway/main", "test"
ORDER_BODY = b'{"order_id": "C-1-A", "order_state": "ON_ICE", "total_price": 25.0}'
EARLIER_BODY = b'{"order_id": "C-1-A", "order_state": "SHIPPING", "total_price": 25.0}'


class Day:
    """Writes rows with the fields a test names and plain values for the rest."""

    def __init__(self, conn: Conn, now: datetime) -> None:
        self.conn, self.now = conn, now

    def add(self, table: str, **values: Any) -> None:
        insert_rows(self.conn, table, [{name: Jsonb(v) if isinstance(v, dict) else v for name, v in values.items()}])

    def ago(self, **span: float) -> datetime:
        return self.now - timedelta(**span)

    def ahead(self, **span: float) -> datetime:
        return self.now + timedelta(**span)

    def basket(self, number: int = 1, **more: Any) -> None:
        values = {
            "id": f"bas_{number}", "account": ACCOUNT, "commercial_id": f"C-{number}", "state": "open", "currency": "EUR",
            "ordered_minor": 5000, "authorisation_id": f"auth_{number}", "authorisation_expires_at": self.ahead(days=5),
            "authorised_minor": 5000, "captured_minor": 2500, "released_minor": 0, "refunded_minor": 0,
            "placed_at": self.ago(hours=number), "source": "storefront",
        }  # fmt: skip
        self.add("basket", **(values | more))
        self.add(
            "identifier",
            scheme="commercial_id",
            value=f"C-{number}",
            account=ACCOUNT,
            object="basket",
            object_id=f"bas_{number}",
        )

    def leg(self, letter: str, state: str, basket: int = 1, **more: Any) -> None:
        order_id = f"C-{basket}-{letter}"
        values = {
            "id": f"leg_{order_id}", "basket_id": f"bas_{basket}", "account": ACCOUNT, "order_id": order_id, "seller_id": f"20{letter}",
            "seller_name": f"Seller {letter}", "state": state, "their_state": state.upper().replace("-", "_"), "currency": "EUR",
            "ordered_minor": 2500, "created_at": self.ago(hours=basket), "acceptance_due_at": self.ahead(hours=10),
        }  # fmt: skip
        self.add("leg", **(values | more))
        self.add(
            "identifier",
            scheme="mirakl_order_id",
            value=order_id,
            account=ACCOUNT,
            object="leg",
            object_id=f"leg_{order_id}",
        )
        self.add(
            "line", id=f"line_{order_id}", leg_id=f"leg_{order_id}", order_line_id=f"{order_id}-1", sku=f"SKU-{letter}", title="Floor lamp",
            quantity=2, price_minor=2000, shipping_minor=500, commission_minor=300, commission_tax_minor=60, their_state="SHIPPING",
        )  # fmt: skip

    def message(self, row_id: str = "msg_1", body: bytes = ORDER_BODY, state: str = "parked", **more: Any) -> None:
        self.add(
            "envelope",
            id=f"env_{row_id}",
            account=ACCOUNT,
            channel="webhook",
            route="/hooks/mirakl-fr",
            headers={"content-type": "application/json"},
            body=b"[" + body + b"]",
            digest=row_id,
            received_at=self.ago(hours=1),
            machine_at=self.now,
            plan_hash=PLAN,
        )
        values = {
            "id": row_id, "envelope_id": f"env_{row_id}", "account": ACCOUNT, "kind": "order", "external_id": "C-1-A", "digest": row_id,
            "root": "basket:C-1", "flow": "order-acceptance", "body": body, "state": state, "due_at": self.ago(hours=1),
            "received_at": self.ago(hours=1), "note": "Unknown word", "plan_hash": PLAN,
        }  # fmt: skip
        self.add("message", **(values | more))

    def effect(self, row_id: str = "eff_1", state: str = "parked", **more: Any) -> None:
        values = {
            "id": row_id, "key": f"capture:C-1:{row_id}", "account": GATEWAY, "operation": "gateway.capture", "root": "basket:C-1",
            "flow": "order-acceptance", "payload": {"amount_minor": 2500, "currency": "EUR"}, "state": state, "planned_at": self.ago(hours=1),
            "due_at": self.ago(hours=1), "window_until": self.ahead(hours=5), "attempts": 2, "plan_hash": PLAN,
        }  # fmt: skip
        self.add("effect", **(values | more))

    def case(self, number: int, mode: str = "unknown-outcome", **more: Any) -> None:
        values = {
            "id": f"case_{number}", "number": number, "mode": mode, "kind": "business", "flow": "order-acceptance", "owner": "on-call",
            "account": ACCOUNT, "object": "leg", "object_id": "leg_C-1-A", "root": "basket:C-1", "title": f"{mode.replace('-', ' ').capitalize()}: leg leg_C-1-A",
            "effect_text": "The basket is incomplete.", "cause_text": "The seller refused.", "money_minor": 2500,
            "opened_at": self.ago(hours=2), "due_at": self.ahead(minutes=number), "plan_hash": PLAN,
        }  # fmt: skip
        self.add("case_file", **(values | more))
        self.add(
            "case_event",
            id=f"cev_{number}",
            case_id=f"case_{number}",
            at=self.ago(hours=2),
            what="opened",
            by="hub",
            reason="The seller refused.",
        )

    def promise(self, row_id: str, **more: Any) -> None:
        values = {
            "id": row_id, "kind": "acknowledge", "flow": "order-acceptance", "account": ACCOUNT, "object": "leg", "object_id": "leg_C-1-A",
            "root": "basket:C-1", "owner": "supplier-operations", "mode": "ack-at-risk", "state": "due", "starts_at": self.ago(hours=5),
            "warn_at": self.ago(hours=1), "escalate_at": self.ahead(hours=1), "due_at": self.ahead(hours=5), "money_minor": 2500,
        }  # fmt: skip
        self.add("obligation", **(values | more))

    def statement(self, row_id: str = "stm_1", **more: Any) -> None:
        values = {
            "id": row_id, "account": ACCOUNT, "author": "marketplace", "kind": "mirakl-cycle", "external_id": f"CYC-{row_id}", "seller_id": "20A",
            "voucher": f"V-{row_id}", "currency": "EUR", "period_from": self.ago(days=10), "period_to": self.ago(days=1), "state": "matched",
            "their_total_minor": 2140, "lines_total_minor": 2140, "announced_at": self.ago(days=1),
        }  # fmt: skip
        self.add("statement", **(values | more))

    def statement_line(
        self, number: int, line_type: str, minor: int, matched: str = "matched", statement: str = "stm_1"
    ) -> None:
        self.add(
            "statement_line", id=f"sln_{number:03d}", statement_id=statement, account=ACCOUNT, author="marketplace", external_id=f"TL-{number}",
            line_no=number, seller_id="20A", order_id="C-1-A", type=line_type, line_type=line_type, amount_minor=minor, currency="EUR",
            posted_at=self.ago(days=2), matched=matched, witness="rate-agreement" if matched == "matched" else "", raw={"id": number},
        )  # fmt: skip

    def variance(self, row_id: str, theirs: int, ours: int, line: str | None = None, **more: Any) -> None:
        values: dict[str, Any] = {
            "id": row_id, "statement_id": "stm_1", "line_id": line, "cause": "commission-rate-differs", "owner": "finance-operations",
            "order_id": "C-1-A", "theirs_minor": theirs, "ours_minor": ours, "amount_minor": theirs - ours, "currency": "EUR",
            "explanation": "12.5 % charged, 12 % agreed", "found_at": self.ago(hours=1),
        }  # fmt: skip
        self.add("variance", **(values | more))

    def whole(self) -> "Day":
        """Everything at once: a basket of two seller orders, one refused; a refund; a statement that differs."""
        self.basket()
        self.leg(
            "A",
            "shipped",
            accepted_minor=2500,
            debited_minor=2500,
            refunded_minor=500,
            decided_at=self.ago(minutes=50),
            debited_at=self.ago(minutes=40),
            shipped_at=self.ago(minutes=20),
        )
        self.leg("B", "refused", decided_at=self.ago(minutes=45))
        self.message("msg_0", EARLIER_BODY, "decided")
        self.message()
        self.effect()
        for number, outcome, detail in (
            (1, "later", {"method": "POST", "url": "http://127.0.0.1:1/v1/captures", "status": 429}),
            (2, "unknown", {"method": "POST", "url": "http://127.0.0.1:1/v1/captures", "error": "no answer"}),
        ):
            self.add(
                "attempt",
                effect_id="eff_1",
                number=number,
                kind="send",
                started_at=self.ago(minutes=30 - number),
                outcome=outcome,
                detail=detail,
            )
        self.case(1001, object="effect", object_id="eff_1", effect_id="eff_1", kind="system")
        self.case(
            1002, mode="duplicate-other-content", object="message", object_id="msg_1", message_id="msg_1", money_minor=0
        )
        self.case(
            1003,
            mode="leg-refused",
            object_id="leg_C-1-B",
            state="resolved",
            resolved_at=self.ago(minutes=5),
            resolved_verb="suppress",
            resolved_by="Mari",
        )
        self.promise("obl_1")
        self.promise(
            "obl_2",
            kind="ship",
            object_id="leg_C-1-B",
            state="missed",
            ended_at=self.ago(hours=3),
            warned_at=self.ago(hours=4),
        )
        self.promise(
            "obl_3",
            kind="capture",
            object="basket",
            object_id="bas_1",
            state="met",
            ended_at=self.ago(hours=3),
            warned_at=self.ago(hours=4),
            money_minor=900,
        )
        self.add(
            "alert",
            id="alr_1",
            key="case_1001:opened",
            case_id="case_1001",
            team="on-call",
            channel="mail",
            subject="[sandbox] case 1001",
            body="…",
            state="sent",
            planned_at=self.ago(hours=1),
            due_at=self.ago(hours=1),
            sent_at=self.ago(minutes=59),
        )
        self.add(
            "event",
            id="evt_1",
            at=self.ago(minutes=45),
            object="leg",
            object_id="leg_C-1-B",
            root="basket:C-1",
            what="leg moved",
            from_state="awaiting-acceptance",
            to_state="refused",
            by="Seller B",
            because="msg_1",
        )
        self.add(
            "shipment",
            id="shp_1",
            leg_id="leg_C-1-A",
            external_id="S-1",
            state="handed-over",
            carrier="PostNord",
            tracking="PN1",
            shipped_at=self.ago(minutes=20),
        )
        self.add(
            "return_file",
            id="ret_1",
            leg_id="leg_C-1-A",
            external_id="R-1",
            state="received",
            their_state="RECEIVED",
            reason="Damaged",
            created_at=self.ago(minutes=15),
        )
        self.add(
            "refund",
            id="rfd_1",
            leg_id="leg_C-1-A",
            external_id="RF-1",
            origin="seller",
            state="cleared",
            amount_minor=500,
            currency="EUR",
            reason="Damaged",
            asked_at=self.ago(minutes=14),
        )
        self.add(
            "refund_confirmation",
            refund_id="rfd_1",
            witness="marketplace",
            due_at=self.ahead(hours=1),
            confirmed_at=self.ago(minutes=10),
        )
        self.add("refund_confirmation", refund_id="rfd_1", witness="books", due_at=self.ago(minutes=1))
        self.statement()
        self.statement_line(1, "ORDER_AMOUNT", 2500)
        self.statement_line(2, "COMMISSION_FEE", -312, "variance")
        self.statement_line(3, "COMMISSION_VAT", -48)
        self.statement_line(4, "PAYMENT", -2140)
        self.variance("var_1", -312, -300, "sln_002")
        self.add(
            "payout",
            id="pay_1",
            account=ACCOUNT,
            seller_id="20A",
            cycle_id="CYC-stm_1",
            voucher="V-stm_1",
            currency="EUR",
            amount_minor=2140,
            state="confirmed",
            transfer_id="tr_1",
            computed_at=self.ago(hours=2),
        )
        self.add("flow", name="order-acceptance", changed_at=self.ago(days=1))
        self.add(
            "flow",
            name="settlement",
            state="paused",
            changed_by="Mari",
            reason="Migration",
            changed_at=self.ago(hours=1),
            until_at=self.ahead(hours=1),
        )
        self.add(
            "periodic",
            account=ACCOUNT,
            name="sweep-orders",
            flow="order-acceptance",
            every_s=300,
            next_at=self.ahead(minutes=1),
            ran_at=self.ago(minutes=4),
            failures=1,
            last_error="429",
        )
        return self
