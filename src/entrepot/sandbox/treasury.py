"""The operator's treasury: pays every closed billing cycle once, through the gateway, under its voucher number.

It tells the marketplace nothing: the hub hears `transfer.paid` and confirms.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.gateway import Gateway
from entrepot.sandbox.gateway.model import Transfer, TransferState
from entrepot.sandbox.mirakl import Portal


class Treasury:
    """Pays sellers; the voucher number is the transfer's reference, so that no cycle is paid twice.

    Shape: `bouncing` names shops whose bank sends the money back some time after it went out.
    """

    def __init__(
        self, errands: Errands, portal: Portal, gateway: Gateway, pace: Pace, bouncing: frozenset[int] = frozenset()
    ) -> None:
        self._errands = errands
        self._world = errands.world
        self._portal = portal
        self._gateway = gateway
        self._pace = pace
        self._bouncing = bouncing
        self._taken_up: set[str] = set()
        self.payments: list[dict[str, Any]] = []
        portal.subscribe(self._hear)

    def books(self) -> dict[str, Any]:
        return {"payments": self.payments}

    def unpaid(self) -> int:
        """Cycles that wait for money or for the confirmation that it went out."""
        return sum(1 for cycle in self._portal.open_cycles() if cycle["amount_minor"] > 0)

    def bank_operator_share(self) -> None:
        """Send what is left at the gateway, commissions less fees, to the operator's own bank account."""
        for currency, balance in self._gateway.accounts.settlements.balances().items():
            if balance > 0:
                self._gateway.pay_out(amount_minor=balance, currency=currency, reference=f"operator-share-{currency}")

    def _hear(self, topic: str, _subject: str) -> None:
        if topic == "cycle.closed":
            # A closing announces its cycles one by one; a moment later all of them are on the list.
            self._errands.later("payments", timedelta(0), self._take_up)

    def _take_up(self) -> None:
        for cycle in self._portal.open_cycles():
            voucher = cycle["voucher"]
            if voucher is not None and cycle["amount_minor"] > 0 and voucher not in self._taken_up:
                self._taken_up.add(voucher)
                rng = self._world.stream(f"treasury/{voucher}")
                self._errands.within("payments", self._pace.pay_cycle, rng, partial(self._pay, cycle))

    def _pay(self, cycle: dict[str, Any]) -> None:
        transfer = self._gateway.transfer(
            reference=cycle["voucher"],
            destination=f"shop-{cycle['shop_id']}",
            amount_minor=cycle["amount_minor"],
            currency=cycle["currency"],
        )
        if transfer.state is TransferState.PAID and cycle["shop_id"] in self._bouncing:
            rng = self._world.stream(f"bank-returns/{cycle['voucher']}")
            self._errands.within("payments", self._pace.bank_decides, rng, partial(self._bounce, transfer))
        self.payments.append(
            {
                "cycle_id": cycle["id"],
                "voucher": cycle["voucher"],
                "transfer_id": transfer.id,
                "state": transfer.state.value,
                "amount_minor": transfer.amount_minor,
                "currency": transfer.currency,
            }
        )

    def _bounce(self, transfer: Transfer) -> None:
        self._gateway.return_transfer(transfer, reason="account_closed")
