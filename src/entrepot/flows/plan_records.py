"""What a change of the plan touches among the records, and what was decided under a plan: read, counted, changed by nobody.

The questions follow the differences: an owner that changes asks for that mode's open cases, a deadline for promises,
a retry, a mode or a mapping for actions that have not left the house, a rule of ownership for its holds and overrides.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.change.diff import Difference
from entrepot.kernel.ctx import Conn, Row

SHOWN_MAX = 20  # names beside each count
LAYERS = {  # of ownership, where the schema has them: table, and what of it still stands
    "hold": "lifted_at",
    "override_value": "ended_at",
    "correction": "ended_at",
}

FAILURE_KEYS = ("owner", "within", "may", "escalate", "kind", "corrects", "requests", "when_missed")
DEADLINE_KEYS = ("deadline", "confirmations", "receipt", "validation")
ACCOUNT_WINDOWS = ("acceptance_window", "payment_window", "calendar")
NOT_GONE = "state IN ('planned', 'unknown', 'parked', 'refused', 'advised')"


@dataclass(frozen=True, slots=True)
class Touched:
    """Records of one kind that one difference of the plan reaches. `names`: the first of them."""

    because: str  # path in the plan
    kind: str  # case, obligation, effect, message, flow, or a layer of ownership
    count: int
    names: tuple[str, ...]
    words: str

    def document(self) -> dict[str, Any]:
        return {
            "because": self.because,
            "kind": self.kind,
            "count": self.count,
            "names": self.names,
            "words": self.words,
        }


@dataclass(frozen=True, slots=True)
class _Question:
    because: str
    kind: str
    words: str
    where: str
    values: Mapping[str, Any]


_TABLES = {  # what each kind is called by, and where it lies
    "case": ("case_file", "number::text", "due_at, id"),
    "obligation": ("obligation", "kind || ' ' || coalesce(nullif(name, ''), object_id)", "due_at, id"),
    "effect": ("effect", "key", "seq"),
    "message": ("message", "kind || ' ' || external_id", "seq"),
    "flow": ("flow", "name || ' (' || state || ')'", "name"),
}


def touched(conn: Conn, found: Sequence[Difference], before: Plan, after: Plan) -> list[Touched]:
    """Every kind of record that a change reaches, with how many and which; those without any are left out."""
    questions = {(q.kind, q.where, str(q.values)): q for one in found for q in _questions(one, before, after)}
    answers = [_asked(conn, question) for question in questions.values()]
    return [one for one in [*answers, *_layers(conn, found)] if one.count]


def _questions(one: Difference, before: Plan, after: Plan) -> Iterator[_Question]:
    if one.same_meaning:
        return
    ask = _ASKS.get(one.section)
    if ask is not None:
        yield from ask(one, before, after)


def _of_failure(one: Difference, before: Plan, after: Plan) -> Iterator[_Question]:
    key = one.path[2] if len(one.path) > 2 else ""
    if key and key not in FAILURE_KEYS:
        return
    words = {
        "owner": "stay with the team they have; new ones go to the new owner",
        "escalate": "are escalated by the new steps from their next look on",
        "may": "may be decided by the new verbs at once",
        "within": "keep their due time; new ones get the new one",
    }.get(key, "are read by the new rule at once")
    if one.removed and not key:
        words = "have no failure mode any more: decide them first"
    yield _Question(one.dotted, "case", words, "mode = %(mode)s AND resolved_at IS NULL", {"mode": one.entry})
    if key in ("escalate", "when_missed"):
        where = "mode = %(mode)s AND ended_at IS NULL"
        yield _Question(one.dotted, "obligation", "are warned of by the new steps", where, {"mode": one.entry})


def _of_team(one: Difference, before: Plan, after: Plan) -> Iterator[_Question]:
    words = "belong to a team that is gone: hand them over first" if one.removed and len(one.path) == 2 else (
        "are this team's: hours, deputies and channels count at once"
    )  # fmt: skip
    yield _Question(one.dotted, "case", words, "owner = %(team)s AND resolved_at IS NULL", {"team": one.entry})
    where = "owner = %(team)s AND ended_at IS NULL"
    yield _Question(one.dotted, "obligation", "are watched in this team's hours", where, {"team": one.entry})


def _of_account(one: Difference, before: Plan, after: Plan) -> Iterator[_Question]:
    if len(one.path) > 2 and one.path[2] in ACCOUNT_WINDOWS:
        where = "account = %(account)s AND ended_at IS NULL"
        words = "keep the due time they were promised with; new ones get the new window"
        yield _Question(one.dotted, "obligation", words, where, {"account": one.entry})


def _of_flow(one: Difference, before: Plan, after: Plan) -> Iterator[_Question]:
    flow, key = {"flow": one.entry}, one.path[2] if len(one.path) > 2 else ""
    if not key:
        words = "ends: what waits in it stands still" if one.removed else "begins"
        yield _Question(one.dotted, "flow", words, "name = %(flow)s", flow)
    if key in DEADLINE_KEYS or (one.removed and not key):
        words = "keep the due time they were promised with; new ones get the new one"
        yield _Question(one.dotted, "obligation", words, "flow = %(flow)s AND ended_at IS NULL", flow)
    if key in ("retry", "mode") or (one.removed and not key):
        yield _Question(one.dotted, "effect", _effect_words(key, after, one), f"flow = %(flow)s AND {NOT_GONE}", flow)
    if key == "mode" or not key:
        yield _Question(
            one.dotted, "message", "wait and are decided under the new plan", "flow = %(flow)s AND state = 'new'", flow
        )
    if key in ("pause", "mode"):
        where = "name = %(flow)s AND state <> 'running'"
        yield _Question(one.dotted, "flow", "stands still and goes on doing so", where, flow)


_MODE_WORDS = {
    "advise": "have not left the house; what was planned waits for a person's release from then on, as a case each",
    "act": "have not left the house; what is advised goes on waiting for its release",
}


def _effect_words(key: str, after: Plan, one: Difference) -> str:
    mode = after.flows[one.entry].mode if one.entry in after.flows else ""
    if key == "mode" and mode == "observe":
        return "have not left the house and are not sent while the flow only observes"
    if key == "mode":
        return _MODE_WORDS.get(mode, "have not left the house")
    return "keep the window they were promised with; the waits between two tries follow the new plan"


def _of_mapping(one: Difference, before: Plan, after: Plan) -> Iterator[_Question]:
    tables = [plan.mappings[one.entry] for plan in (before, after) if one.entry in plan.mappings]
    for table in tables:
        accounts = sorted(n for plan in (before, after) for n, a in plan.accounts.items() if a.system == table.system)
        where = {"flow": table.flow, "accounts": accounts}
        if table.direction == "out":
            words = "were planned with the words of the older plan; replay gives them the new ones"
            yield _Question(
                one.dotted, "effect", words, f"flow = %(flow)s AND account = ANY(%(accounts)s) AND {NOT_GONE}", where
            )
        states = "state IN ('new', 'parked')"
        yield _Question(
            one.dotted,
            "message",
            "are read with the new words when their turn comes, parked ones after a retry",
            f"flow = %(flow)s AND {states}",
            where,
        )


_ASKS: Mapping[str, Callable[[Difference, Plan, Plan], Iterator[_Question]]] = {
    "failures": _of_failure,
    "teams": _of_team,
    "accounts": _of_account,
    "flows": _of_flow,
    "mappings": _of_mapping,
}


def _asked(conn: Conn, question: _Question) -> Touched:
    table, name, order = _TABLES[question.kind]
    row = conn.execute(f"SELECT count(*) AS n FROM {table} WHERE {question.where}", question.values).fetchone()
    rows = conn.execute(
        f"SELECT {name} AS name FROM {table} WHERE {question.where} ORDER BY {order} LIMIT {SHOWN_MAX}", question.values
    ).fetchall()
    names = tuple(one["name"] for one in rows)
    return Touched(question.because, question.kind, int(row["n"]) if row else 0, names, question.words)


def _layers(conn: Conn, found: Sequence[Difference]) -> Iterator[Touched]:
    """Holds and overrides of objects whose rules change, where this schema has tables of them."""
    rules = {one.entry: one for one in found if one.section == "ownership" and not one.same_meaning}
    for table, ended in LAYERS.items() if rules else ():
        if not _has(conn, table, ended):
            continue
        for kind, one in rules.items():
            rows = conn.execute(
                f"SELECT object_id, count(*) OVER () AS n FROM {table} WHERE object = %s AND {ended} IS NULL ORDER BY object_id LIMIT {SHOWN_MAX}",
                (kind,),
            ).fetchall()
            names = tuple(str(row["object_id"]) for row in rows)
            words = "are judged by the new rule from their next look on"
            yield Touched(one.dotted, table, int(rows[0]["n"]) if rows else 0, names, words)


def _has(conn: Conn, table: str, ended: str) -> bool:
    """Whether the schema has this table with the columns we ask for."""
    row = conn.execute(
        "SELECT count(*) AS n FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname IN ('object', 'object_id', %s)",
        (table, ended),
    ).fetchone()
    return bool(row and row["n"] == 3)


# ── what was decided under a plan ────────────────────────────────────────────────────────────────────────────

_DECIDED: Mapping[str, str] = {
    "messages": "SELECT flow, kind AS what, state, count(*) AS n FROM message WHERE decided_under = ANY(%(plans)s) AND decided_at >= %(since)s",
    "effects": "SELECT flow, operation AS what, state, count(*) AS n FROM effect WHERE plan_hash = ANY(%(plans)s) AND planned_at >= %(since)s",
    "journals": "SELECT '' AS flow, fact AS what, '' AS state, count(*) AS n FROM journal WHERE plan_hash = ANY(%(plans)s) AND posted_at >= %(since)s",
    "cases": "SELECT flow, mode AS what, state, count(*) AS n FROM case_file WHERE plan_hash = ANY(%(plans)s) AND opened_at >= %(since)s",
    "obligations": "SELECT flow, kind AS what, state, count(*) AS n FROM obligation WHERE plan_hash = ANY(%(plans)s) AND due_at >= %(since)s",
    "refunds": "SELECT 'return-refund' AS flow, origin AS what, state, count(*) AS n FROM refund WHERE plan_hash = ANY(%(plans)s) AND decided_at >= %(since)s",
    "returns": "SELECT 'return-refund' AS flow, 'return' AS what, state, count(*) AS n FROM return_file WHERE plan_hash = ANY(%(plans)s) AND decided_at >= %(since)s",
    "shipments": "SELECT 'shipment' AS flow, 'parcel' AS what, state, count(*) AS n FROM shipment WHERE plan_hash = ANY(%(plans)s) AND decided_at >= %(since)s",
    "variances": "SELECT 'settlement' AS flow, cause AS what, state, count(*) AS n FROM variance WHERE plan_hash = ANY(%(plans)s) AND found_at >= %(since)s",
    "mapping_uses": "SELECT flow, mapping AS what, theirs || ' ↔ ' || ours AS state, count(*) AS n FROM mapping_use WHERE plan_hash = ANY(%(plans)s) AND at >= %(since)s",
}


def decided_under(conn: Conn, plans: Sequence[str], since: datetime) -> dict[str, list[Row]]:
    """Counts of everything written under these plans since then: by flow, what it is, and state."""
    values = {"plans": list(plans), "since": since}
    return {
        name: conn.execute(f"{sql} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3", values).fetchall()
        for name, sql in _DECIDED.items()
    }
