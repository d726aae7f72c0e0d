"""Judges of a day: each holds our tables against the outside world's books, or against plain arithmetic, and lists what is wrong.

They share nothing with the code they judge: their tables of words and their sums are their own.
"""

from collections.abc import Callable, Mapping
from functools import partial

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers import (
    channel_offers,
    channels,
    effects,
    ledger,
    offers,
    orders,
    people,
    rest,
    settlement,
)
from entrepot.proof.checkers.finding import Books, Finding

__all__ = ["CHANNEL_CHECKERS", "CHECKERS", "Books", "Finding", "check", "check_channels"]

Checker = Callable[[Conn, Books], list[Finding]]

CHECKERS: Mapping[str, Checker] = {
    "baskets": orders.baskets_agree,
    "orders": orders.orders_agree,
    "invariants": orders.invariants_hold,
    "parcels-and-returns": orders.parcels_and_returns_agree,
    "effects-once": effects.nothing_twice,
    "effects-happened": effects.what_is_done_happened,
    "gateway-money": effects.gateway_money_agrees,
    "refunds": effects.refunds_confirmed,
    "ledger-zero": ledger.sums_to_zero,
    "ledger-complete": ledger.every_fact_is_posted,
    "ledger-balances": ledger.balances_agree,
    "statements": settlement.statements_agree,
    "payouts": settlement.payouts_agree,
    "owners": people.everything_is_owned,
    "promises": people.promises_are_kept_or_told,
    "alerts": people.everybody_was_told,
    "offers-shown": offers.the_shop_shows_what_counts,
    "offers-held": offers.nothing_held_is_sold,
    "offers-judged": offers.prices_are_within_limits_or_held,
    "corrections": offers.everybody_is_asked_once,
    "rest": rest.nothing_is_left,
}

CHANNEL_CHECKERS: Mapping[str, Checker] = {
    "channel-orders": channels.orders_agree,
    "exports": channels.exports_agree,
    "parcels": channels.parcels_agree,
    "duties": channels.duties_agree,
    "acknowledged": channels.acknowledgements_agree,
    "channel-refunds": channels.refunds_agree,
    "disputes": channels.disputes_agree,
    "submissions": channels.submissions_agree,
    "channels-once": channels.nothing_twice_at_channels,
    "channels-rest": channels.nothing_is_open_at_channels,
    "oversold": channel_offers.nothing_oversold,
    "owners": people.everything_is_owned,
    "promises": people.nothing_is_missed_in_silence,
    "alerts": people.everybody_was_told,
    "ledger-zero": ledger.sums_to_zero,
    "rest": rest.nothing_is_left,
}
"""Where we are the seller. What channels show is judged with the plan's buffers besides."""


def check_channels(conn: Conn, books: Books, plan: Plan) -> list[Finding]:
    """As `check`, of a selling company's day under its plan."""
    buffers = channel_offers.buffers_of(plan)
    judges: list[Checker] = [
        *CHANNEL_CHECKERS.values(),
        partial(_with, channel_offers.shown_is_wanted, buffers),
        partial(_with, channel_offers.wanted_is_right, buffers),
    ]
    return [finding for judge in judges for finding in judge(conn, books)]


def _with(
    judge: Callable[[Conn, Books, channel_offers.Buffers], list[Finding]],
    buffers: channel_offers.Buffers,
    conn: Conn,
    books: Books,
) -> list[Finding]:
    return judge(conn, books, buffers)


def check(conn: Conn, books: Books) -> list[Finding]:
    """Everything every judge has to say about a day that is over. Empty: nothing was lost, doubled, unbalanced or unowned."""
    return [finding for judge in CHECKERS.values() for finding in judge(conn, books)]
