"""The money side: every amount the marketplace owes or takes back, and the periods it is paid out in.

Shape: one entry per amount component, as recon rows are. A sale is Product Price, Product tax, Product tax withheld,
Commission on Product and the same for shipping; a refund is the same with its own signs; fees are adjustments.
Units: cents, positive when the marketplace owes the seller.
Source: amount types "Product Price", "Commission on Product" and tax collected/withheld are published; the exact words
for tax, shipping and WFS fees are [guess]. Days are UTC days [guess].
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.state import Charge, Line, Order
from entrepot.sandbox.walmart.wire import share

SALE: Final = "Sale"
REFUNDED: Final = "Refund"
ADJUSTMENT: Final = "Adjustment"
PRODUCT_PRICE: Final = "Product Price"
PRODUCT_TAX: Final = "Product tax"
PRODUCT_TAX_WITHHELD: Final = "Product tax withheld"
PRODUCT_COMMISSION: Final = "Commission on Product"
SHIPPING: Final = "Shipping"
SHIPPING_TAX: Final = "Shipping tax"
SHIPPING_TAX_WITHHELD: Final = "Shipping tax withheld"
SHIPPING_COMMISSION: Final = "Commission on Shipping"
FEE: Final = "Fee/Reimbursement"
WFS_FEE: Final = "WFS Fulfillment fee"
RETURN_SHIPPING: Final = "Return Shipping Service Charge"
CARRIED_FORWARD: Final = "Balance carried forward"

AMOUNT_TYPES: Final = {
    "PRODUCT": (PRODUCT_PRICE, PRODUCT_TAX, PRODUCT_TAX_WITHHELD, PRODUCT_COMMISSION),
    "SHIPPING": (SHIPPING, SHIPPING_TAX, SHIPPING_TAX_WITHHELD, SHIPPING_COMMISSION),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One amount. `order` and `line` are null for fees of the account."""

    key: str
    posted_at: datetime
    kind: str
    description: str
    amount_type: str
    amount_minor: int
    order: Order | None
    line: Line | None
    quantity: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One closed period. `total_minor` is what its entries add up to; only a positive total is paid."""

    statement_id: str
    starts_on: date
    ends_on: date
    entries: tuple[Entry, ...]
    opening_minor: int
    total_minor: int

    @property
    def paid_minor(self) -> int:
        return max(0, self.total_minor)

    @property
    def closing_minor(self) -> int:
        """What the next period opens with: nothing, or what the seller still owes."""
        return self.total_minor - self.paid_minor


class Ledger:
    """Posts amounts and closes periods."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._started_on = platform.now().date()
        self._numbers = 0
        self._by_line: dict[tuple[str, str], list[Entry]] = {}
        self.open: list[Entry] = []
        self.statements: list[Statement] = []

    # -- posting ---------------------------------------------------------------------------------------------------

    def sell(self, order: Order, line: Line, units: int) -> None:
        """Units were shipped: the buyer is charged, and the seller is owed."""
        for kind in AMOUNT_TYPES:
            amount, tax = line.charged(kind, units)
            commission = share(amount, line.rate_per_100k)
            self._post_part(SALE, "Purchase", kind, (amount, tax, commission), order, line, units)
        if order.fulfilled_by == "marketplace":
            self._post(ADJUSTMENT, WFS_FEE, FEE, -self._platform.settings.wfs_fee_minor * units, order, line, units)

    def refund(self, order: Order, line: Line, charge: Charge, units: int) -> None:
        """Money went back to the buyer: the seller owes it, less the commission on it.

        The commission returned is a part of what was charged, so that a line given back whole returns exactly all.
        """
        posted = self._by_line.get((order.order_id, line.line_id), [])
        charged = [e for e in posted if e.kind == SALE]
        given = [e for e in posted if e.kind == REFUNDED]
        price_type, _, _, commission_type = AMOUNT_TYPES[charge.kind]
        base = sum(e.amount_minor for e in charged if e.amount_type == price_type)
        taken = -sum(e.amount_minor for e in charged if e.amount_type == commission_type)
        before = -sum(e.amount_minor for e in given if e.amount_type == price_type)
        returned = sum(e.amount_minor for e in given if e.amount_type == commission_type)
        commission = taken * (before + charge.amount_minor) // base - returned if base else 0
        parts = (-charge.amount_minor, -charge.tax_minor, -commission)
        self._post_part(REFUNDED, "Return Refund", charge.kind, parts, order, line, units, charge.reason)

    def adjust(self, description: str, amount_minor: int) -> None:
        """An amount of the account itself: a service charge, a reimbursement, the settlement of a dispute."""
        self._post(ADJUSTMENT, description, FEE, amount_minor, None, None, 0)

    # -- periods ---------------------------------------------------------------------------------------------------

    def close(self) -> Statement | None:
        """Close the period; None when nothing was posted, or one was closed today already (its day is its name)."""
        today = self._platform.now().date()
        name = today.strftime("%m%d%Y")
        if not self.open or any(statement.statement_id == name for statement in self.statements):
            return None
        opening = self.opening_minor
        total = sum(entry.amount_minor for entry in self.open)
        statement = Statement(name, self._started_on, today, tuple(self.open), opening, total)
        self.statements.append(statement)
        self.open = []
        self._started_on = today + timedelta(days=1)
        if statement.closing_minor:
            self._post(ADJUSTMENT, CARRIED_FORWARD, FEE, statement.closing_minor, None, None, 0)
        return statement

    @property
    def opening_minor(self) -> int:
        """What the open period began with."""
        return self.statements[-1].closing_minor if self.statements else 0

    def find(self, statement_id: str) -> Statement | None:
        """The closed period of this name."""
        return next((one for one in self.statements if one.statement_id == statement_id), None)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _post_part(
        self,
        kind: str,
        description: str,
        part: str,
        amounts: tuple[int, int, int],
        order: Order,
        line: Line,
        units: int,
        reason: str = "",
    ) -> None:
        amount, tax, commission = amounts
        price_type, tax_type, withheld_type, commission_type = AMOUNT_TYPES[part]
        # The marketplace collects the tax and pays it over itself: it comes and goes in the same breath.
        for amount_type, value in (
            (price_type, amount),
            (tax_type, tax),
            (withheld_type, -tax),
            (commission_type, -commission),
        ):
            if value:
                self._post(kind, description, amount_type, value, order, line, units, reason)

    def _post(
        self,
        kind: str,
        description: str,
        amount_type: str,
        amount_minor: int,
        order: Order | None,
        line: Line | None,
        units: int,
        reason: str = "",
    ) -> None:
        now = self._platform.now()
        self._numbers += 1
        key = f"{now:%Y_%m_%d}_{self._numbers}"
        entry = Entry(key, now, kind, description, amount_type, amount_minor, order, line, units, reason)
        self.open.append(entry)
        if order is not None and line is not None:
            self._by_line.setdefault((order.order_id, line.line_id), []).append(entry)
