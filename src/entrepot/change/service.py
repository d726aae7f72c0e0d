"""Bringing plans into force. Every function runs in the caller's transaction; only these move `installation.plan_hash`."""

from entrepot.blueprint.model import Plan
from entrepot.change import store
from entrepot.change.model import Change, ChangeKind, PlanRefused, Source, UnknownPlan, Version
from entrepot.change.source import plan_of
from entrepot.kernel.ctx import Conn, Ctx

HUB = "hub"
FIRST_REASON = "the first start: the file is the plan"


def plan_in_force(conn: Conn) -> Plan | None:
    """The plan the hub runs by, None before the first one."""
    found = store.in_force(conn)
    return plan_of(found) if found else None


def in_force(conn: Conn, hash_: str) -> bool:
    """Whether the hub runs by this plan, held so until the transaction ends.

    Where no plan ever came into force (a test, a simulator) the one that asks is it.
    """
    held = store.hash_in_force(conn)
    if held == hash_ or store.any_change(conn):
        return held == hash_
    conn.execute("UPDATE installation SET plan_hash = %s", (hash_,))
    return True


def first(conn: Conn, ctx: Ctx, source: Source) -> bool:
    """The file of the first start becomes the plan; False when there is one already, whatever the file says."""
    if store.any_change(conn):
        return False
    now = ctx.clock.now()
    store.keep(conn, source, now)
    return store.put_in_force(conn, ChangeKind.FIRST, source.hash, "", HUB, FIRST_REASON, now)


def apply(conn: Conn, ctx: Ctx, source: Source, *, by: str, reason: str) -> bool:
    """From this commit on the hub runs by this plan; False when it does so already.

    Errors: PlanRefused for another environment than the installation's, or without a reason.
    """
    _signed(by, reason)
    if source.plan.environment != ctx.environment:
        raise PlanRefused(
            f"the installation is {ctx.environment}, this plan {source.plan.environment}: one of them is wrong"
        )
    before = store.hash_in_force(conn, for_change=True)
    if before == source.hash and store.any_change(conn):
        return False
    now = ctx.clock.now()
    store.keep(conn, source, now)
    kind = ChangeKind.APPLY if store.any_change(conn) else ChangeKind.FIRST
    known = before if kind is ChangeKind.APPLY else ""
    store.put_in_force(conn, kind, source.hash, known, by.strip(), reason.strip(), now)
    return True


def roll_back(conn: Conn, ctx: Ctx, to: Version, *, by: str, reason: str) -> bool:
    """An older plan comes into force again; False when it is in force already."""
    _signed(by, reason)
    before = store.hash_in_force(conn, for_change=True)
    if before == to.hash:
        return False
    store.put_in_force(conn, ChangeKind.ROLLBACK, to.hash, before, by.strip(), reason.strip(), ctx.clock.now())
    return True


def _signed(by: str, reason: str) -> None:
    if not reason.strip() or not by.strip():
        raise PlanRefused("say who changes the plan and why: both stay in its history")


def find(conn: Conn, beginning: str) -> Version:
    """A plan by its hash, or by as much of its beginning as names one. Errors: UnknownPlan."""
    wanted = beginning.strip().lower()
    exact = store.version(conn, wanted)
    found = [exact] if exact else store.versions_like(conn, wanted) if wanted else []
    if not found:
        raise UnknownPlan(f"no plan {beginning} was ever in force here; the console's page Plan lists those that were")
    if len(found) > 1:
        raise UnknownPlan(f"{beginning} is the beginning of more than one plan: {found[0].hash}, {found[1].hash}")
    return found[0]


def since(conn: Conn, hash_: str) -> tuple[Change, ...]:
    """The changes that took the hub away from a plan, oldest first; empty when it is in force."""
    return tuple(store.changes_after(conn, hash_))
