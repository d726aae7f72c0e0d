"""All SQL of identifiers."""

from collections.abc import Sequence

from entrepot.kernel.ctx import Conn, Row
from entrepot.store.bulk import insert_rows

FIND_LIMIT = 50


def join(conn: Conn, identifiers: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Remember that (account, scheme, value) names (object, object id); said twice is said once."""
    rows = {
        i[:3]: dict(zip(("account", "scheme", "value", "object", "object_id"), i, strict=True))
        for i in sorted(identifiers)
    }
    insert_rows(conn, "identifier", list(rows.values()), on_conflict="ON CONFLICT (account, scheme, value) DO NOTHING")


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
