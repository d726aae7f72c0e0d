"""What other rooms ask of ownership. Every function runs in the caller's transaction and writes a handful of statements, however many objects."""

from collections.abc import Sequence

from entrepot.kernel.ctx import Conn
from entrepot.ownership import store
from entrepot.ownership.expiry import EXPIRE_DUE_SQL, expire
from entrepot.ownership.hands import (
    NotThere,
    NotYours,
    OutsideLimits,
    Person,
    Pulled,
    SamePerson,
    StandsAlready,
    WrongEnd,
)
from entrepot.ownership.holds import end_cause, hold, hold_for_cause, lift_hold, silent
from entrepot.ownership.model import Effective, Value
from entrepot.ownership.observing import observe, recheck
from entrepot.ownership.overrides import confirm_override, end_override, override
from entrepot.ownership.request_store import DIGEST_DUE_SQL
from entrepot.ownership.requests import (
    Answered,
    Digest,
    DigestDue,
    LinkUsed,
    answer,
    delivered,
    due_digests,
    request,
    take_digest,
    undelivered,
)
from entrepot.ownership.writing import Written, write, write_before

__all__ = [
    "DIGEST_DUE_SQL",
    "EXPIRE_DUE_SQL",
    "Answered",
    "Digest",
    "DigestDue",
    "LinkUsed",
    "NotThere",
    "NotYours",
    "OutsideLimits",
    "Person",
    "Pulled",
    "SamePerson",
    "StandsAlready",
    "Written",
    "WrongEnd",
    "answer",
    "confirm_override",
    "delivered",
    "due_digests",
    "effective",
    "end_cause",
    "end_override",
    "expire",
    "hold",
    "hold_for_cause",
    "lift_hold",
    "observe",
    "override",
    "recheck",
    "request",
    "silent",
    "take_digest",
    "undelivered",
    "write",
    "write_before",
]  # fmt: skip


def effective(conn: Conn, account: str, object: str, ids: Sequence[str]) -> dict[str, Effective]:
    """These objects as everything downstream sees them; one nobody ever wrote is not there."""
    values: dict[str, dict[str, Value]] = {}
    for row in store.values_of(conn, account, object, ids):
        values.setdefault(row["object_id"], {})[row["field"]] = row["value"]
    held: dict[str, dict[str, str]] = {}
    for row in store.holds_of(conn, account, object, ids):
        held.setdefault(row["object_id"], {})[row["id"]] = row["words"]
    return {
        object_id: Effective(account, object, object_id, values.get(object_id, {}), held.get(object_id, {}))
        for object_id in sorted({*values, *held})
    }
