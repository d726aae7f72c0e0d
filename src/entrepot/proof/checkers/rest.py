"""When the day is over nothing is left to do, and doing everything once more changes nothing."""

from collections.abc import Mapping
from datetime import datetime

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, rows

# What a second pass must leave as it is. `message.seen`, cursors, lanes and periodic rows may move: they count looks.
BUSINESS_TABLES: Mapping[str, str] = {
    "message": "id, state, note, attempts",
    "effect": "id, state, attempts, payload, outcome",
    "attempt": "effect_id, number, outcome",
    "basket": "t.*",
    "leg": "t.*",
    "line": "t.*",
    "shipment": "t.*",
    "return_file": "t.*",
    "refund": "t.*",
    "refund_confirmation": "t.*",
    "event": "id",
    "journal": "id, key",
    "posting": "journal_id, number, amount_minor",
    "statement": "t.*",
    "statement_line": "t.*",
    "line_match": "t.*",
    "variance": "t.*",
    "payout": "t.*",
    "case_file": "id, state, count",
    "obligation": "t.*",
    "owned_value": "t.*",
    "hold": "t.*",
    "override_value": "t.*",
    "correction": "t.*",
    "correction_digest": "t.*",
    "offer_shown": "t.*",
}


def nothing_is_left(conn: Conn, books: Books) -> list[Finding]:
    """No message undecided and no action under way, unless a person has it as an open case."""
    now = datetime.fromisoformat(books["world"]["now"])
    found = []
    for row in rows(conn, "SELECT id, kind, external_id, attempts, note FROM message WHERE state = 'new' ORDER BY seq"):
        found.append(Finding("rest", f"{row['kind']} {row['external_id']} is still undecided after {row['attempts']} tries", row["id"]))  # fmt: skip
    for row in rows(conn, "SELECT id, route, account FROM envelope WHERE sealed ORDER BY id"):
        found.append(Finding("rest", f"what came to {row['route']} for {row['account']} was never opened", row["id"]))
    for row in rows(conn, "SELECT id, key, state, note FROM effect e WHERE state IN ('planned', 'sending', 'unknown') ORDER BY seq"):  # fmt: skip
        found.append(Finding("rest", f"is still {row['state']}: {row['note'] or 'no word why'}", row["key"]))
    for row in rows(conn, "SELECT * FROM lane WHERE lease_until > %s ORDER BY account, purpose", now):
        found.append(Finding("rest", "is still being drained", f"{row['account']}/{row['purpose']}"))
    for row in rows(conn, "SELECT * FROM lane WHERE failures > 0 ORDER BY account, purpose"):
        found.append(Finding("rest", f"failed {row['failures']} times: {row['last_error']}", f"{row['account']}/{row['purpose']}"))  # fmt: skip
    for row in rows(conn, "SELECT * FROM periodic WHERE failures > 0 ORDER BY account, name"):
        found.append(Finding("rest", f"failed {row['failures']} times: {row['last_error']}", f"{row['account']}/{row['name']}"))  # fmt: skip
    return found


def snapshot(conn: Conn) -> dict[str, str]:
    """A digest of every business table."""
    found = {}
    for table, columns in BUSINESS_TABLES.items():
        row = conn.execute(
            f"SELECT coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') AS digest FROM (SELECT {columns} FROM {table} AS t) AS r"
        ).fetchone()
        assert row is not None
        found[table] = row["digest"]
    return found


def unchanged(before: Mapping[str, str], after: Mapping[str, str]) -> list[Finding]:
    """A second pass of every drain does nothing."""
    return [
        Finding("second-pass", "doing everything once more changed it", table)
        for table in before
        if before[table] != after[table]
    ]
