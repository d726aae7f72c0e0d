"""What every batch of decisions about objects begins with: in rounds, locked, with the time the other side is given."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import Busy
from entrepot.ownership.standing import Key
from entrepot.store.locks import lock_roots

SETTLE = timedelta(seconds=60)  # how late the other side may come to show ours, where the account does not say

T = TypeVar("T")


def settle(plan: Plan, account: str) -> timedelta:
    found = plan.accounts.get(account)
    return found.settle if found is not None and found.settle is not None else SETTLE


def root(key: Key) -> str:
    account, object, object_id = key
    return f"{object}:{account}:{object_id}"


def lock(conn: Conn, keys: Iterable[Key]) -> None:
    """These objects, until the transaction ends. Errors: Busy when one of them is being decided by somebody else."""
    wanted = set(keys)
    if missing := wanted - lockable(conn, wanted):
        one = root(min(missing))
        raise Busy(f"{one} is being decided by another transaction", root=one)


def lockable(conn: Conn, keys: Iterable[Key]) -> set[Key]:
    """Those of them that could be locked; the others come later."""
    roots = {root(key): key for key in keys}
    return {roots[one] for one in lock_roots(conn, roots)}


def rounds(items: Sequence[T], key: Callable[[T], object]) -> list[list[T]]:
    """In order, so that no round holds one key twice."""
    found: list[list[T]] = []
    turn: dict[object, int] = {}
    for item in items:
        n = turn.get(key(item), 0)
        turn[key(item)] = n + 1
        if n == len(found):
            found.append([])
        found[n].append(item)
    return found
