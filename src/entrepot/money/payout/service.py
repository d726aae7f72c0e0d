"""Move payouts: computed from a cycle, paid by a transfer, confirmed to the marketplace, seen on a report."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from entrepot.cases.model import CaseAsked
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OurBug
from entrepot.kernel.money import Money
from entrepot.money import events
from entrepot.money.ledger import journals
from entrepot.money.ledger import service as ledger
from entrepot.money.payout import store
from entrepot.money.payout.model import Confirm, Disputed, Nothing, NotKnown, PayoutVerdict, TransferHeard
from entrepot.money.payout.states import MOVES, NOT_PAID, PayoutState
from entrepot.money.settlement import payments
from entrepot.money.settlement.model import Author, CycleSeen

FAILED_MODE = "payout-failed"


class IllegalMove(OurBug):
    """A payout was to move where its lifecycle does not lead."""

    code = "illegal-payout-move"


def compute(conn: Conn, ctx: Ctx, account: str, cycles: Sequence[CycleSeen]) -> list[CaseAsked]:
    """One payout for each billing cycle; a negative one is carried over. Gives cases for cycles changed after payment.

    Shape: set-based, the newest of several with one id counts; the same news again changes nothing.
    """
    latest = {cycle.external_id: cycle for cycle in cycles if cycle.author is Author.MARKETPLACE}
    known = store.by_cycle(conn, account, list(latest))
    new = [_row(ctx, account, cycle) for external_id, cycle in latest.items() if external_id not in known]
    store.insert(conn, new)
    events.record(conn, ctx, [_moved(row, "computed", "", row["state"]) for row in new])
    cases: list[CaseAsked] = []
    for external_id, row in known.items():
        cases += _again(conn, ctx, row, latest[external_id])
    return cases


def paid(
    conn: Conn, ctx: Ctx, *, account: str, transfer: TransferHeard, message_id: str | None = None
) -> PayoutVerdict:
    """A transfer was paid: post it, and say what the marketplace is to be told. `account`: the marketplace's."""
    row = store.by_voucher(conn, account, transfer.reference)
    if row is None:
        return NotKnown(f"no payout has the voucher {transfer.reference} yet")
    if row["transfer_id"] == transfer.transfer_id:
        return Nothing(f"transfer {transfer.transfer_id} is known as {row['state']} already")
    _post_sent(conn, ctx, row, transfer, message_id)
    payments.match(conn, account, [transfer.reference])
    if row["amount_minor"] <= 0:
        return Disputed(_case(row, f"voucher {row['voucher']} was paid by {transfer.transfer_id}; nothing was owed"))
    if row["state"] not in NOT_PAID:
        first = row["transfer_id"]
        return Disputed(_case(row, f"voucher {row['voucher']} was paid twice: {first} and {transfer.transfer_id}"))
    computed, moved = Money(row["amount_minor"], row["currency"]), Money(transfer.amount_minor, transfer.currency)
    _move(conn, ctx, row, PayoutState.SENT, because=message_id or "", transfer_id=transfer.transfer_id, reason="")
    if computed != moved:
        words = f"transfer {transfer.transfer_id} paid {moved} for voucher {row['voucher']}; computed was {computed}"
        return Disputed(_case(row, words))
    return confirmation(row, transfer)


def failed(
    conn: Conn, ctx: Ctx, *, account: str, transfer: TransferHeard, message_id: str | None = None
) -> PayoutVerdict:
    """A transfer was refused, or sent back after it was paid: what was posted is reversed. Retried only by decision."""
    row = store.by_voucher(conn, account, transfer.reference)
    if row is None:
        return NotKnown(f"no payout has the voucher {transfer.reference} yet")
    if row["state"] == PayoutState.FAILED and row["transfer_id"] == transfer.transfer_id:
        return Nothing(f"the failure of transfer {transfer.transfer_id} is known already")
    if row["transfer_id"] not in (None, transfer.transfer_id):
        return Nothing(f"voucher {row['voucher']} is paid by {row['transfer_id']}, not by {transfer.transfer_id}")
    reason = transfer.failure_reason or "no reason given"
    for key in (_sent_key(transfer.transfer_id), _settled_key(transfer.transfer_id)):
        if key in ledger.load(conn, [key]):
            ledger.reverse(conn, ctx, key, because=f"transfer failed: {reason}", at=transfer.at, message_id=message_id)
    _move(conn, ctx, row, PayoutState.FAILED, because=reason, transfer_id=transfer.transfer_id, reason=reason)
    return Disputed(_case(row, reason))


def confirmed(conn: Conn, ctx: Ctx, account: str, cycle_id: str, *, at: datetime) -> list[CaseAsked]:
    """The marketplace has taken our word that the cycle was paid. Gives a case when that is no longer true."""
    row = store.by_cycle(conn, account, [cycle_id]).get(cycle_id)
    if row is None or row["confirmed_at"] is not None:
        return []
    if row["state"] not in (PayoutState.SENT, PayoutState.BANK_MATCHED):
        store.update(conn, [{"id": row["id"], "confirmed_at": at}])
        return [_case(row, f"the marketplace was told that it was paid; since then it is {row['state']}")]
    to = PayoutState.DONE if row["state"] == PayoutState.BANK_MATCHED else PayoutState.CONFIRMED
    _move(conn, ctx, row, to, because="the marketplace confirmed", confirmed_at=at)
    return []


def told_by_others(conn: Conn, ctx: Ctx, account: str, cycle_id: str, *, at: datetime) -> list[CaseAsked]:
    """As `confirmed`, where somebody else said it: nothing before we have heard of the transfer ourselves."""
    row = store.by_cycle(conn, account, [cycle_id]).get(cycle_id)
    heard = row is not None and row["state"] in (PayoutState.SENT, PayoutState.BANK_MATCHED)
    return confirmed(conn, ctx, account, cycle_id, at=at) if heard else []


def settle(conn: Conn, ctx: Ctx, *, gateway_account: str, transfers: Sequence[TransferHeard]) -> int:
    """Transfers stand on the gateway's report: post those that are payouts of ours, with the same amount.

    What does not fit is left for the reconciliation to name.
    """
    settled = 0
    listed = {transfer.transfer_id: transfer for transfer in transfers}
    for row in store.by_transfers(conn, list(listed)):
        transfer = listed[row["transfer_id"]]
        if (transfer.amount_minor, transfer.currency) != (row["amount_minor"], row["currency"]):
            continue
        journal = journals.payout_settled(
            seller_id=row["seller_id"],
            transfer_id=row["transfer_id"],
            amount_minor=row["amount_minor"],
            key=_settled_key(row["transfer_id"]),
            account=gateway_account,
            root=root_of(row),
            at=transfer.at,
            currency=transfer.currency,
        )
        settled += len(ledger.post(conn, ctx, [journal]))
        if row["state"] in (PayoutState.SENT, PayoutState.CONFIRMED):
            to = PayoutState.DONE if row["state"] == PayoutState.CONFIRMED else PayoutState.BANK_MATCHED
            _move(conn, ctx, row, to, because="listed on the gateway's report")
    return settled


def came_back(conn: Conn, ctx: Ctx, *, transfers: Sequence[TransferHeard]) -> int:
    """Transfers stand on the gateway's report a second time, the other way round: the bank sent them back.

    What was posted when they went out is reversed, once, whether their failure was heard before or will be.
    """
    keys = {_settled_key(transfer.transfer_id): transfer for transfer in transfers}
    known = ledger.load(conn, list(keys))
    return sum(
        ledger.reverse(conn, ctx, key, because="sent back, by the gateway's report", at=keys[key].at)
        for key in sorted(known)
    )


def block(conn: Conn, ctx: Ctx, account: str, cycle_id: str, *, reason: str, by: str) -> bool:
    """Keep a payout from being paid; False when it is paid or blocked already."""
    row = store.by_cycle(conn, account, [cycle_id]).get(cycle_id)
    if row is None or PayoutState.BLOCKED not in MOVES[PayoutState(row["state"])]:
        return False
    _move(conn, ctx, row, PayoutState.BLOCKED, because=reason, by=by, reason=reason)
    return True


def confirmation(row: Row, transfer: TransferHeard) -> Confirm:
    return Confirm(
        key=f"confirm-payout:{row['cycle_id']}",
        account=row["account"],
        root=root_of(row),
        payload={
            "cycle_id": row["cycle_id"],
            "transaction_number": transfer.transfer_id,
            "paid_at": transfer.at.isoformat(),
            "status": "PAID",
        },
    )


def root_of(payout: Row) -> str:
    return f"seller:{payout['account']}:{payout['seller_id']}"


# -- inside ------------------------------------------------------------------------------------------------------------


def _row(ctx: Ctx, account: str, cycle: CycleSeen) -> Row:
    return {
        "id": ctx.ids.new("pay"),
        "account": account,
        "seller_id": cycle.seller_id,
        "cycle_id": cycle.external_id,
        "voucher": cycle.voucher,
        "currency": cycle.currency,
        "amount_minor": cycle.their_total_minor,
        "state": str(_state_of(cycle)),
        "reason": cycle.failure_reason,
        "computed_at": ctx.clock.now(),
    }


def _state_of(cycle: CycleSeen) -> PayoutState:
    if cycle.their_total_minor <= 0:
        return PayoutState.CARRIED_OVER
    return PayoutState.BLOCKED if cycle.failure_reason else PayoutState.COMPUTED


def _again(conn: Conn, ctx: Ctx, row: Row, cycle: CycleSeen) -> list[CaseAsked]:
    """The same cycle again: a voucher that is known now, a block that is lifted, another amount."""
    same_money = (row["amount_minor"], row["currency"]) == (cycle.their_total_minor, cycle.currency)
    if row["state"] in NOT_PAID and row["state"] != PayoutState.FAILED:
        to = _state_of(cycle)
        news: dict[str, Any] = {"voucher": cycle.voucher or row["voucher"], "reason": cycle.failure_reason}
        news |= {"amount_minor": cycle.their_total_minor, "currency": cycle.currency}
        if to != row["state"] and row["state"] not in (PayoutState.PROPOSED, PayoutState.APPROVED):
            _move(conn, ctx, row, to, because=cycle.failure_reason or "the cycle says so", **news)
        elif not same_money or news["voucher"] != row["voucher"]:
            store.update(conn, [{"id": row["id"], **news}])
        return []
    if same_money:
        return []
    paid_as, now = Money(row["amount_minor"], row["currency"]), Money(cycle.their_total_minor, cycle.currency)
    return [_case(row, f"cycle {row['cycle_id']} was issued again over {now} after {paid_as} was paid")]


def _post_sent(conn: Conn, ctx: Ctx, row: Row, transfer: TransferHeard, message_id: str | None) -> None:
    journal = journals.payout_sent(
        seller_id=row["seller_id"],
        voucher=transfer.reference,
        amount_minor=transfer.amount_minor,
        key=_sent_key(transfer.transfer_id),
        account=row["account"],
        root=root_of(row),
        at=transfer.at,
        currency=transfer.currency,
        message_id=message_id,
    )
    ledger.post(conn, ctx, [journal])


def _sent_key(transfer_id: str) -> str:
    return f"payout-sent:{transfer_id}"


def _settled_key(transfer_id: str) -> str:
    return f"payout-settled:{transfer_id}"


def _move(
    conn: Conn, ctx: Ctx, row: Row, to: PayoutState, *, because: str, by: str = events.HUB, **columns: Any
) -> None:
    """Errors: IllegalMove. `row` is changed too."""
    before = PayoutState(row["state"])
    if to not in MOVES[before]:
        raise IllegalMove(f"payout {row['id']} cannot go from {before} to {to}", payout=row["id"])
    store.update(conn, [{"id": row["id"], "state": str(to), **columns}])
    row.update(columns, state=str(to))
    events.record(conn, ctx, [replace(_moved(row, "moved", before, to), by=by, because=because)])


def _moved(row: Row, what: str, before: str, to: str) -> events.Moved:
    return events.Moved("payout", row["id"], root_of(row), what, str(before), str(to))


def _case(row: Row, words: str) -> CaseAsked:
    return CaseAsked(
        mode=FAILED_MODE,
        account=row["account"],
        object="payout",
        object_id=row["cycle_id"],
        root=root_of(row),
        values={"words": words, "seller": row["seller_id"], "voucher": row["voucher"]},
        money_minor=row["amount_minor"],
        currency=row["currency"],
        seller=row["seller_id"],
    )
