"""SQL of what is told of one field, and of lists of objects that need a look."""

from datetime import datetime
from typing import Any, Literal

from entrepot.kernel.ctx import Conn, Row

HISTORY_MAX, ENDED_MAX = 50, 20
LIST_MAX = 200

Wanted = Literal["all", "held", "overridden", "asked", "refused"]

_AT = "account = %(account)s AND object = %(object)s AND object_id = %(object_id)s"
_HERE = f"{_AT} AND field = %(field)s"


def accounts_of(conn: Conn, object: str, object_id: str) -> list[str]:
    """Where an object of this id is known."""
    rows = conn.execute(
        "SELECT account FROM owned_object WHERE object = %s AND object_id = %s ORDER BY account", (object, object_id)
    ).fetchall()
    return [row["account"] for row in rows]


def fields_of(conn: Conn, account: str, object: str, object_id: str) -> list[str]:
    """Fields of which there is anything to tell."""
    tables = ("owned_value", "override_value", "refused_write", "hold", "correction")
    sql = " UNION ".join(f"SELECT field FROM {table} WHERE {_AT}" for table in tables)
    rows = conn.execute(
        f"SELECT field FROM ({sql}) AS f WHERE field NOT IN ('', '*') ORDER BY field",
        {"account": account, "object": object, "object_id": object_id},
    ).fetchall()
    return [row["field"] for row in rows]


def objects_like(conn: Conn, object: str, beginning: str, limit: int = 5) -> list[str]:
    rows = conn.execute(
        "SELECT DISTINCT object_id FROM owned_object WHERE object = %s AND starts_with(object_id, %s) ORDER BY object_id LIMIT %s",
        (object, beginning, limit),
    ).fetchall()
    return [row["object_id"] for row in rows]


def of_field(conn: Conn, account: str, object: str, object_id: str, field: str) -> dict[str, list[Row]]:
    """Everything kept about one field: the value, its history, what lies over it, what was refused, held, asked, put back."""
    here: dict[str, Any] = {"account": account, "object": object, "object_id": object_id, "field": field}
    limits = {"history": HISTORY_MAX, "ended": ENDED_MAX}

    def rows(sql: str) -> list[Row]:
        return conn.execute(sql, {**here, **limits}).fetchall()

    return {
        "object": rows(f"SELECT * FROM owned_object WHERE {_AT} ORDER BY account"),
        "value": rows(f"SELECT * FROM owned_value WHERE {_HERE} ORDER BY field"),
        "history": rows(f"SELECT * FROM value_change WHERE {_HERE} ORDER BY version DESC LIMIT %(history)s"),
        "overrides": rows(
            f"SELECT * FROM override_value WHERE {_HERE} ORDER BY ended_at IS NULL DESC, asked_at DESC, id LIMIT %(ended)s"
        ),
        "refused": rows(
            f"SELECT * FROM refused_write WHERE {_AT} AND field IN (%(field)s, '') "
            "ORDER BY ended_at IS NULL DESC, last_at DESC, id LIMIT %(ended)s"
        ),
        "holds": rows(
            f"SELECT * FROM hold WHERE {_AT} ORDER BY lifted_at IS NULL DESC, starts_at DESC, id LIMIT %(ended)s"
        ),
        "corrections": rows(
            f"SELECT * FROM correction WHERE {_HERE} ORDER BY ended_at IS NULL DESC, asked_at DESC, id LIMIT %(ended)s"
        ),
        "reassertions": rows(f"SELECT * FROM reassertion WHERE {_HERE} ORDER BY day DESC LIMIT %(ended)s"),
        "currency": rows(f"SELECT value FROM owned_value WHERE {_AT} AND field = 'currency' ORDER BY field"),
    }


_EXISTS = {
    "held": "EXISTS (SELECT FROM hold x WHERE {on} AND x.lifted_at IS NULL)",
    "overridden": "EXISTS (SELECT FROM override_value x WHERE {on} AND x.ended_at IS NULL)",
    "asked": "EXISTS (SELECT FROM correction x WHERE {on} AND x.ended_at IS NULL)",
    "refused": "EXISTS (SELECT FROM refused_write x WHERE {on} AND x.ended_at IS NULL)",
}
_ON = "x.account = o.account AND x.object = o.object AND x.object_id = o.object_id"


def objects(
    conn: Conn, object: str, wanted: Wanted, account: str, seller: str, after: tuple[str, str] | None, limit: int
) -> list[Row]:
    """Objects of a kind in the order (account, id), with how many holds, overrides, requests and refusals stand about each."""
    where = _EXISTS[wanted].format(on=_ON) if wanted != "all" else "true"
    counts = ", ".join(
        f"(SELECT count(*) FROM {table} x WHERE {_ON} AND x.{end} IS NULL) AS {name}"
        for name, table, end in (
            ("holds", "hold", "lifted_at"),
            ("overrides", "override_value", "ended_at"),
            ("corrections", "correction", "ended_at"),
            ("refusals", "refused_write", "ended_at"),
        )
    )
    return conn.execute(
        f"SELECT o.*, {counts} FROM owned_object o WHERE o.object = %(object)s AND {where} "
        "AND (%(account)s = '' OR o.account = %(account)s) AND (%(seller)s = '' OR o.seller = %(seller)s) "
        "AND (%(first)s::boolean OR (o.account, o.object_id) > (%(after_account)s, %(after_id)s)) "
        "ORDER BY o.account, o.object_id LIMIT %(limit)s",
        {
            "object": object,
            "account": account,
            "seller": seller,
            "first": after is None,
            "after_account": after[0] if after else "",
            "after_id": after[1] if after else "",
            "limit": limit,
        },
    ).fetchall()


def written_under(conn: Conn, plan_hash: str, since: datetime, limit: int) -> list[Row]:
    """Values a plan's rules let in since then: what a rollback touches."""
    return conn.execute(
        "SELECT account, object, object_id, field, version, value, actor, rule, ours_at FROM value_change "
        "WHERE plan_hash = %s AND ours_at >= %s ORDER BY ours_at, account, object, object_id, field, version LIMIT %s",
        (plan_hash, since, limit),
    ).fetchall()
