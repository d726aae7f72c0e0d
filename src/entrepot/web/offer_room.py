"""The console's and the sellers' doors to ownership: each lever and each answer is one transaction of its own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from entrepot.blueprint.model import Plan
from entrepot.flows.corrections import Corrections
from entrepot.flows.offer_desk import OfferDesk
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.ids import ALPHABET
from entrepot.ownership import service
from entrepot.ownership.compile import compile_rules
from entrepot.ownership.model import Value
from entrepot.ownership.requests import token_hash
from entrepot.ownership.service import Answered, LinkUsed, Person, Pulled
from entrepot.web import offer_words, words
from entrepot.web.offer_ports import Acting
from entrepot.web.store import offers as store
from entrepot.web.views.offers import AnswerTaken, AskedRow, AskedView, GivenAnswer

OFFER = "offer"
BY_LINK = "seller, by the link of his message"
Follow = Callable[[Ctx, Conn, Pulled], None]  # what a lever leads to: published, put before the marketplace, cases


class Answering(Protocol):
    """The owner's answer to one request, and all that follows, in the caller's transaction."""

    def __call__(
        self, ctx: Ctx, conn: Conn, which: str, *, accepted: bool, said: str, value: Value, by: str
    ) -> Answered: ...


class OfferRoom:
    """A person's levers.  Shape: `follow` is written in the same transaction; none: as the flow of offers does it."""

    def __init__(self, ctx: Ctx, plan: Plan, follow: Follow | None = None) -> None:
        rules = compile_rules(plan)
        self._ctx, self._follow = ctx, follow or OfferDesk(Parts(plan, {}), rules).follow
        self._by = (ctx, plan, rules)

    def hold(self, account: str, offer_id: str, field: str, by: Acting, reason: str, until: datetime) -> str:
        key, who = (account, OFFER, offer_id), _person(by)
        self._pull(lambda conn: service.hold(conn, *self._by, key, field, by=who, reason=reason, until=until))
        return f"Offer {offer_id} is held and not sold until {until:%Y-%m-%d %H:%M} UTC. Its value stays untouched."

    def release(self, hold_id: str, by: Acting, reason: str) -> str:
        self._pull(lambda conn: service.lift_hold(conn, *self._by, hold_id, by=_person(by), reason=reason))
        return "The hold is over. The offer sells again unless something else holds it."

    def override(
        self, account: str, offer_id: str, field: str, value: Value, by: Acting, reason: str, until: datetime
    ) -> str:
        key, who = (account, OFFER, offer_id), _person(by)
        pulled = self._pull(
            lambda conn: service.override(conn, *self._by, key, field, value, by=who, reason=reason, until=until)
        )
        if pulled.state == "asked":
            return "This is a large change: it counts when a second person confirms it."
        return f"It counts until {until:%Y-%m-%d %H:%M} UTC; then the owner’s value returns by itself."

    def confirm(self, override_id: str, by: Acting, reason: str) -> str:
        self._pull(lambda conn: service.confirm_override(conn, *self._by, override_id, by=_person(by), reason=reason))
        return "Confirmed: the override counts from now on."

    def end(self, override_id: str, by: Acting, reason: str) -> str:
        self._pull(lambda conn: service.end_override(conn, *self._by, override_id, by=_person(by), reason=reason))
        return "The override is over: the owner’s value counts again."

    def ask(self, account: str, offer_id: str, field: str, wanted: Value, by: Acting, reason: str) -> str:
        key, who = (account, OFFER, offer_id), _person(by)
        self._pull(lambda conn: service.request(conn, *self._by, key, field, wanted, by=who, reason=reason))
        return "The owner is asked in his next message."

    def _pull(self, lever: Callable[[Conn], Pulled]) -> Pulled:
        with self._ctx.db.transaction() as conn:
            pulled = lever(conn)
            self._follow(self._ctx, conn, pulled)
            return pulled


def _person(by: Acting) -> Person:
    return Person(by.name, by.team)


class _NotThisValue(Exception):
    """Rolls the answer back: nothing of it is kept."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__()
        self.problems = dict(problems)


class AnswerRoom:
    """What a link opens: the rows of the message it came in that are still open, of that seller alone."""

    def __init__(self, ctx: Ctx, plan: Plan, answer: Answering | None = None) -> None:
        self._ctx, self._plan = ctx, plan
        self._answer = answer or Corrections(Parts(plan, {}), compile_rules(plan)).answer

    def asked(self, token: str) -> AskedView | None:
        with self._ctx.db.transaction() as conn:
            rows = self._open(conn, token)
        return self._view(rows) if rows else None

    def answer(self, token: str, given: Sequence[GivenAnswer]) -> AnswerTaken | None:
        """In one transaction: a value that will not do takes every other answer back with it."""
        try:
            with self._ctx.db.transaction() as conn:
                rows = {row["id"]: row for row in self._open(conn, token)}
                if not rows or any(one.id not in rows for one in given):
                    return None
                if any(row["answer_by"] <= self._ctx.clock.now() for row in rows.values()):
                    return None
                return self._take(conn, token, rows, given)
        except _NotThisValue as error:
            return AnswerTaken(problems=error.problems)
        except LinkUsed:
            return None  # another answer through the same link came first; nothing of this one is kept

    def _take(self, conn: Conn, token: str, rows: Mapping[str, Row], given: Sequence[GivenAnswer]) -> AnswerTaken:
        values = _typed_values(rows, given)
        problems, applied = {}, 0
        for one in given:
            which = _which(rows[one.id], token)
            said = self._answer(
                self._ctx, conn, which, accepted=one.accepted, said=one.words, value=values[one.id], by=BY_LINK
            )
            if said.refused is not None:
                problems[one.id] = f"This value cannot be taken: {said.refused.words}."
            applied += said.state == "applied"
        if problems:
            raise _NotThisValue(problems)
        return AnswerTaken("The corrected values are in; they count from now on." if applied else "")

    def _open(self, conn: Conn, token: str) -> list[Row]:
        """Only a link's secret opens it: what could be an id of ours is none."""
        if not token or any(char not in ALPHABET for char in token):
            return []
        return store.asked_with(conn, token_hash(token))

    def _view(self, rows: Sequence[Row]) -> AskedView:
        first = rows[0]
        account = self._plan.accounts.get(first["account"])
        answer_by = min(row["answer_by"] for row in rows)
        return AskedView(
            shop=account.system if account else "The marketplace",
            seller=first["seller"],
            word=offer_words.why_word(first["cause"]),
            rows=tuple(_row(row) for row in rows),
            answer_by=answer_by,
            currency=first["currency"] or "",
            expired=answer_by <= self._ctx.clock.now(),
        )


def _row(row: Row) -> AskedRow:
    field, currency = row["field"], row["currency"] or ""
    wanted = offer_words.shown(field, row["wanted"], currency) if row["wanted"] is not None else ""
    return AskedRow(
        id=row["id"],
        offer=row["object_id"],
        field=words.plain(field).lower(),
        value=offer_words.shown(field, row["refused_value"], currency),
        words=words.sentence(row["words"]),
        kind=offer_words.kind_of(field, row["refused_value"]),
        wanted=wanted,
    )


def _typed_values(rows: Mapping[str, Row], given: Sequence[GivenAnswer]) -> dict[str, Value]:
    """By row; None: a promise, the value comes by itself. Errors: _NotThisValue with everything that is wrong."""
    values: dict[str, Value] = {}
    problems = {}
    for one in given:
        row = rows[one.id]
        kind = offer_words.kind_of(row["field"], row["refused_value"])
        try:
            values[one.id] = (
                offer_words.typed(kind, one.value, row["currency"] or "") if one.accepted and one.value else None
            )
        except offer_words.NoSuchValue as error:
            problems[one.id] = f"{error.message}."
    if problems:
        raise _NotThisValue(problems)
    return values


def _which(row: Row, token: str) -> str:
    """The link's own row is answered by its secret, which uses it up; the rows beside it in the same message by their ids."""
    return token if row["token_hash"] == token_hash(token) else str(row["id"])
