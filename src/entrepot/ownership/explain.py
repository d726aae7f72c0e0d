"""Why a field has the value it has: where it came from, by what right, and what it hides. Data for the console and `entrepot explain`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.ctx import Conn, Row
from entrepot.ownership import explain_store
from entrepot.ownership.compile import FieldRights, RuleSet
from entrepot.ownership.explain_store import LIST_MAX, Wanted
from entrepot.ownership.model import Act, Scope, Value
from entrepot.ownership.rules import PRICE_FIELDS, listed, rule_for


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from. `rule`: path in the plan; `plan_hash`: of the plan it was let in under."""

    value: Value
    before: Value
    actor: str
    source: str
    message_id: str | None
    rule: str
    plan_hash: str
    theirs_at: datetime
    ours_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Explained:
    """One field of one object. Shape: what stands first, then what has ended, the newest first; history the newest first.

    `currency`: of a price.  `rule_words`: the rule of today in words.
    """

    account: str
    object: str
    object_id: str
    field: str
    scope: Scope
    value: Value
    currency: str | None
    owners: Origin | None
    override: Row | None
    rule: str
    rule_words: str
    holds: Sequence[Row]
    refused: Sequence[Row]
    overrides: Sequence[Row]
    corrections: Sequence[Row]
    reassertions: Sequence[Row]
    history: Sequence[Origin]

    @property
    def held(self) -> list[Row]:
        return [row for row in self.holds if row["lifted_at"] is None]


def explained(conn: Conn, rules: RuleSet, account: str, object: str, object_id: str, field: str) -> Explained | None:
    """Everything there is to tell of one field; None when nobody ever wrote it, was refused it, or asked for it."""
    kept = explain_store.of_field(conn, account, object, object_id, field)
    if not any(kept[name] for name in ("value", "overrides", "corrections")) and not any(
        row["field"] == field for row in (*kept["refused"], *kept["holds"])
    ):
        return None
    origins = [_origin(row) for row in kept["history"]]
    override = next((row for row in kept["overrides"] if row["state"] == "live"), None)
    value = override["value"] if override else kept["value"][0]["value"] if kept["value"] else None
    scope = _scope(account, kept["object"])
    right = _right(rules, object, field, scope)
    return Explained(
        account,
        object,
        object_id,
        field,
        scope,
        value,
        _currency(rules, account, field, kept["currency"]),
        origins[0] if origins else None,
        override,
        right.path if right else "",
        rule_words(right, field),
        kept["holds"],
        kept["refused"],
        kept["overrides"],
        kept["corrections"],
        kept["reassertions"],
        origins,
    )


def _origin(row: Row) -> Origin:
    return Origin(**{name: row[name] for name in Origin.__slots__})


def _scope(account: str, rows: Sequence[Row]) -> Scope:
    return Scope(account, rows[0]["seller"], rows[0]["seller_model"], rows[0]["category"]) if rows else Scope(account)


def _right(rules: RuleSet, object: str, field: str, scope: Scope) -> FieldRights | None:
    owned = rules.objects.get(object)
    return rule_for(owned, field, scope) if owned else None


def _currency(rules: RuleSet, account: str, field: str, rows: Sequence[Row]) -> str | None:
    if field not in PRICE_FIELDS:
        return None
    own = rows[0]["value"] if rows else None
    known = rules.accounts.get(account)
    return str(own) if own else known.currency if known else None


_RIGHTS = (
    (Act.UPDATE, "sets it"),
    (Act.HOLD, "may hold it"),
    (Act.OVERRIDE, "may lay another over it"),
    (Act.CORRECT, "may correct it"),
    (Act.REQUEST, "may ask for a correction"),
)


def rule_words(right: FieldRights | None, field: str) -> str:
    """`seller sets it; operator may hold it; …`: a rule as a sentence."""
    if right is None:
        return f"the plan gives {field} to nobody here"
    said = [f"{listed(map(str, right.holders[act]))} {word}" for act, word in _RIGHTS if right.holders[act]]
    where = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in right.where)
    order = " before ".join(map(str, right.precedence))
    parts = [
        *said,
        *([f"in the order {order}"] if order else []),
        *([f"combined: {right.combine}"] if right.combine else []),
    ]
    return (f"for {where}: " if where else "") + "; ".join(parts or ["nobody has a right"])


# --- lists -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a list, with how much stands about it. Read its values with `service.effective`."""

    account: str
    object: str
    object_id: str
    seller: str
    category: str
    known_at: datetime
    holds: int
    overrides: int
    corrections: int
    refusals: int


@dataclass(frozen=True, slots=True)
class ListPage:
    """`after`: what to ask for the next page with; None at the end."""

    rows: tuple[Listed, ...]
    after: tuple[str, str] | None


def listing(
    conn: Conn,
    object: str,
    wanted: Wanted = "all",
    after: tuple[str, str] | None = None,
    limit: int = 50,
    *,
    account: str = "",
    seller: str = "",
) -> ListPage:
    """Objects in the order (account, id): all, or those held, overridden, with open requests, with refusals that stand."""
    limit = max(1, min(limit, LIST_MAX))
    found = explain_store.objects(conn, object, wanted, account, seller, after, limit)
    rows = tuple(Listed(**{name: row[name] for name in Listed.__slots__}) for row in found)
    return ListPage(rows, (rows[-1].account, rows[-1].object_id) if len(rows) == limit else None)
