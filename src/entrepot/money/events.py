"""Every move of a statement or a payout leaves an event: what, from, to, by whom, because of what."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from entrepot.kernel.ctx import Conn, Ctx
from entrepot.store.bulk import insert_rows

HUB = "hub"


@dataclass(frozen=True, slots=True)
class Moved:
    object: str  # statement | payout
    object_id: str
    root: str
    what: str
    from_state: str
    to_state: str
    by: str = HUB
    because: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def record(conn: Conn, ctx: Ctx, moves: Sequence[Moved]) -> None:
    now = ctx.clock.now()
    insert_rows(
        conn,
        "event",
        [{"id": ctx.ids.new("evt"), "at": now, "plan_hash": ctx.plan_hash, **asdict(move)} for move in moves],
    )
