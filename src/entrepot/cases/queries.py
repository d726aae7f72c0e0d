"""Reading cases: lists by keyset, one case with its whole story, and the figures that must be zero."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.cases import member_store, question_store
from entrepot.cases.states import OBJECT
from entrepot.kernel.ctx import Conn, Row

LIMIT_MAX = 200
BODY_SHOWN_BYTES = 100_000
CASE_NUMBER_MAX = 2**63 - 1

Cursor = tuple[datetime, str]  # due_at and id of the last row seen


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Empty fields do not filter. `state`: open, suppressed, ended or all. `find`: any identifier of the case, or its number."""

    state: str = "open"
    owner: str = ""
    kind: str = ""
    mode: str = ""
    flow: str = ""
    account: str = ""
    root: str = ""
    find: str = ""


def list_cases(conn: Conn, wanted: CaseFilter | None = None, after: Cursor | None = None, limit: int = 50) -> list[Row]:
    """Cases by due time, earliest first; the next page starts after (due_at, id) of the last row."""
    wanted = wanted or CaseFilter()
    clauses, values = _clauses(wanted)
    if after is not None:
        clauses.append("(due_at, id) > (%(after_at)s, %(after_id)s)")
        values |= {"after_at": after[0], "after_id": after[1]}
    where = " AND ".join(clauses) or "true"
    values["limit"] = min(max(limit, 1), LIMIT_MAX)
    return conn.execute(f"SELECT * FROM case_file WHERE {where} ORDER BY due_at, id LIMIT %(limit)s", values).fetchall()


def count_of(conn: Conn, wanted: CaseFilter) -> int:
    """How many cases a filter finds."""
    clauses, values = _clauses(wanted)
    where = " AND ".join(clauses) or "true"
    row = conn.execute(f"SELECT count(*) AS n FROM case_file WHERE {where}", values).fetchone()
    return int(row["n"]) if row else 0


def _clauses(wanted: CaseFilter) -> tuple[list[str], dict[str, Any]]:
    clauses = {
        "open": ["resolved_at IS NULL", "state <> 'suppressed'"],
        "suppressed": ["resolved_at IS NULL", "state = 'suppressed'"],
        "ended": ["resolved_at IS NOT NULL"],
    }.get(wanted.state, [])
    values: dict[str, Any] = {}
    for name in ("owner", "kind", "mode", "flow", "account", "root"):
        if value := getattr(wanted, name):
            clauses.append(f"{name} = %({name})s")
            values[name] = value
    if find := wanted.find.strip():
        clauses.append(
            "(object_id = %(find)s OR root = %(find)s OR id = %(find)s OR number = %(number)s OR id IN "
            "(SELECT m.case_id FROM case_member m WHERE m.object_id = %(find)s))"
        )
        values |= {"find": find, "number": _number(find)}
    return clauses, values


def _number(text: str) -> int:
    """A case number as people write it: 1042 or #1042; -1 when it is none."""
    text = text.removeprefix("#")
    found = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    return found if found <= CASE_NUMBER_MAX else -1


def find_case(conn: Conn, id_or_number: str) -> Row | None:
    return conn.execute(
        "SELECT * FROM case_file WHERE id = %s OR number = %s", (id_or_number, _number(id_or_number))
    ).fetchone()


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """One case, everything that belongs to it, oldest first."""

    case: Row
    events: list[Row]
    alerts: list[Row]
    message: Row | None  # with envelope_channel, envelope_route; body clipped
    effect: Row | None
    attempts: list[Row]
    obligation: Row | None
    related: list[Row]  # other cases of the same root
    members: list[Row]  # of a group, those that still fail first
    questions: list[Row]  # what it asked about ownership


def case_detail(conn: Conn, id_or_number: str) -> CaseDetail | None:
    case = find_case(conn, id_or_number)
    if case is None:
        return None
    return CaseDetail(
        case,
        _events(conn, case["id"]),
        _alerts(conn, case["id"]),
        _message(conn, case["message_id"]),
        conn.execute("SELECT * FROM effect WHERE id = %s", (case["effect_id"],)).fetchone(),
        conn.execute("SELECT * FROM attempt WHERE effect_id = %s ORDER BY number", (case["effect_id"],)).fetchall(),
        conn.execute("SELECT * FROM obligation WHERE id = %s", (case["obligation_id"],)).fetchone(),
        _related(conn, case),
        member_store.members_of(conn, case["id"]) if case["grouped_by"] != OBJECT else [],
        question_store.of_case(conn, case["id"]),
    )


def _events(conn: Conn, case_id: str) -> list[Row]:
    """Its story. Members have a list of their own, and no line each."""
    return conn.execute(
        "SELECT * FROM case_event WHERE case_id = %s AND what <> 'member' ORDER BY seq", (case_id,)
    ).fetchall()


def _alerts(conn: Conn, case_id: str) -> list[Row]:
    return conn.execute(
        "SELECT id, team, channel, subject, state, attempts, planned_at, sent_at, last_error "
        "FROM alert WHERE case_id = %s ORDER BY seq",
        (case_id,),
    ).fetchall()


def _message(conn: Conn, message_id: str | None) -> Row | None:
    return conn.execute(
        "SELECT m.id, m.account, m.kind, m.external_id, m.revision, m.root, m.flow, m.state, m.note, "
        "m.received_at, m.decided_at, m.attempts, m.seen, m.replaces, substring(m.body FOR %s) AS body, length(m.body) AS body_bytes, "
        "e.channel AS envelope_channel, e.route AS envelope_route "
        "FROM message m JOIN envelope e ON e.id = m.envelope_id WHERE m.id = %s",
        (BODY_SHOWN_BYTES, message_id),
    ).fetchone()


def _related(conn: Conn, case: Row) -> list[Row]:
    if not case["root"]:
        return []
    return conn.execute(
        "SELECT id, number, mode, state, owner, title, opened_at, resolved_at FROM case_file "
        "WHERE root = %s AND id <> %s ORDER BY opened_at, id LIMIT 50",
        (case["root"], case["id"]),
    ).fetchall()


def open_counts(conn: Conn) -> list[Row]:
    """Open cases by owner and kind, with money at risk per currency and the earliest due time."""
    return conn.execute(
        "SELECT owner, kind, currency, count(*) AS cases, sum(money_minor)::bigint AS money_minor, "
        "min(due_at) AS due_at FROM case_file WHERE resolved_at IS NULL AND state <> 'suppressed' "
        "GROUP BY owner, kind, currency ORDER BY owner, kind, currency"
    ).fetchall()


def open_count(conn: Conn) -> int:
    return _figure(conn, "SELECT count(*) AS n FROM case_file WHERE resolved_at IS NULL AND state <> 'suppressed'")


def without_owner(conn: Conn) -> int:
    """Failures nobody owns: must be 0. A parked message or outgoing action without a case counts too."""
    return _figure(
        conn,
        """
        SELECT (SELECT count(*) FROM case_file WHERE owner = '')
             + (SELECT count(*) FROM message m WHERE m.state = 'parked'
                 AND NOT EXISTS (SELECT FROM case_file c WHERE c.message_id = m.id)
                 AND NOT EXISTS (SELECT FROM case_event v WHERE v.detail->>'message_id' = m.id))
             + (SELECT count(*) FROM effect e WHERE e.state = 'parked'
                 AND NOT EXISTS (SELECT FROM case_file c WHERE c.effect_id = e.id)
                 AND NOT EXISTS (SELECT FROM case_event v WHERE v.detail->>'effect_id' = e.id)) AS n
        """,
    )


def obligation_figures(conn: Conn) -> dict[str, int]:
    """Obligations by state, and `missed_without_alert`: broken before anybody had heard of them; must be 0."""
    rows = conn.execute("SELECT state, count(*) AS n FROM obligation GROUP BY state ORDER BY state").fetchall()
    figures = dict.fromkeys(("due", "warned", "escalated", "met", "met-late", "missed", "void"), 0)
    figures |= {row["state"]: row["n"] for row in rows}
    figures["missed_without_alert"] = _figure(
        conn,
        "SELECT count(*) AS n FROM obligation "
        "WHERE state IN ('missed', 'met-late') AND (warned_at IS NULL OR warned_at > due_at)",
    )
    return figures


def due_obligations(conn: Conn, limit: int = 50) -> list[Row]:
    """Promises still open, the most pressing first."""
    return conn.execute(
        "SELECT * FROM obligation WHERE ended_at IS NULL ORDER BY due_at, id LIMIT %s", (min(limit, LIMIT_MAX),)
    ).fetchall()


def _figure(conn: Conn, sql: str) -> int:
    row = conn.execute(sql).fetchone()
    return int(row["n"]) if row else 0
