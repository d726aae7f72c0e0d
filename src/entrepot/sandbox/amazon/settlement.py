"""Settlement periods: what is payable is paid, part of it held back, and a flat file V2 says why.

Which columns a data row leaves empty (dates of the period, currency) and the quantity on every row are a [guess].
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Protocol

from entrepot.sandbox.amazon.ledger import Ledger
from entrepot.sandbox.amazon.money import comma_of, share
from entrepot.sandbox.amazon.platform import PERIOD_CLOSED, Platform
from entrepot.sandbox.amazon.state import Posting, Statement

COLUMNS: Final = (
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
    "transaction-type",
    "order-id",
    "merchant-order-id",
    "adjustment-id",
    "shipment-id",
    "marketplace-name",
    "amount-type",
    "amount-description",
    "amount",
    "fulfillment-id",
    "posted-date",
    "posted-date-time",
    "order-item-code",
    "merchant-order-item-id",
    "merchant-adjustment-item-id",
    "sku",
    "quantity-purchased",
    "promotion-id",
)
OTHER: Final = "other-transaction"
CURRENT_RESERVE: Final = "Current Reserve Amount"
PREVIOUS_RESERVE: Final = "Previous Reserve Amount Balance"

Row = dict[str, str]


class Publish(Protocol):
    """Puts a finished settlement file among the reports; returns the report's id."""

    def __call__(self, content: bytes, start_at: datetime, end_at: datetime) -> str: ...


class Settlements:
    """Closes periods. Nobody can ask for one; a file appears when a period is over."""

    def __init__(self, platform: Platform, ledger: Ledger, publish: Publish) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._ledger = ledger
        self._publish = publish
        self._start = platform.now()
        self._reserve_minor = 0
        self._plan_next()

    def _plan_next(self) -> None:
        period = self._settings.settlement_period
        if period is not None:
            self._platform.at(self._platform.now() + period, self._end_of_period)

    def _end_of_period(self) -> None:
        self.close()
        self._plan_next()

    def close(self) -> str | None:
        """Settle what is payable now; the settlement's id, or None when there is nothing to tell."""
        postings = self._ledger.unsettled()
        if not postings and not self._reserve_minor:
            return None
        now = self._platform.now()
        settlement_id = self._platform.digits(11)
        rows = [row for posting in postings for row in self._rows(posting)]
        earned = sum(posting.total_minor for posting in postings)
        extra = self._extra(earned)
        rows += [self._other(description, minor, now) for description, minor in extra]
        total = earned + sum(minor for _, minor in extra)
        deposit = now + self._settings.deposit_delay
        content = self._file(settlement_id, (self._start, now, deposit), total, rows)
        report_id = self._publish(content, self._start, now)
        for posting in postings:
            posting.settlement_id = settlement_id
        held = -sum(minor for description, minor in extra if description == CURRENT_RESERVE)
        statement = Statement(settlement_id, self._start, now, deposit, total, len(rows), report_id, held)
        self._platform.statements.append(statement)
        self._start, self._reserve_minor = now, held
        self._platform.emit(PERIOD_CLOSED, settlement_id)
        return settlement_id

    def _extra(self, earned: int) -> list[tuple[str, int]]:
        """Fees of the account and the pair of reserves: last period's comes back, a new one is held."""
        extra = []
        if self._settings.subscription_minor:
            extra.append(("Subscription Fee", -self._settings.subscription_minor))
        if self._reserve_minor:
            extra.append((PREVIOUS_RESERVE, self._reserve_minor))
        held = share(max(earned, 0), self._settings.reserve_per_100k)
        if held:
            extra.append((CURRENT_RESERVE, -held))
        return extra

    # -- the file --------------------------------------------------------------------------------------------------

    def _rows(self, posting: Posting) -> Iterator[Row]:
        order = self._platform.orders[posting.order_id]
        for item in posting.items:
            for amount in item.amounts:
                yield {
                    "transaction-type": posting.transaction_type,
                    "order-id": posting.order_id,
                    "merchant-order-id": order.merchant_order_id or posting.order_id,
                    "adjustment-id": posting.adjustment_id,
                    "shipment-id": posting.shipment_id,
                    "marketplace-name": self._platform.market.name,
                    "amount-type": amount.amount_type,
                    "amount-description": amount.description,
                    "amount": self._amount(amount.minor),
                    "fulfillment-id": posting.fulfillment,
                    **self._posted(posting.posted_at),
                    "order-item-code": item.line_id,
                    "merchant-adjustment-item-id": item.merchant_adjustment_item_id,
                    "sku": item.sku,
                    "quantity-purchased": str(item.quantity) if item.quantity else "",
                }

    def _other(self, description: str, minor: int, at: datetime) -> Row:
        return {
            "transaction-type": OTHER,
            "amount-type": OTHER,
            "amount-description": description,
            "amount": self._amount(minor),
            **self._posted(at),
        }

    def _posted(self, at: datetime) -> Row:
        return {"posted-date": at.strftime(self._platform.market.date_format), "posted-date-time": self._moment(at)}

    def _moment(self, at: datetime) -> str:
        return at.strftime(f"{self._platform.market.date_format} %H:%M:%S UTC")

    def _amount(self, minor: int) -> str:
        market = self._platform.market
        return comma_of(minor, market.currency, market.decimal_comma)

    def _file(
        self, settlement_id: str, span: tuple[datetime, datetime, datetime], total: int, rows: list[Row]
    ) -> bytes:
        summary = {
            "settlement-start-date": self._moment(span[0]),
            "settlement-end-date": self._moment(span[1]),
            "deposit-date": self._moment(span[2]),
            "total-amount": self._amount(total),
            "currency": self._platform.market.currency,
        }
        lines = ["\t".join(COLUMNS)]
        for row in (summary, *rows):
            lines.append("\t".join([settlement_id, *(row.get(column, "") for column in COLUMNS[1:])]))
        return ("\n".join(lines) + "\n").encode()
