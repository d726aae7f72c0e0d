"""Correction requests: the owner is asked once per cause, told in one digest, and what he answers is applied exactly once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OwnerDecides
from entrepot.ownership import request_store, store
from entrepot.ownership.batches import lock
from entrepot.ownership.booking import CONSOLE, Book, From
from entrepot.ownership.compile import Holder, RuleSet
from entrepot.ownership.expiry import key_of
from entrepot.ownership.hands import NotThere, Person, Pulled, StandsAlready, hand_on, require_reason
from entrepot.ownership.judging import Enters, Out, Wish, judge_wishes
from entrepot.ownership.model import Act, Freed, Judged, NotAllowed, Scope, Value, Why
from entrepot.ownership.rules import rule_for
from entrepot.ownership.standing import Key, Standing
from entrepot.ownership.states import CorrectionState
from entrepot.ownership.windows import requesting, window
from entrepot.store.locks import lock_root


def request(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    rules: RuleSet,
    key: Key,
    field: str,
    wanted: Value,
    *,
    by: Person,
    reason: str,
) -> Pulled:
    """Ask the owner for a better value: it goes into his next digest. Errors: NotYours, NotThere, StandsAlready, Busy."""
    hand = hand_on(conn, ctx, plan, rules, key, field, by)
    rule, words = hand.require(Act.REQUEST, wanted), require_reason(reason, "a request")
    right = rule_for(hand.owned, field, hand.scope)
    correctors = right.holders[Act.CORRECT] if right else ()
    if not correctors:
        raise OwnerDecides(f"the plan lets nobody correct the {field}: that is a question for {hand.owned.exceptions}")
    if any(one.open and (one.field, one.cause) == (field, Why.OPERATOR) for one in hand.standing.asked):
        raise StandsAlready(f"the owner has been asked for another {field} already")
    book = hand.book()
    about = {"refused_id": None, "refused_value": hand.standing.effective(field), "words": words}
    correction_id = book.ask(
        key, field, Why.OPERATOR, str(correctors[0]), by.name, about, rule, hand.scope.seller, wanted
    )
    return Pulled(correction_id, "asked", book.flush(conn))


# --- digests ---------------------------------------------------------------------------------------------------------

DIGESTS_MAX = 100
LINES_MAX = 1_000  # of one digest; the rest goes into the next
AGAIN_AFTER = timedelta(minutes=15)  # a digest nobody said what became of is taken again
NO_CHANNEL = "case"  # an owner without a channel is reached through a case
TOKEN_BITS = 160


@dataclass(frozen=True, slots=True)
class DigestDue:
    """Somebody to be told something. `digest_id`: one that was taken and of which nothing was heard."""

    account: str
    owner: str
    seller: str
    cause: str
    count: int
    digest_id: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a digest. `token`: for the single-use link; it is kept nowhere but in what is sent."""

    correction_id: str
    object: str
    object_id: str
    field: str
    value: Value
    words: str
    wanted: Value
    answer_by: datetime
    token: str


@dataclass(frozen=True, slots=True)
class Digest:
    id: str
    account: str
    owner: str
    seller: str
    cause: Why
    channel: str  # mirakl-thread | mail-digest | returned-file | case
    lines: tuple[Line, ...]


def due_digests(conn: Conn, ctx: Ctx, plan: Plan, account: str = "") -> list[DigestDue]:
    """Whom to tell now, one account's or all: the longest waiting first."""
    now = ctx.clock.now()
    fresh = request_store.due_audiences(conn, account, now, DIGESTS_MAX)
    again = request_store.due_again(conn, account, now, DIGESTS_MAX)
    return [
        *(DigestDue(r["account"], r["owner"], r["seller"], r["cause"], r["count"], r["id"]) for r in again),
        *(DigestDue(r["account"], r["owner"], r["seller"], r["cause"], r["count"]) for r in fresh),
    ]


def take_digest(conn: Conn, ctx: Ctx, plan: Plan, due: DigestDue) -> Digest | None:
    """Everything one owner is to be told of one cause, with a link for each row; None when there is nothing any more.

    Say what became of it with `delivered` or `undelivered`; a digest of which nothing is heard is due again after a quarter
    of an hour, with new links.  Errors: Busy.
    """
    audience = (due.account, due.owner, due.seller, due.cause)
    lock_root(conn, "digest:" + ":".join(audience))
    if due.digest_id is None:
        return _new_digest(conn, ctx, plan, audience)
    row = request_store.digest(conn, due.digest_id)
    if row is None or row["state"] != "taken":
        return None
    request_store.update_digest(
        conn, {"id": row["id"], "tried": row["tried"] + 1, "again_at": ctx.clock.now() + AGAIN_AFTER}
    )
    return _digest(conn, ctx, row["id"], audience, row["channel"], request_store.of_digest(conn, row["id"]))


def _new_digest(conn: Conn, ctx: Ctx, plan: Plan, audience: store.Audience) -> Digest | None:
    account, owner, seller, cause = audience
    now, every = ctx.clock.now(), requesting(plan, seller).digest_every
    rows = request_store.untold(conn, audience, now, LINES_MAX)
    if not rows:
        return None
    channel = (channels(plan, owner, seller) or (NO_CHANNEL,))[0]
    digest_id = ctx.ids.new("dig")
    row = {
        "id": digest_id,
        "account": account,
        "owner": owner,
        "seller": seller,
        "cause": cause,
        "window_at": window(now, every),
        "channel": channel,
        "taken_at": now,
        "again_at": now + AGAIN_AFTER,
        "plan_hash": plan.hash,
    }
    if not request_store.insert_digest(conn, row):
        request_store.tell_later(conn, audience, now, window(now, every) + every)
        return None
    taken = _digest(conn, ctx, digest_id, audience, channel, rows)
    request_store.tell_later(conn, audience, now, window(now, every) + every)  # what did not fit
    return taken


def _digest(
    conn: Conn, ctx: Ctx, digest_id: str, audience: store.Audience, channel: str, rows: Sequence[Row]
) -> Digest:
    tokens = {row["id"]: ctx.ids.token(TOKEN_BITS) for row in rows}
    request_store.give_tokens(
        conn,
        [
            {"id": row["id"], "digest_id": digest_id, "channel": channel, "token_hash": token_hash(tokens[row["id"]])}
            for row in rows
        ],
    )
    account, owner, seller, cause = audience
    lines = tuple(
        Line(
            row["id"],
            row["object"],
            row["object_id"],
            row["field"],
            row["refused_value"],
            row["words"],
            row["wanted"],
            row["answer_by"],
            tokens[row["id"]],
        )
        for row in rows
    )
    return Digest(digest_id, account, owner, seller, Why(cause), channel, lines)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def channels(plan: Plan, owner: str, seller: str) -> tuple[str, ...]:
    """How an owner is reached, in order; only sellers have channels of their own."""
    if Holder.read(owner).party != "seller":
        return ()
    return (plan.sellers.get(seller) or plan.sellers["*"]).contact


def delivered(conn: Conn, ctx: Ctx, digest_id: str, words: str = "") -> None:
    """A channel took it. Twice is once."""
    row, now = request_store.digest(conn, digest_id), ctx.clock.now()
    if row is None or row["state"] != "taken":
        return
    request_store.update_digest(
        conn, {"id": digest_id, "state": "delivered", "delivered_at": now, "again_at": None, "words": words}
    )
    request_store.deliver(conn, digest_id, row["channel"], now)
    ctx.point("correction.delivered")


def undelivered(conn: Conn, ctx: Ctx, plan: Plan, digest_id: str, words: str) -> str | None:
    """A channel did not take it: the next one of the owner, at once; None when there is none, and a person must reach him."""
    row = request_store.digest(conn, digest_id)
    if row is None or row["state"] != "taken":
        return None
    known = channels(plan, row["owner"], row["seller"])
    place = known.index(row["channel"]) + 1 if row["channel"] in known else len(known)
    if place < len(known):
        changes = {"channel": known[place], "again_at": ctx.clock.now(), "words": words}
        request_store.update_digest(conn, {"id": digest_id, **changes})
        return known[place]
    request_store.update_digest(conn, {"id": digest_id, "state": "undelivered", "again_at": None, "words": words})
    return None


# --- answers ---------------------------------------------------------------------------------------------------------


LINK_USED = "this link has been used, or a newer message has another one"


class LinkUsed(OwnerDecides):
    """A link that was used, was replaced by a newer one, or never was."""

    code = "link-used"


@dataclass(frozen=True, slots=True)
class Answered:
    """How a request stands after an answer. `changed` False: it had ended before. `refused`: the value he gave will not do."""

    correction_id: str
    state: str
    changed: bool
    judged: Judged = Judged()  # noqa: RUF009 - frozen, and empty
    refused: NotAllowed | None = None


def answer(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    rules: RuleSet,
    which: str,
    *,
    accepted: bool,
    words: str = "",
    value: Value = None,
    by: str = "",
) -> Answered:
    """The owner's answer, by the token of a link or (from who was let in otherwise) by the request's id.

    With a value it is his correction, applied at once and once; without one it is a promise, and the value closes it when it
    arrives.  Errors: LinkUsed, NotThere, Busy.
    """
    row = _asked(conn, which)
    by_link = row["token_hash"] == token_hash(which)
    key = key_of(row)
    lock(conn, [key])
    row = request_store.by_id(conn, row["id"]) or row
    if by_link and row["token_hash"] != token_hash(which):
        raise LinkUsed(LINK_USED)  # by somebody who held the object a moment ago
    if row["ended_at"] is not None:
        return Answered(row["id"], row["state"], changed=False)
    by, now = by or row["owner"], ctx.clock.now()
    if accepted and value is not None:
        return _corrected(conn, ctx, plan, rules, row, value, words, by)
    state = CorrectionState.ACCEPTED if accepted else CorrectionState.DECLINED
    changed = request_store.answered(conn, row["id"], state, words, by, now, None if accepted else now)
    ctx.point("correction.answered")
    freed = (
        ()
        if accepted
        else (Freed(*key, row["field"], "correction", row["id"], words or "declined", Why(row["cause"])),)
    )
    return Answered(
        row["id"], state.value if changed else row["state"], changed, Judged(freed=freed if changed else ())
    )


def _asked(conn: Conn, which: str) -> Row:
    row = request_store.by_token(conn, token_hash(which)) or request_store.by_id(conn, which)
    if row is not None:
        return row
    if which.startswith("cor_"):
        raise NotThere(f"there is no correction request {which}", id=which)
    raise LinkUsed(LINK_USED)


def _corrected(
    conn: Conn, ctx: Ctx, plan: Plan, rules: RuleSet, row: Row, value: Value, words: str, by: str
) -> Answered:
    key, now = key_of(row), ctx.clock.now()
    standing = store.standing(conn, [key], now.date())[key]
    wish = _wish(rules, standing, row, value, now)
    news = [one for one in judge_wishes(rules, standing, [wish], now, timedelta()) if isinstance(one, Enters | Out)]
    if news and isinstance(news[0], Out):
        return Answered(row["id"], row["state"], changed=False, refused=news[0].refusal)
    owned = standing.owned.get(row["field"])
    enters = (
        news[0] if news else Enters(wish, owned.rule if owned else row["rule"], value, owned.value if owned else None)
    )
    assert isinstance(enters, Enters)
    book = Book(ctx, plan, rules, now)
    book.add(standing, enters, From("", f"answer to request {row['id']}", CONSOLE, by))
    book.touched.add(key)  # the other side still shows what was refused
    judged = book.flush(conn)
    request_store.note_answer(conn, row["id"], words, by, now)
    return Answered(row["id"], CorrectionState.APPLIED.value, changed=True, judged=judged)


def _wish(rules: RuleSet, standing: Standing, row: Row, value: Value, now: datetime) -> Wish:
    """As a correction by the one whose value was refused, when he may correct; else by the owner who was asked."""
    scope = standing.scope or Scope(standing.key[0])
    refused = next((one for one in standing.refused.values() if one.id == row["refused_id"]), None)
    right = rule_for(rules.objects[standing.key[1]], row["field"], scope)
    may = refused is not None and right is not None and right.may(Act.CORRECT, Holder.read(refused.actor))
    actor = refused.actor if refused is not None and may else row["owner"]
    return Wish(row["field"], value, actor, now, scope, Act.CORRECT, told=True)
