"""Roots (a basket, a seller, a statement) are decided one at a time. Taken in sorted order and never waited for: what is not had now comes later."""

from collections.abc import Iterable

from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import Busy
from entrepot.store.bulk import texts


def lock_roots(conn: Conn, roots: Iterable[str]) -> set[str]:
    """Lock as many of these roots as can be had at once, until the transaction ends. Returns those that are ours.

    A root may not exist as a row yet (a basket's first message), so the lock is an advisory one on its name.
    """
    wanted = sorted(set(roots))
    if not wanted:
        return set()
    rows = conn.execute(
        "SELECT root, pg_try_advisory_xact_lock(hashtextextended(root, 0)) AS had FROM unnest(%s::text[]) WITH ORDINALITY AS r (root, n) ORDER BY n",
        (texts(wanted),),
    ).fetchall()
    return {row["root"] for row in rows if row["had"]}


def lock_root(conn: Conn, root: str) -> None:
    """Lock one root or raise Busy."""
    if root not in lock_roots(conn, [root]):
        raise Busy(f"{root} is being decided by another transaction", root=root)
