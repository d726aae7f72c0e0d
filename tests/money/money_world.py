"""A marketplace and a gateway in miniature: sales as our flows post them, and the statements the others write of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx, Row
from entrepot.money.commission.model import RateAgreement
from entrepot.money.commission.rules import compute, compute_return
from entrepot.money.ledger import journals
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.journals import LineMoney
from entrepot.money.ledger.model import Journal
from entrepot.money.settlement import report, service, store
from entrepot.money.settlement.intake import Kept
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen
from entrepot.money.settlement.policy import DEFAULT_POLICY, Policy
from entrepot.money.settlement.service import Advanced

MARKETPLACE, GATEWAY = "mirakl-fr/operator", "gateway/main"
AGREED = RateAgreement(default_rate_per_100k=12_000)


@dataclass
class World:
    """Sales go into our books; `lines` is what the marketplace's log says, `report` what the gateway's does."""

    ctx: Ctx
    clock: ManualClock
    seller: str = "2001"
    lines: list[StatementLineSeen] = field(default_factory=list)
    report: list[StatementLineSeen] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))

    # -- business --------------------------------------------------------------------------------------------------

    def sells(self, item: int, shipping: int = 0, *, in_books: bool = True, currency: str = "EUR") -> str:
        """One order of one line, captured, debited, with its commission; gives the order id."""
        order = f"C-{next(self._numbers)}-A"
        line = f"{order}-1"
        commission = compute(AGREED, order_line_id=line, category="", item_minor=item, shipping_minor=shipping)
        head = self._head(order, currency)
        money = [LineMoney(line, item, shipping)]
        posted = [
            journals.basket_captured(key=f"cap:{order}", account=GATEWAY, capture_id=f"cap_{order}", amount_minor=item + shipping, **head),
            journals.leg_debited(key=f"deb:{order}", account=MARKETPLACE, order_id=order, seller_id=self.seller, lines=money, **head),
            journals.commission_charged(key=f"com:{order}", account=MARKETPLACE, order_id=order, seller_id=self.seller, lines=[commission], **head),
        ]  # fmt: skip
        if in_books:
            self.post(posted)
        say = self._says(order, line, "", currency)
        say(LineType.ORDER_AMOUNT, item)
        say(LineType.ORDER_SHIPPING_AMOUNT, shipping)
        say(LineType.COMMISSION_FEE, -commission.fee_minor)
        say(LineType.COMMISSION_VAT, -commission.tax_minor)
        self.gateway_says("capture", f"cap_{order}", item + shipping, fee=25, currency=currency)
        return order

    def refunds(self, order: str, item: int, *, of: tuple[int, int], before: int = 0, in_books: bool = True) -> str:
        """Part of the item price goes back; gives the marketplace's refund id."""
        refund, line = f"R-{next(self._numbers)}", f"{order}-1"
        back = compute_return(
            AGREED,
            order_line_id=line,
            category="",
            refund_id=refund,
            item_minor=of[0],
            shipping_minor=of[1],
            refunded_item_minor=item,
            refunded_shipping_minor=0,
            before_item_minor=before,
        )
        head = self._head(order, "EUR")
        ids: dict[str, Any] = {"account": MARKETPLACE, "order_id": order, "seller_id": self.seller}
        posted = [
            journals.leg_refunded(key=f"ref:{refund}", lines=[LineMoney(line, item, reference=refund)], **ids, **head),
            journals.refund_paid(key=f"paid:{refund}", account=GATEWAY, gateway_refund_id=f"ref_{refund}", amount_minor=item, **head),
            journals.commission_returned(key=f"back:{refund}", lines=[back], **ids, **head),
        ]  # fmt: skip
        if in_books:
            self.post(posted)
        say = self._says(order, line, refund, "EUR")
        say(LineType.REFUND_ORDER_AMOUNT, -item)
        say(LineType.REFUND_ORDER_SHIPPING_AMOUNT, 0)
        say(LineType.REFUND_COMMISSION_FEE, back.fee_minor)
        say(LineType.REFUND_COMMISSION_VAT, back.tax_minor)
        self.gateway_says("refund", f"ref_{refund}", -item)
        return refund

    def _head(self, order: str, currency: str) -> dict[str, Any]:
        return {"root": f"basket:{order[:-2]}", "at": self.clock.now(), "currency": currency}

    def post(self, posted: Sequence[Journal]) -> None:
        with self.ctx.db.transaction() as conn:
            ledger.post(conn, self.ctx, posted)

    # -- what others write -----------------------------------------------------------------------------------------

    def _says(self, order: str, line: str, refund: str, currency: str) -> Any:
        def say(line_type: LineType, amount: int) -> None:
            self.says(line_type, amount, order_id=order, order_line_id=line, reference=refund, currency=currency)

        return say

    def says(
        self,
        line_type: LineType,
        amount: int,
        *,
        type: str = "",
        order_id: str = "",
        order_line_id: str = "",
        reference: str = "",
        currency: str = "EUR",
    ) -> StatementLineSeen:
        """One more line of the marketplace's log, in no cycle yet."""
        line = StatementLineSeen(
            external_id=f"tl-{next(self._numbers)}",
            type=type or str(line_type),
            line_type=line_type,
            amount_minor=amount,
            currency=currency,
            posted_at=self.clock.now(),
            seller_id=self.seller,
            order_id=order_id,
            order_line_id=order_line_id,
            reference=reference,
        )
        self.lines.append(line)
        return line

    def gateway_says(self, type: str, operation: str, amount: int, *, fee: int = 0, currency: str = "EUR") -> None:
        number = len(self.report) + 1
        common: dict[str, Any] = {"currency": currency, "posted_at": self.clock.now(), "reference": operation}
        kind = LineType[f"GATEWAY_{type.upper()}"]
        line = StatementLineSeen(f"set:{operation}:{number}", type, kind, amount, line_no=number, **common)
        self.report.append(line)
        if fee:
            id_ = f"{line.external_id}:fee"
            self.report.append(StatementLineSeen(id_, "fee", LineType.GATEWAY_FEE, -fee, line_no=number, **common))

    # -- statements ------------------------------------------------------------------------------------------------

    def closes_cycle(
        self,
        name: str,
        *,
        voucher: str | None = None,
        total: int | None = None,
        lines: Sequence[StatementLineSeen] = (),
    ) -> CycleSeen:
        """The marketplace closes a cycle over these lines (all that are in none): announced, then listed again."""
        taken = list(lines) or [line for line in self.lines if not line.cycle_id]
        amount = sum(line.amount_minor for line in taken if line.line_type is not LineType.PAYMENT)
        number = name.replace("cycle", "V") if voucher is None else voucher
        moved = [replace(line, cycle_id=name, voucher=number) for line in taken]
        self.lines = [line for line in self.lines if line not in taken] + moved
        cycle = CycleSeen(
            author=Author.MARKETPLACE,
            kind="mirakl-cycle",
            external_id=name,
            currency="EUR",
            their_total_minor=amount if total is None else total,
            announced_at=self.clock.now(),
            seller_id=self.seller,
            voucher=number,
            period_to=self.clock.now(),
        )
        self.announce(cycle)
        self.tell(moved)
        return cycle

    def closes_day(self, name: str) -> CycleSeen:
        """The gateway's settlement of everything since the last one."""
        taken = [replace(line, cycle_id=name) for line in self.report if not line.cycle_id]
        self.report = [line for line in self.report if line.cycle_id] + taken
        cycle = CycleSeen(
            author=Author.GATEWAY,
            kind="gateway-settlement",
            external_id=name,
            currency="EUR",
            their_total_minor=sum(line.amount_minor for line in taken),
            announced_at=self.clock.now(),
            period_to=self.clock.now(),
        )
        self.announce(cycle, GATEWAY)
        self.tell(taken, GATEWAY)
        return cycle

    def announce(self, cycle: CycleSeen, account: str = MARKETPLACE) -> Kept:
        with self.ctx.db.transaction() as conn:
            return service.record_cycles(conn, self.ctx, account, [cycle])

    def tell(self, lines: Sequence[StatementLineSeen], account: str = MARKETPLACE) -> Kept:
        author = Author.GATEWAY if account == GATEWAY else Author.MARKETPLACE
        with self.ctx.db.transaction() as conn:
            return service.record_lines(conn, self.ctx, account, author, lines)

    def later(self, **delta: float) -> datetime:
        self.clock.advance(timedelta(**delta).total_seconds())
        return self.clock.now()

    # -- looking ---------------------------------------------------------------------------------------------------

    def settle(self, account: str = MARKETPLACE, policy: Policy = DEFAULT_POLICY) -> list[Advanced]:
        """One sweep: every statement as far as it goes."""
        done = []
        with self.ctx.db.transaction() as conn:
            for statement_id in service.due(conn, account):
                done.append(service.advance(conn, self.ctx, statement_id, policy))
            service.recheck(conn, self.ctx, account)
        return done

    def statement(self, name: str) -> Row:
        with self.ctx.db.transaction() as conn:
            rows = report.list_statements(conn, limit=500)
        return next(row for row in rows if row["external_id"] == name)

    def variances(self, name: str, state: str | None = None) -> list[tuple[str, int, int]]:
        """(cause, theirs, ours) of a statement's newest version."""
        with self.ctx.db.transaction() as conn:
            rows = store.variances_of(conn, self.statement(name)["id"])
        return [(r["cause"], r["theirs_minor"], r["ours_minor"]) for r in rows if state in (None, r["state"])]

    def rows(self, query: str) -> list[Row]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(query).fetchall()
