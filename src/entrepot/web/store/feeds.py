"""Sellers' files: keyset lists over the arrivals, and one of them with the rejects of the file that counts."""

from collections.abc import Mapping
from typing import Any

from entrepot.bulk.arrival.keeping import size_words
from entrepot.bulk.arrival.model import MOVES
from entrepot.bulk.arrival.model import State as Arrived
from entrepot.bulk.arrival.store import COUNTS
from entrepot.bulk.rejects import REJECT
from entrepot.bulk.rules import Reject
from entrepot.kernel.ctx import Conn, Row
from entrepot.web import words
from entrepot.web.store.common import PAGE, BrokenLink, read_token, token
from entrepot.web.views import State, Tone
from entrepot.web.views.feeds import FeedDetail, FeedFilter, FeedPage, FeedRow

_SHOWN: Mapping[str, str] = {
    "waiting": "a.state IN ('arriving', 'found', 'kept', 'reading')",
    "refused": "a.state = 'refused'",
    "applied": "a.state IN ('applied', 'same')",
}
_ROWS = f"""
    SELECT a.*, f.version, f.state AS file_state, {", ".join(f"f.{name}" for name in COUNTS)}
      FROM feed_arrival a LEFT JOIN feed_file f ON f.id = a.file_id
"""
ENDING_REFUSED = State("Applied, nothing ended", Tone.WARN)
CODES_MAX = 30


def page(conn: Conn, accounts: tuple[str, ...], wanted: FeedFilter) -> FeedPage:
    conditions, values = ["true"], dict[str, Any](limit=PAGE + 1)
    if wanted.show in _SHOWN:
        conditions.append(_SHOWN[wanted.show])
    for name in ("account", "seller"):
        if value := getattr(wanted, name):
            conditions.append(f"a.{name} = %({name})s")
            values[name] = value.replace("\x00", "")
    if wanted.after:
        values["at"], values["id"] = read_token(wanted.after)
        conditions.append("(a.seen_at, a.id) < (%(at)s, %(id)s)")
    query = f"{_ROWS} WHERE {' AND '.join(conditions)} ORDER BY a.seen_at DESC, a.id DESC LIMIT %(limit)s"
    rows = conn.execute(query, values).fetchall()
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return FeedPage(wanted, tuple(_row(row) for row in rows[:PAGE]), token(last["seen_at"], last["id"]) if last else "", accounts)  # fmt: skip


def detail(conn: Conn, arrival_id: str, after: str) -> FeedDetail | None:
    row = conn.execute(f"{_ROWS} WHERE a.id = %s", (arrival_id.replace("\x00", ""),)).fetchone()
    if row is None:
        return None
    counting = conn.execute(
        "SELECT file_id FROM feed WHERE account = %s AND seller = %s", (row["account"], row["seller"])
    ).fetchone()
    counts = bool(counting and counting["file_id"] == row["file_id"])
    found = rejects(conn, row["account"], row["seller"], after) if counts else []
    last = found[PAGE - 1] if len(found) > PAGE else None
    return FeedDetail(
        row=_row(row),
        sent_by=row["sent_by"],
        origin=row["origin"],
        digest=row["digest"],
        complete=row["complete"],
        mapping=f"version {row['mapping_version']}" if row["mapping_version"] else "",
        same_as=row["same_as"],
        where=row["refused_where"],
        started_at=row["started_at"],
        is_here=row["is_here"],
        may_read_again=row["is_here"] and Arrived.KEPT in MOVES[Arrived(row["state"])],
        counts=counts,
        counting=_counting(conn, row) if not counts else "",
        numbers={name: row[name] for name in ("rows_read", *COUNTS)} if row["version"] is not None else {},
        ending_refused="yes" if row["file_state"] == "ending-refused" else "",
        by_code=_by_code(conn, row["account"], row["seller"]) if counts else (),
        rejects=tuple(_reject(one) for one in found[:PAGE]),
        rejects_after=f"{last['source_row']}~{last['place']}" if last else "",
    )


def rejects(conn: Conn, account: str, seller: str, after: str) -> list[Row]:
    """One page and one row more, in the file's order. Errors: BrokenLink."""
    row, _, place = after.partition("~")
    if after and not (row.isascii() and row.isdigit() and place.isascii() and place.isdigit() and len(after) < 30):
        raise BrokenLink("this address points at no page of the list; open the list again")
    return conn.execute(
        "SELECT * FROM feed_reject WHERE account = %s AND seller = %s AND (source_row, place) > (%s::bigint, %s::int) "
        "ORDER BY source_row, place LIMIT %s",
        (account, seller, row or "-1", place or "0", PAGE + 1),
    ).fetchall()


def _counting(conn: Conn, row: Row) -> str:
    found = conn.execute(
        "SELECT a.id FROM feed JOIN feed_arrival a ON a.file_id = feed.file_id WHERE feed.account = %s AND feed.seller = %s "
        "AND a.state = 'applied' ORDER BY a.seen_at DESC, a.id DESC LIMIT 1",
        (row["account"], row["seller"]),
    ).fetchone()
    return str(found["id"]) if found else ""


def _by_code(conn: Conn, account: str, seller: str) -> tuple[tuple[str, str, int], ...]:
    rows = conn.execute(
        "SELECT field, code, count(*) AS n FROM feed_reject WHERE account = %s AND seller = %s GROUP BY field, code "
        "ORDER BY n DESC, field, code LIMIT %s",
        (account, seller, CODES_MAX),
    ).fetchall()
    return tuple((row["field"], row["code"], row["n"]) for row in rows)


def _reject(row: Row) -> Reject:
    return Reject(row["source_row"], *(row[name] for name in REJECT))


def _row(row: Row) -> FeedRow:
    reading = row["state"] == Arrived.READING
    share = min(99, row["rows_read"] * 100 // row["rows_expected"]) if reading and row["rows_expected"] else None
    shown = words.state(words.FEED, row["state"])
    return FeedRow(
        id=row["id"],
        account=row["account"],
        seller=row["seller"],
        name=row["name"],
        version=row["version"],
        state=ENDING_REFUSED if row["file_state"] == "ending-refused" else shown,
        door=words.DOOR.get(row["door"], row["door"]),
        size=size_words(row["size_bytes"]),
        read=row["rows_read"],
        expected=row["rows_expected"] if reading else 0,
        percent=share,
        changed=row["rows_changed"],
        rejected=row["rows_rejected"],
        seen_at=row["seen_at"],
        ended_at=row["ended_at"],
        problem=row["refused_what"],
        whose=row["refused_whose"],
    )
