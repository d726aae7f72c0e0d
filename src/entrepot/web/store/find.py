"""Anything by any identifier: exact first, then by its beginning."""

from collections.abc import Iterable, Sequence

from entrepot.identity.service import path_of
from entrepot.identity.store import find as find_identifier
from entrepot.kernel.ctx import Conn, Row
from entrepot.web import words
from entrepot.web.store.common import page_of
from entrepot.web.views import FindView, Found

FOUND_MAX = 50
PATHS_MAX = 20  # more of it is a list to choose from
BEGINNING_MIN_CHARS = 3
# Both sides of the range are the reader's text: an index on text in byte order finds what begins with it.
_BEGINNING = """
    SELECT object, object_id, account, scheme FROM identifier
     WHERE value COLLATE "C" >= %(from)s AND value COLLATE "C" < %(to)s ORDER BY value COLLATE "C" LIMIT %(limit)s
"""


# What a channel or our warehouse calls by a number that joins nothing: an article there, a parcel, a batch, a dispute, a refund.
_OF_CHANNELS = """
    SELECT object, object_id, account, scheme FROM (
        (SELECT 'listing' AS object, account || '/' || sku AS object_id, account, 'sku' AS scheme FROM listing WHERE sku = %(v)s)
        UNION ALL (SELECT 'parcel', p.id, l.account, CASE WHEN p.tracking = %(v)s THEN 'tracking' ELSE 'parcel number' END
                     FROM parcel p JOIN leg l ON l.id = p.leg_id WHERE p.tracking = %(v)s OR p.number = %(v)s OR p.id = %(v)s LIMIT %(limit)s)
        UNION ALL (SELECT 'submission', account || ':' || submission_id, account, 'submission_id' FROM submission WHERE submission_id = %(v)s)
        UNION ALL (SELECT 'dispute', account || ':' || dispute_id, account, 'dispute_id' FROM dispute WHERE dispute_id = %(v)s OR id = %(v)s)
        UNION ALL (SELECT 'channel-refund', account || ':' || refund_id, account, 'refund_id' FROM channel_refund WHERE refund_id = %(v)s)
    ) AS found ORDER BY object, object_id LIMIT %(limit)s
"""


def view(conn: Conn, query: str) -> FindView:
    """What a text names, each page once.  A NUL can be in no identifier and in no query to PostgreSQL."""
    text = query.replace("\x00", "")
    rows = find_identifier(conn, text.removeprefix("#"))
    rows = [*rows, *conn.execute(_OF_CHANNELS, {"v": text, "limit": FOUND_MAX}).fetchall()]
    if not rows and len(text) >= BEGINNING_MIN_CHARS:
        values = {"from": text, "to": text + "\U0010ffff", "limit": FOUND_MAX}
        rows = conn.execute(_BEGINNING, values).fetchall()
    found = {item.href: item for item in reversed(list(_pages(conn, rows)))}
    return FindView(query, tuple(reversed(found.values())), capped=len(rows) >= FOUND_MAX)


def _pages(conn: Conn, rows: Sequence[Row]) -> Iterable[Found]:
    for row in rows:
        link = page_of(conn, row["object"], row["object_id"])
        if link:
            named = words.plain(row["scheme"]) if row["scheme"] not in ("id", "key") else ""
            detail = ", ".join(part for part in (named, row["account"]) if part)
            called = path_of(conn, row["object"], row["object_id"]) if len(rows) <= PATHS_MAX else ()
            yield Found(link.kind, link.text, detail, link.href, called)
