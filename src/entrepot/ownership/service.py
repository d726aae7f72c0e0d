"""What other rooms ask of ownership. Every function runs in the caller's transaction and writes a handful of statements, however many objects."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.ownership import request_store, store
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
from entrepot.ownership.model import Effective, Scope, Value, Why
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
from entrepot.ownership.standing import Key, Standing
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
    "answered_digests",
    "asked",
    "asked_about",
    "confirm_override",
    "delivered",
    "digest_row",
    "disturbed",
    "due_digests",
    "effective",
    "end_cause",
    "end_override",
    "expire",
    "hold",
    "hold_for_cause",
    "know",
    "laid_over",
    "lift_hold",
    "observe",
    "open_requests",
    "override",
    "override_row",
    "recheck",
    "refused_still",
    "request",
    "requests_in",
    "silent",
    "standing",
    "take_digest",
    "undelivered",
    "write",
    "write_before",
]  # fmt: skip


def override_row(conn: Conn, override_id: str) -> Row | None:
    """One override as it stands; None for an id that is none."""
    return store.override_of(conn, override_id)


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


def standing(conn: Conn, ctx: Ctx, keys: Iterable[Key]) -> dict[Key, Standing]:
    """What stands about these objects: values, overrides, holds, refusals. Any number of them in as many statements."""
    return store.standing(conn, keys, ctx.clock.now().date())


def know(conn: Conn, ctx: Ctx, objects: Mapping[Key, Scope]) -> None:
    """Records of ours that nobody has written a value of yet: from now on people can hold them, or lay another value over."""
    store.write_objects(conn, [
        {"account": account, "object": kind, "object_id": object_id, "seller": at.seller, "seller_model": at.seller_model,
         "category": at.category, "known_at": ctx.clock.now()}
        for (account, kind, object_id), at in sorted(objects.items())
    ])  # fmt: skip


def refused_still(conn: Conn, account: str, object: str, ids: Sequence[str]) -> dict[str, set[Why]]:
    """In which ways each of these objects is wrong just now; one with nothing wrong is not there."""
    found: dict[str, set[Why]] = {}
    for row in store.refusals_of(conn, account, object, ids):
        found.setdefault(row["object_id"], set()).add(Why(row["why"]))
    return found


def disturbed(conn: Conn, account: str, object: str, since: datetime) -> list[Row]:
    """Objects that are held or overridden, or were since then: `object_id`, and of live overrides `override_id` and `field`."""
    return store.disturbed(conn, account, object, since)


def asked(conn: Conn, ids: Sequence[str]) -> dict[str, Row]:
    """Correction requests by id, as they stand."""
    return {row["id"]: row for row in request_store.by_ids(conn, ids)}


def asked_about(conn: Conn, digest_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """The objects these digests ask about, of which nothing corrected has come yet, as (account, object, object id)."""
    return [(r["account"], r["object"], r["object_id"]) for r in request_store.objects_in(conn, digest_ids)]


def open_requests(conn: Conn, account: str, seller: str, cause: str) -> list[str]:
    """What one seller was asked about one cause and has not settled, the oldest first."""
    return request_store.open_of(conn, account, seller, cause)


def answered_digests(conn: Conn, digest_ids: Sequence[str]) -> set[str]:
    """Of these digests those of which every request has been answered, or corrected without a word."""
    return set(digest_ids) - request_store.unanswered(conn, digest_ids)


def requests_in(conn: Conn, digest_id: str) -> list[Row]:
    """The requests one digest carries."""
    return request_store.of_digest(conn, digest_id)


def digest_row(conn: Conn, digest_id: str) -> Row | None:
    """A digest as it stands. Errors: Busy."""
    return request_store.digest(conn, digest_id)


def laid_over(conn: Conn, account: str, object: str, ids: Sequence[str]) -> dict[tuple[str, str], Value]:
    """Fields of these objects under a live override, as (object id, field), with the owner's value beneath it."""
    return {(r["object_id"], r["field"]): r["value"] for r in store.laid_over(conn, account, object, ids)}
