"""Which object a foreign identifier names: what was said before, else what the plan's join map allows to conclude."""

from entrepot.identity import store
from entrepot.identity.model import Ambiguous, Identifier, Joined, NotKnown, Resolved
from entrepot.identity.rules import JoinMap
from entrepot.kernel.ctx import Conn


def resolve(conn: Conn, rules: JoinMap, account: str, scheme: str, value: str) -> Resolved:
    """Exact first. Else the same value under another system's name for a kind of object that the plan joins by it."""
    exact = store.exact(conn, account, scheme, value)
    if exact is not None:
        return Joined(exact.object, exact.object_id, (_call(exact),))
    sought = rules.sought(account, scheme, value)
    objects = rules.objects_named(account, scheme)
    found = store.named(conn, value, objects) if objects else []
    things = {(one.object, one.object_id): one for one in found}
    if not things:
        return NotKnown(sought)
    if len(things) > 1:
        return Ambiguous(sought, tuple(found))
    [known] = things.values()
    return Joined(known.object, known.object_id, (f"{account} calls it {scheme} {value}", _call(known)))


def path_of(conn: Conn, object_: str, object_id: str) -> tuple[str, ...]:
    """Which system calls an object what, in the order of their names."""
    return tuple(_call(one) for one in store.names_of(conn, object_, object_id))


def _call(one: Identifier) -> str:
    return f"{one.account} calls it {one.scheme} {one.value}"
