"""Single records as they came and went: a message, an outgoing action, its attempts."""

import json
from typing import Any

from entrepot.kernel.ctx import Conn, Row
from entrepot.web import words
from entrepot.web.store import cases
from entrepot.web.store.common import basket_of, document, readable
from entrepot.web.views import ActionDetail, ActionRow, AttemptRow, Document, MessageDetail, MessageRow

MESSAGE_COLUMNS = "m.id, m.kind, m.external_id, m.account, m.received_at, m.state, m.seen, m.note"
ACTION_COLUMNS = "e.id, e.operation, e.account, e.key, e.state, e.planned_at, e.done_at, e.attempts, e.note"
ATTEMPTS_MAX = 100


def message(conn: Conn, message_id: str) -> MessageDetail | None:
    found = conn.execute(
        f"""SELECT {MESSAGE_COLUMNS}, m.flow, m.root, m.body, v.channel, v.route, v.headers, v.body AS whole
              FROM message m JOIN envelope v ON v.id = m.envelope_id WHERE m.id = %s""",
        (message_id,),
    ).fetchone()
    if found is None:
        return None
    return MessageDetail(
        row=message_row(found),
        flow=words.flow_word(found["flow"]),
        root=basket_of(conn, found["root"]),
        channel=words.CHANNEL.get(found["channel"], str(found["channel"])),
        route=found["route"],
        headers={name: str(value) for name, value in sorted(found["headers"].items())},
        document=Document("The message", readable(found["body"])),
        envelope=Document("Envelope", readable(found["whole"])) if found["whole"] != found["body"] else None,
        cases=cases.newest_first(conn, "c.message_id = %s", message_id),
    )


def action(conn: Conn, effect_id: str) -> ActionDetail | None:
    found = conn.execute(
        f"SELECT {ACTION_COLUMNS}, e.flow, e.root, e.window_until, e.payload, e.outcome FROM effect e WHERE e.id = %s",
        (effect_id,),
    ).fetchone()
    if found is None:
        return None
    return ActionDetail(
        row=action_row(found),
        flow=words.flow_word(found["flow"]),
        root=basket_of(conn, found["root"]),
        window_until=found["window_until"],
        document=Document("What is sent", document(found["payload"])),
        outcome=Document("What came of it", document(found["outcome"])) if found["outcome"] is not None else None,
        attempts=attempts(conn, effect_id),
        curl=curl(conn, effect_id, found["payload"]),
        cases=cases.newest_first(conn, "c.effect_id = %s", effect_id),
    )


def message_row(found: Row) -> MessageRow:
    return MessageRow(
        id=found["id"],
        kind=found["kind"],
        external_id=found["external_id"],
        account=found["account"],
        received_at=found["received_at"],
        state=words.state(words.MESSAGE, found["state"]),
        seen=found["seen"],
        note=found["note"] or "",
    )


def action_row(found: Row) -> ActionRow:
    return ActionRow(
        id=found["id"],
        what=words.plain(found["operation"]),
        account=found["account"],
        key=found["key"],
        state=words.state(words.ACTION, found["state"]),
        planned_at=found["planned_at"],
        done_at=found["done_at"],
        attempts=found["attempts"],
        note=found["note"] or "",
    )


def attempts(conn: Conn, effect_id: str) -> tuple[AttemptRow, ...]:
    rows = conn.execute(
        """SELECT number, kind, started_at, outcome, detail FROM attempt WHERE effect_id = %s
            ORDER BY number DESC LIMIT %s""",
        (effect_id, ATTEMPTS_MAX),
    ).fetchall()
    return tuple(
        AttemptRow(
            number=found["number"],
            kind=found["kind"],
            at=found["started_at"],
            outcome=words.state(words.ATTEMPT, found["outcome"].replace("notthere", "not-there")),
            detail=_answer(found["detail"]),
        )
        for found in reversed(rows)
    )


def _answer(detail: dict[str, Any]) -> str:
    """`PUT …/accept → 409 {"message": …}`: what was asked and what they said, as far as it was kept."""
    asked = " ".join(str(detail[name]) for name in ("method", "url") if name in detail)
    rest = {name: value for name, value in detail.items() if name not in ("method", "url", "status", "bytes")}
    said = " ".join(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in rest.values()
    )
    answer = f"{detail.get('status', '')} {said}".strip()
    return f"{asked} → {answer}" if asked and answer else asked or answer


def curl(conn: Conn, effect_id: str, payload: Any) -> str:
    """The last request as a command for a terminal; the credential is a variable, never a value."""
    found = conn.execute(
        """SELECT detail FROM attempt WHERE effect_id = %s AND kind = 'send' AND detail ? 'url'
            ORDER BY number DESC LIMIT 1""",
        (effect_id,),
    ).fetchone()
    if found is None:
        return ""
    detail = found["detail"]
    body = detail.get("request", payload)
    return " \\\n  ".join(
        (
            f"curl -X {detail.get('method', 'POST')} {_quoted(str(detail['url']))}",
            '-H "Authorization: $KEY"',
            "-H 'Content-Type: application/json'",
            f"--data {_quoted(json.dumps(body, ensure_ascii=False))}",
        )
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
