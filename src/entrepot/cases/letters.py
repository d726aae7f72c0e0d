"""Letters to people outside (a seller's mailbox), by the same road as alerts: planned in a transaction, sent by the lane `notify`."""

from dataclasses import dataclass

from entrepot.kernel.ctx import Conn, Ctx
from entrepot.store.bulk import insert_rows

REDACTED = "(sent; its links are kept nowhere)"


@dataclass(frozen=True, slots=True)
class Letter:
    """`key`: what is said to whom. `channel`: an address, or a reference to one."""

    key: str
    to: str
    channel: str
    subject: str
    body: str


def plan_letter(conn: Conn, ctx: Ctx, letter: Letter) -> None:
    """Plan it, or give one that still waits the newest words; one that went out stays as it went."""
    now = ctx.clock.now()
    row = {
        "id": ctx.ids.new("alert"),
        "key": letter.key,
        "team": letter.to,
        "channel": letter.channel,
        "subject": letter.subject,
        "body": letter.body,
        "planned_at": now,
        "due_at": now,
    }
    newest = (
        "ON CONFLICT (key) DO UPDATE SET subject = excluded.subject, body = excluded.body WHERE alert.state = 'planned'"
    )
    insert_rows(conn, "alert", [row], on_conflict=newest)


def redact(conn: Conn, key: str) -> None:
    """A letter that went out carries links that nobody else may read."""
    conn.execute("UPDATE alert SET body = %s WHERE key = %s AND state = 'sent'", (REDACTED, key))
