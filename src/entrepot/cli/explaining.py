"""explain: why an object has the value it has, where it came from, by what right, and what it hides."""

from typing import TYPE_CHECKING

from entrepot.cli.opening import Opened, clean, opened
from entrepot.cli.output import paper, say_json
from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import WrongSetting

if TYPE_CHECKING:
    from entrepot.ownership.explain import Explained

DONE = 0


def explain(what: str, field: str, /, *, account: str = "", json: bool = False) -> int:
    """Why a field has the value it has: its source, the rule that let it in, and what it hides.

    Parameters
    ----------
    what
        The object as KIND:ID, such as offer:1042.
    field
        One of its fields, such as price.
    account
        At which account, when several know the object.
    json
        One JSON document on stdout.
    """
    from entrepot.cli.explain_pages import document, page

    with opened() as house:
        with house.db.transaction() as conn:
            found = _asked(conn, house, clean(what), clean(field), clean(account))
            place = place_of(conn, found.owners.rule if found.owners else found.rule)
        now = house.clock.now()
    if json:
        say_json(document(found, now, place))
    else:
        page(paper(), found, now, place)
    return DONE


def _asked(conn: Conn, house: Opened, what: str, field: str, account: str) -> "Explained":
    from entrepot.ownership import explain_store
    from entrepot.ownership.compile import compile_rules
    from entrepot.ownership.explain import explained

    kind, _, object_id = what.partition(":")
    if not kind or not object_id:
        raise WrongSetting(f"“{what}”: write KIND:ID, such as offer:1042")
    account = account_of(conn, house, kind, object_id, account)
    found = explained(conn, compile_rules(house.plan), account, kind, object_id, field)
    if found is None:
        known = ", ".join(explain_store.fields_of(conn, account, kind, object_id)) or "none yet"
        raise WrongSetting(f"there is nothing about the {field or 'field'} of {what} at {account}; it has: {known}")
    return found


def account_of(conn: Conn, house: Opened, kind: str, object_id: str, account: str) -> str:
    """The account that knows the object. Errors: WrongSetting says what there is instead."""
    from entrepot.ownership.explain_store import accounts_of, objects_like

    found = accounts_of(conn, kind, object_id)
    if account in found or (not account and len(found) == 1):
        return account or found[0]
    if found:
        at = ", ".join(found)
        raise WrongSetting(f"{kind} {object_id} is known at {at}: say which with --account")
    if kind not in house.plan.ownership:
        owned = ", ".join(sorted(house.plan.ownership)) or "no object at all"
        raise WrongSetting(f"the plan does not say who owns a “{kind}”; it says so of: {owned}")
    near = next((found for n in (5, 3, 2, 1) if (found := objects_like(conn, kind, object_id[:n]))), [])
    instead = f"there is {', '.join(near)}" if near else f"no {kind} begins with {object_id[:1]}"
    raise WrongSetting(f"there is no {kind} {object_id}; {instead}")


def place_of(conn: Conn, rule: str) -> str:
    """`ownership.yaml:41:7` in the plan in force; empty when nothing of that name stands there any more."""
    from entrepot.blueprint.places import places_of
    from entrepot.change.store import in_force

    version = in_force(conn)
    return places_of(version.files)(rule) if version else ""
