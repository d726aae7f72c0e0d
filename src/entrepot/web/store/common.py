"""What the console's queries share: keyset tokens, documents laid out for reading, and where each object's page is."""

import contextlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from entrepot.cases.patch import encode
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.errors import OwnerDecides
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.views import Link

PAGE = 50
TEXT_MAX_CHARS = 200_000


class BrokenLink(OwnerDecides):
    """A page address that no page of ours made."""

    code = "broken-link"


def token(at: datetime, row_id: str) -> str:
    """The last row of a page, as the address of the next one."""
    return f"{at.isoformat()}~{row_id}"


def read_token(text: str) -> tuple[datetime, str]:
    """Errors: BrokenLink."""
    at, _, row_id = text.partition("~")
    try:
        read = datetime.fromisoformat(at)
    except ValueError as error:
        raise BrokenLink("this address points at no page of the list; open the list again") from error
    if read.tzinfo is None or not row_id:
        raise BrokenLink("this address points at no page of the list; open the list again")
    return read, row_id


def read_number(text: str) -> int:
    """Errors: BrokenLink."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BrokenLink("this address points at no page of the list; open the list again")
    return int(text)


def money(row: Mapping[str, Any], name: str) -> Money:
    return Money(row[name], row["currency"])


def readable(body: bytes | str) -> str:
    """A body laid out for reading, every amount with all its digits; one that is no JSON stays as it came."""
    text = body.decode("utf-8", errors="replace") if isinstance(body, bytes) else body
    with contextlib.suppress(ValueError):  # not JSON: shown as received
        text = msgspec.json.format(encode(json.loads(text, parse_float=Decimal)), indent=2).decode()
    return text if len(text) <= TEXT_MAX_CHARS else text[:TEXT_MAX_CHARS] + "\n… cut here: the rest is in the database"


def document(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def basket_of(conn: Conn, root: str) -> Link | None:
    """The basket a root names: roots of the trade are `basket:` and the customer's basket number."""
    kind, _, commercial_id = root.partition(":")
    if kind != "basket":
        return None
    found = conn.execute(
        """SELECT object_id, value FROM identifier
            WHERE value = %s AND scheme = 'commercial_id' AND object = 'basket' ORDER BY object_id LIMIT 1""",
        (commercial_id,),
    ).fetchone()
    return Link(found["value"], f"/orders/{quote(found['object_id'])}", "Basket") if found else None


# What people call the object of a case, an obligation or an event; its own id where they have no name for it.
LABEL = """
    coalesce(CASE {t}.object
        WHEN 'leg' THEN (SELECT x.order_id FROM leg x WHERE x.id = {t}.object_id)
        WHEN 'basket' THEN (SELECT x.commercial_id FROM basket x WHERE x.id = {t}.object_id)
        WHEN 'line' THEN (SELECT x.order_line_id FROM line x WHERE x.id = {t}.object_id)
        WHEN 'refund' THEN (SELECT x.external_id FROM refund x WHERE x.id = {t}.object_id)
        WHEN 'return' THEN (SELECT x.external_id FROM return_file x WHERE x.id = {t}.object_id)
        WHEN 'statement' THEN (SELECT CASE x.voucher WHEN '' THEN x.external_id ELSE 'voucher ' || x.voucher END
                                 FROM statement x WHERE x.id = split_part({t}.object_id, ':', 1))
        WHEN 'payout' THEN (SELECT x.voucher FROM payout x WHERE x.id = {t}.object_id)
        WHEN 'effect' THEN (SELECT x.key FROM effect x WHERE x.id = {t}.object_id)
        WHEN 'message' THEN (SELECT x.external_id FROM message x WHERE x.id = {t}.object_id)
    END, {t}.object_id) AS label
"""

# The page of each object, from its id; a seller order may be named by the marketplace's id before we know it, and one
# cause of a statement is named behind a colon.  Shape: a query with one parameter `id` that returns `href` and `text`.
_PAGE_OF: Mapping[str, str] = {
    "basket": "SELECT '/orders/' || id AS href, commercial_id AS text FROM basket WHERE id = %(id)s",
    "leg": """SELECT '/orders/' || basket_id || '#leg-' || order_id AS href, order_id AS text FROM leg
                WHERE id = coalesce((SELECT i.object_id FROM identifier i WHERE i.value = %(id)s AND i.object = 'leg'
                                      ORDER BY i.account LIMIT 1), %(id)s)""",
    "line": """SELECT '/orders/' || l.basket_id || '#leg-' || l.order_id AS href, n.order_line_id AS text
                 FROM line n JOIN leg l ON l.id = n.leg_id WHERE n.id = %(id)s""",
    "refund": """SELECT '/orders/' || l.basket_id || '#leg-' || l.order_id AS href, r.external_id AS text
                   FROM refund r JOIN leg l ON l.id = r.leg_id WHERE r.id = %(id)s""",
    "return": """SELECT '/orders/' || l.basket_id || '#leg-' || l.order_id AS href, r.external_id AS text
                   FROM return_file r JOIN leg l ON l.id = r.leg_id WHERE r.id = %(id)s""",
    "shipment": """SELECT '/orders/' || l.basket_id || '#leg-' || l.order_id AS href, s.external_id AS text
                     FROM shipment s JOIN leg l ON l.id = s.leg_id WHERE s.id = %(id)s""",
    "statement": """SELECT '/settlement/' || id AS href, external_id AS text FROM statement
                      WHERE id = split_part(%(id)s, ':', 1)""",
    "statement_line": """SELECT '/settlement/' || statement_id AS href, external_id AS text
                           FROM statement_line WHERE id = %(id)s AND statement_id IS NOT NULL""",
    "payout": """SELECT '/settlement/' || s.id AS href, p.voucher AS text FROM payout p
                   JOIN statement s ON s.account = p.account AND s.external_id = p.cycle_id
                  WHERE p.id = %(id)s ORDER BY s.version DESC LIMIT 1""",
    "effect": "SELECT '/actions/' || id AS href, key AS text FROM effect WHERE id = %(id)s",
    "message": "SELECT '/messages/' || id AS href, external_id AS text FROM message WHERE id = %(id)s",
    "offer": """SELECT '/offers/' || account || '/' || offer_id AS href, offer_id AS text FROM offer_seen
                  WHERE offer_id = %(id)s ORDER BY account LIMIT 1""",
    "case": "SELECT '/cases/' || id AS href, number::text AS text FROM case_file WHERE id = %(id)s",
}


def page_of(conn: Conn, object_: str, object_id: str) -> Link | None:
    """Where one object is shown; None for kinds that have no page."""
    query = _PAGE_OF.get(object_)
    found: Row | None = conn.execute(query, {"id": object_id}).fetchone() if query else None
    kind = words.OBJECT.get(object_, words.plain(object_))
    return Link(found["text"], found["href"], kind) if found and found["href"] else None
