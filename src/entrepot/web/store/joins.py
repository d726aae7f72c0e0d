"""One identifier, the record it names, and every other identifier of that record."""

from entrepot.kernel.ctx import Conn
from entrepot.web import words
from entrepot.web.store.common import page_of
from entrepot.web.views import JoinsView, KnownAs

RECORDS_MAX = 20
IDS_MAX = 40
# A record is found by the whole identifier, or by its beginning; then all its identifiers come in one go.
_FOUND = """
    SELECT DISTINCT object, object_id FROM (
        (SELECT object, object_id FROM identifier WHERE value = %(exact)s ORDER BY object, object_id LIMIT %(limit)s)
        UNION ALL
        (SELECT object, object_id FROM identifier
          WHERE value COLLATE "C" > %(exact)s AND value COLLATE "C" < %(to)s AND %(by_beginning)s
          ORDER BY value COLLATE "C" LIMIT %(limit)s)
    ) AS named ORDER BY object, object_id LIMIT %(limit)s
"""
_IDS = """
    SELECT i.object, i.object_id, i.scheme, i.value, i.account
      FROM unnest(%(objects)s::text[], %(ids)s::text[]) AS n (object, object_id)
      JOIN identifier i ON i.object = n.object AND i.object_id = n.object_id
     ORDER BY i.object, i.object_id, i.scheme, i.value, i.account
"""
BEGINNING_MIN_CHARS = 3


def view(conn: Conn, query: str) -> JoinsView:
    """A NUL can be in no identifier and in no query to PostgreSQL."""
    text = query.replace("\x00", "").strip()
    if not text:
        return JoinsView(query)
    values = {
        "exact": text,
        "to": text + "\U0010ffff",
        "limit": RECORDS_MAX,
        "by_beginning": len(text) >= BEGINNING_MIN_CHARS,
    }
    named = conn.execute(_FOUND, values).fetchall()
    keys = [(row["object"], row["object_id"]) for row in named]
    rows = conn.execute(_IDS, {"objects": [o for o, _ in keys], "ids": [i for _, i in keys]}).fetchall()
    ids: dict[tuple[str, str], list[tuple[str, str, str]]] = {key: [] for key in keys}
    for row in rows:
        ids[row["object"], row["object_id"]].append((words.plain(row["scheme"]), row["value"], row["account"]))
    return JoinsView(text, tuple(_known(conn, key, ids[key]) for key in keys), capped=len(keys) >= RECORDS_MAX)


def _known(conn: Conn, key: tuple[str, str], ids: list[tuple[str, str, str]]) -> KnownAs:
    object_, object_id = key
    link = page_of(conn, object_, object_id)
    kind = words.OBJECT.get(object_, words.plain(object_))
    return KnownAs(kind, link.text if link else object_id, link.href if link else "", tuple(ids[:IDS_MAX]))
