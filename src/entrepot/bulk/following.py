"""What follows from a file in the transaction that takes it in: what counts, what is to go out, what goes back, what needs a person.

Nothing is sent here. The file is put in a queue, from which flows/feed_publication.py brings its changes to the marketplace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.blueprint.model import Plan
from entrepot.bulk import publish_store, returns_store
from entrepot.bulk.arrival.model import Arrival, Refusal
from entrepot.bulk.counting import Fed, Kept, count
from entrepot.bulk.counting_store import FIELDS
from entrepot.cases import service as cases
from entrepot.cases.model import CaseAsked
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.ownership.compile import compile_rules
from entrepot.ownership.windows import requesting, tell_at

if TYPE_CHECKING:
    from datetime import datetime

FLOW = "offer-publication"
STAGED = "pg_temp.feed_staged"
INCOMPLETE, UNREADABLE, REFUSED = "feed-incomplete", "feed-unreadable", "ownership-refused"
FEED = "feed"
PROMISE, NOTICE = "answer-correction", "feed-notice"


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written of one file. `lines`: rejected lines as the seller wrote them, by hash; `refused`: why nothing was ended."""

    file_id: str
    name: str
    account: str
    seller: str
    complete: bool
    refused: str
    at: "datetime"
    wrote: bool
    lines: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Followed:
    """`case`: the number of the case that was opened, 0 without one; `kept`: values that stayed out."""

    case: int = 0
    kept: Sequence[Kept] = ()


def follow(conn: Conn, ctx: Ctx, plan: Plan, applied: Applied) -> Followed:
    """Errors: Busy when somebody decides one of the cases at this moment."""
    account, seller = applied.account, applied.seller
    returns_store.ask(
        conn, account, seller, publish_at=applied.at if applied.wrote else None
    )  # first: see FeedImported
    kept = count(conn, ctx, compile_rules(plan), _fed(ctx, applied), STAGED)
    returns_store.take_back(
        conn, account, seller, applied.file_id, applied.at, applied.lines, complete=applied.complete and not applied.refused
    )  # fmt: skip
    if applied.wrote:
        publish_store.queue(conn, applied.file_id, account, seller, applied.at)
    after_returns(conn, ctx, plan, account, seller)
    _ownership_cases(conn, ctx, plan, applied, kept)
    return Followed(_completeness_case(conn, ctx, plan, applied), kept)


def _fed(ctx: Ctx, applied: Applied) -> Fed:
    return Fed(applied.account, applied.seller, f"file {applied.name}", applied.at, ctx.plan_hash, told=True)


def after_returns(conn: Conn, ctx: Ctx, plan: Plan, account: str, seller: str) -> None:
    """Rows were rejected or corrected: when he is told, and which messages are answered."""
    now = ctx.clock.now()
    if returns_store.untold(conn, account, seller):
        row = returns_store.seller_row(conn, account, seller)
        every = requesting(plan, seller).digest_every
        at = tell_at(now, every, row["told_at"] if row else None)
        returns_store.ask(conn, account, seller, tell_at=at)
    done = returns_store.answered(conn, account, seller, now)
    if done:
        cases.meet_many(conn, ctx, [(PROMISE, NOTICE, one, now) for one in done])
        cases.close_many(conn, ctx, [("correction-unanswered", NOTICE, one) for one in done], "every row is corrected")


def _completeness_case(conn: Conn, ctx: Ctx, plan: Plan, applied: Applied) -> int:
    """A half-empty file is a case until a whole one comes; that a file can be read at all ends the other."""
    key = feed_name(applied.account, applied.seller)
    cases.close_many(conn, ctx, [(UNREADABLE, FEED, key)], f"{applied.name} could be read")
    if not applied.refused:
        if applied.complete:
            cases.close_many(conn, ctx, [(INCOMPLETE, FEED, key)], f"{applied.name} is complete")
        return 0
    return _open(conn, ctx, plan, INCOMPLETE, applied.account, applied.seller, f"{applied.name}: {applied.refused}")


def unreadable(ctx: Ctx, plan: Plan, account: str, seller: str, why: str) -> int:
    """A file nobody can read: its case's number; what counted goes on counting. Errors: Busy."""
    with ctx.db.transaction() as conn:
        return _open(conn, ctx, plan, UNREADABLE, account, seller, why)


def refused_arrival(plan: Plan, ctx: Ctx, conn: Conn, arrival: Arrival, why: Refusal) -> None:
    """The same for a file that arrived by itself, in the transaction that refuses it."""
    _open(conn, ctx, plan, UNREADABLE, arrival.account, arrival.seller, f"{why.where} {why.what}")


def _open(conn: Conn, ctx: Ctx, plan: Plan, mode: str, account: str, seller: str, cause: str) -> int:
    asked = CaseAsked(
        mode=mode,
        account=account,
        object=FEED,
        object_id=feed_name(account, seller),
        root=f"feed:{account}:{seller}",
        name=f"offers of seller {seller}",
        cause=cause,
        flow=FLOW,
        seller=seller,
    )
    [case_id] = cases.open_cases(conn, ctx, plan, [asked])
    return _number(conn.execute("SELECT number FROM case_file WHERE id = %s", (case_id,)).fetchone())


def _number(row: Row | None) -> int:
    return int(row["number"]) if row else 0


def feed_name(account: str, seller: str) -> str:
    return f"{account}:{seller}"


def _ownership_cases(conn: Conn, ctx: Ctx, plan: Plan, applied: Applied, kept: Sequence[Kept]) -> None:
    """One failure per field that he may not set; it is over with the first file in which that field does not stay out."""
    key = feed_name(applied.account, applied.seller)
    over = set(FIELDS) - {one.field for one in kept}
    cases.close_many(conn, ctx, [(REFUSED, FEED, f"{key}:{name}") for name in sorted(over)], f"not in {applied.name}")
    cases.open_cases(conn, ctx, plan, [
        CaseAsked(
            mode=REFUSED,
            account=applied.account,
            object=FEED,
            object_id=f"{key}:{one.field}",
            root=f"feed:{applied.account}:{applied.seller}",
            name=f"offers of seller {applied.seller}",
            cause=f"{applied.name}: {one.words}; {one.offers} offers keep the {one.field} that counted",
            flow=FLOW,
            seller=applied.seller,
            cause_key=f"{one.field}:seller:{applied.seller}",
        )
        for one in kept
    ])  # fmt: skip
