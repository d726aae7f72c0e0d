"""The gateway's own arithmetic: what may be taken, given back, paid out, and what each day's report says.

Pure of HTTP and of threads. Time comes in as `now`, ids come from a maker handed in, news goes out through `announce`.
Errors: `Refusal` is every "no" a caller can hear; nothing has moved when it is raised.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from entrepot.sandbox.gateway.model import (
    CAPTURED,
    CHARGED_BACK,
    EXPIRED,
    KEPT,
    OPEN,
    REFUNDED,
    RELEASED,
    Authorisation,
    AuthorisationState,
    Capture,
    Dispute,
    DisputeState,
    Operation,
    Payout,
    Purse,
    Refund,
    Refusal,
    Release,
    Terms,
    Transfer,
    TransferState,
)
from entrepot.sandbox.gateway.settlement import LineType, Movement, Settlement, SettlementBook, day_end

NewId = Callable[[str], str]
Announce = Callable[[str, Any], None]


class GatewayBooks:
    """Every table of the gateway and the only code that moves money in it."""

    def __init__(self, new_id: NewId, announce: Announce, terms: Terms) -> None:
        self.terms = terms
        self.authorisations: dict[str, Authorisation] = {}
        self.captures: dict[str, Capture] = {}
        self.disputes: dict[str, Dispute] = {}
        self.transfers: dict[str, Transfer] = {}
        self.operations: list[Operation] = []
        self.settlements = SettlementBook()
        self._new_id = new_id
        self._announce = announce

    # -- the buyer's money -----------------------------------------------------------------------------------------

    def authorise(
        self, *, reference: str, amount_minor: int, currency: str, customer_id: str, now: datetime
    ) -> Authorisation:
        authorisation = Authorisation(
            id=self._new_id("auth"),
            reference=reference,
            customer_id=customer_id,
            currency=currency,
            created_at=now,
            expires_at=now + timedelta(days=self.terms.authorisation_days),
            purse=Purse(amount_minor, (OPEN, CAPTURED, RELEASED, EXPIRED)),
        )
        self.authorisations[authorisation.id] = authorisation
        return authorisation

    def capture(
        self, authorisation: Authorisation, *, amount_minor: int, currency: str, reference: str, now: datetime
    ) -> Capture:
        self._check_open(authorisation, amount_minor, currency, now)
        authorisation.purse.move(amount_minor, OPEN, CAPTURED)
        capture = Capture(
            id=self._new_id("cap"),
            authorisation_id=authorisation.id,
            reference=reference,
            currency=currency,
            fee_minor=self.terms.capture_fee(amount_minor),
            created_at=now,
            purse=Purse(amount_minor, (KEPT, REFUNDED, CHARGED_BACK)),
        )
        self.captures[capture.id] = capture
        self.operations.append(capture)
        self._settle(LineType.CAPTURE, capture, amount_minor, now, fee_minor=capture.fee_minor)
        self._announce("capture.succeeded", capture)
        return capture

    def release(
        self, authorisation: Authorisation, *, amount_minor: int, currency: str, reference: str, now: datetime
    ) -> Release:
        self._check_open(authorisation, amount_minor, currency, now)
        authorisation.purse.move(amount_minor, OPEN, RELEASED)
        release = Release(self._new_id("rel"), authorisation.id, reference, amount_minor, currency, now)
        self.operations.append(release)
        return release

    def expire(self, authorisation: Authorisation, now: datetime) -> None:
        """Let go what was not taken in time. Nothing happens before its time, or when nothing is open."""
        still_open = authorisation.purse[OPEN]
        if still_open and now >= authorisation.expires_at:
            authorisation.purse.move(still_open, OPEN, EXPIRED)
            self._announce("authorisation.expired", authorisation)

    def refund(self, capture: Capture, *, amount_minor: int, currency: str, reference: str, now: datetime) -> Refund:
        self._check_kept(capture, amount_minor, currency)
        capture.purse.move(amount_minor, KEPT, REFUNDED)
        self.authorisations[capture.authorisation_id].refunded_minor += amount_minor
        refund = Refund(
            id=self._new_id("ref"),
            capture_id=capture.id,
            authorisation_id=capture.authorisation_id,
            reference=reference,
            amount_minor=amount_minor,
            currency=currency,
            created_at=now,
        )
        self.operations.append(refund)
        self._settle(LineType.REFUND, refund, -amount_minor, now)
        self._announce("refund.succeeded", refund)
        return refund

    # -- disputes --------------------------------------------------------------------------------------------------

    def open_dispute(
        self, capture: Capture, *, amount_minor: int, currency: str, reference: str, reason: str, now: datetime
    ) -> Dispute:
        """A chargeback: the money leaves the moment the bank opens it, not when it is lost."""
        self._check_kept(capture, amount_minor, currency)
        capture.purse.move(amount_minor, KEPT, CHARGED_BACK)
        self.authorisations[capture.authorisation_id].charged_back_minor += amount_minor
        dispute = Dispute(
            id=self._new_id("dis"),
            capture_id=capture.id,
            authorisation_id=capture.authorisation_id,
            reference=reference,
            reason=reason,
            amount_minor=amount_minor,
            currency=currency,
            created_at=now,
            evidence_due_at=now + timedelta(days=self.terms.evidence_days),
        )
        self.disputes[dispute.id] = dispute
        self._settle(LineType.CHARGEBACK, dispute, -amount_minor, now)
        if self.terms.dispute_fee_minor:
            self._settle(LineType.FEE, dispute, 0, now, fee_minor=self.terms.dispute_fee_minor)
        self._announce("dispute.opened", dispute)
        return dispute

    def close_dispute(self, dispute: Dispute, *, won: bool, now: datetime) -> Dispute:
        """The bank's last word. Won: the money comes back as a reversal; lost: it stays where it went."""
        if dispute.state is not DisputeState.OPEN:
            raise Refusal(409, "dispute_closed", f"dispute {dispute.id} is already {dispute.state}")
        dispute.state = DisputeState.WON if won else DisputeState.LOST
        dispute.closed_at = now
        if won:
            self.captures[dispute.capture_id].purse.move(dispute.amount_minor, CHARGED_BACK, KEPT)
            self.authorisations[dispute.authorisation_id].charged_back_minor -= dispute.amount_minor
            self._settle(LineType.CHARGEBACK_REVERSAL, dispute, dispute.amount_minor, now)
        self._announce("dispute.closed", dispute)
        return dispute

    # -- money to third parties --------------------------------------------------------------------------------------

    def transfer(
        self, *, reference: str, destination: str, amount_minor: int, currency: str, now: datetime
    ) -> Transfer:
        """Pay a seller from the merchant's balance, which may go below zero: the gateway advances it."""
        failure = self.terms.refused_destinations.get(destination)
        state = TransferState.FAILED if failure else TransferState.PAID
        transfer = Transfer(self._new_id("tr"), reference, destination, amount_minor, currency, now, state, failure)
        self.transfers[transfer.id] = transfer
        self.operations.append(transfer)
        if state is TransferState.PAID:
            self._settle(LineType.TRANSFER, transfer, -amount_minor, now)
        self._announce(f"transfer.{state}", transfer)
        return transfer

    def return_transfer(self, transfer: Transfer, *, reason: str, now: datetime) -> Transfer:
        """The receiving bank sends a paid transfer back: it failed after all, and the money is on the balance again."""
        if transfer.state is not TransferState.PAID:
            raise Refusal(409, "transfer_not_paid", f"transfer {transfer.id} is {transfer.state}")
        transfer.state, transfer.failure_reason = TransferState.FAILED, reason
        self._settle(LineType.TRANSFER, transfer, transfer.amount_minor, now)
        self._announce("transfer.failed", transfer)
        return transfer

    def pay_out(self, *, amount_minor: int, currency: str, reference: str, now: datetime) -> Payout:
        """Send part of the balance to the merchant's own bank account."""
        if amount_minor > self.settlements.balances().get(currency, 0):
            raise Refusal(422, "amount_exceeds_balance", "the balance is smaller than this payout", "amount_minor")
        payout = Payout(self._new_id("po"), reference, amount_minor, currency, now)
        self._settle(LineType.PAYOUT, payout, -amount_minor, now)
        return payout

    # -- settlement days ---------------------------------------------------------------------------------------------

    def close_settlements(self, now: datetime, *, early: bool = False) -> list[Settlement]:
        """Close every open day that has ended at `now`; `early` closes them all, as a gateway's "settle now" would."""
        closed = []
        for currency in self.settlements.balances():
            open_day = self.settlements.open_for(currency)
            if open_day and (early or day_end(open_day.opened_at) <= now):
                closed.append(self.settlements.close(currency, min(now, day_end(open_day.opened_at))))
        for settlement in closed:
            self._announce("settlement.closed", settlement)
        return closed

    # -- looking things up -------------------------------------------------------------------------------------------

    def with_reference(self, reference: str) -> list[Operation]:
        return [operation for operation in self.operations if operation.reference == reference]

    def unbalanced(self) -> list[str]:
        """Every object whose parts do not sum to its whole: empty, unless these books are wrong."""
        wrong = [one.id for one in self.authorisations.values() if not one.purse.balanced()]
        wrong += [one.id for one in self.captures.values() if not one.purse.balanced()]
        for authorisation in self.authorisations.values():
            mine = [one for one in self.captures.values() if one.authorisation_id == authorisation.id]
            if sum(one.amount_minor for one in mine) != authorisation.purse[CAPTURED]:
                wrong.append(authorisation.id)
            if sum(one.purse[REFUNDED] for one in mine) != authorisation.refunded_minor:
                wrong.append(authorisation.id)
        return sorted(set(wrong))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _check_open(self, authorisation: Authorisation, amount_minor: int, currency: str, now: datetime) -> None:
        self.expire(authorisation, now)
        if authorisation.state is AuthorisationState.EXPIRED:
            raise Refusal(402, "authorisation_expired", f"authorisation expired at {authorisation.expires_at:%FT%TZ}")
        _check_currency(authorisation.currency, currency)
        if amount_minor > authorisation.purse[OPEN]:
            held = authorisation.purse[OPEN]
            raise Refusal(
                422,
                "amount_exceeds_authorisation",
                f"only {held} of {authorisation.purse.total} is open",
                "amount_minor",
            )

    def _check_kept(self, capture: Capture, amount_minor: int, currency: str) -> None:
        _check_currency(capture.currency, currency)
        if amount_minor > capture.purse[KEPT]:
            kept = capture.purse[KEPT]
            raise Refusal(
                422, "amount_exceeds_capture", f"only {kept} of {capture.amount_minor} is left", "amount_minor"
            )

    def _settle(self, kind: LineType, of: Movement, amount_minor: int, now: datetime, *, fee_minor: int = 0) -> None:
        self.close_settlements(now)
        settlement = self.settlements.open_for(of.currency)
        if settlement is None:
            settlement = self.settlements.open(self._new_id("set"), of.currency, now)
            self._announce("settlement.opened", settlement)
        settlement.add(kind, of, amount_minor, fee_minor, now)


def _check_currency(expected: str, given: str) -> None:
    if expected != given:
        raise Refusal(422, "currency_mismatch", f"this money is {expected}, not {given}", "currency")
