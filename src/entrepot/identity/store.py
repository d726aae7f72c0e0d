"""All SQL of identifiers."""

from collections.abc import Sequence

from entrepot.identity.model import Conflict, Identifier
from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows

FIND_LIMIT = 50
_COLUMNS = ("account", "scheme", "value", "object", "object_id")


def join(conn: Conn, identifiers: Sequence[tuple[str, str, str, str, str]]) -> list[Conflict]:
    """Remember that (account, scheme, value) names (object, object id); said twice is said once.

    Conflicts: values that name another object of the same kind already. What stands stays; the caller makes cases of them.
    """
    asked = sorted(set(identifiers))
    rows = {one[:3]: one for one in reversed(asked)}
    new = insert_rows(
        conn,
        "identifier",
        [dict(zip(_COLUMNS, one, strict=True)) for one in reversed(rows.values())],
        on_conflict="ON CONFLICT (account, scheme, value) DO NOTHING",
        returning="1",
    )
    return [] if len(new) == len(asked) else _conflicts(conn, [Identifier(*one) for one in asked])


def _conflicts(conn: Conn, asked: Sequence[Identifier]) -> list[Conflict]:
    rows = conn.execute(
        "SELECT i.* FROM identifier i JOIN unnest(%s::text[], %s::text[], %s::text[]) AS k (account, scheme, value) "
        "ON i.account = k.account AND i.scheme = k.scheme AND i.value = k.value ORDER BY i.account, i.scheme, i.value",
        ([i.account for i in asked], [i.scheme for i in asked], [i.value for i in asked]),
    ).fetchall()
    stands = {(row["account"], row["scheme"], row["value"]): _identifier(row) for row in rows}
    pairs = [(i, stands[i.account, i.scheme, i.value]) for i in asked]
    return [Conflict(i, s) for i, s in pairs if i.object == s.object and i.object_id != s.object_id]


def _identifier(row: Row) -> Identifier:
    return Identifier(*(row[name] for name in _COLUMNS))


def exact(conn: Conn, account: str, scheme: str, value: str) -> Identifier | None:
    row = conn.execute(
        "SELECT * FROM identifier WHERE account = %s AND scheme = %s AND value = %s", (account, scheme, value)
    ).fetchone()
    return _identifier(row) if row else None


def named(conn: Conn, value: str, objects: Sequence[str]) -> list[Identifier]:
    """Objects of these kinds that any system calls so."""
    rows = conn.execute(
        "SELECT * FROM identifier WHERE value = %s AND object = ANY(%s) ORDER BY account, scheme, object_id LIMIT %s",
        (value, list(objects), FIND_LIMIT),
    ).fetchall()
    return [_identifier(row) for row in rows]


def names_of(conn: Conn, object_: str, object_id: str) -> list[Identifier]:
    rows = conn.execute(
        "SELECT * FROM identifier WHERE object = %s AND object_id = %s ORDER BY account, scheme, value LIMIT %s",
        (object_, object_id, FIND_LIMIT),
    ).fetchall()
    return [_identifier(row) for row in rows]


def find(conn: Conn, value: str) -> list[Row]:
    """Everything a value names, in any system: identifiers, then our own ids and the marketplace's record ids."""
    return conn.execute(
        """
        SELECT object, object_id, account, scheme FROM (
            SELECT 1 AS rank, object, object_id, account, scheme FROM identifier WHERE value = %(v)s
            UNION SELECT 2, 'leg', l.id, l.account, 'id' FROM leg l WHERE l.id = %(v)s
            UNION SELECT 2, 'basket', b.id, b.account, 'id' FROM basket b WHERE b.id = %(v)s
            UNION SELECT 2, 'case', c.id, c.account, 'id' FROM case_file c WHERE c.id = %(v)s OR c.number::text = %(v)s
            UNION SELECT 2, 'effect', e.id, e.account, 'key' FROM effect e WHERE e.id = %(v)s OR e.key = %(v)s
            UNION SELECT 2, 'message', m.id, m.account, m.kind FROM message m WHERE m.id = %(v)s OR m.external_id = %(v)s
            UNION SELECT 3, 'leg', n.leg_id, '', 'sku' FROM line n WHERE n.sku = %(v)s
            UNION SELECT 3, 'statement', s.id, s.account, 'voucher' FROM statement s WHERE s.voucher = %(v)s OR s.external_id = %(v)s OR s.id = %(v)s
        ) AS found ORDER BY rank, object, object_id LIMIT %(limit)s
        """,
        {"v": value, "limit": FIND_LIMIT},
    ).fetchall()
