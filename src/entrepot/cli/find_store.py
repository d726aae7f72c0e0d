"""All SQL of `find`: what an identifier names, and everything that belongs to the baskets behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from entrepot.identity.store import find as find_identifier
from entrepot.kernel.ctx import Conn, Row

FOUND_MAX = 50
BASKETS_MAX = 5
PATHS_MAX = 20  # of what was found: more of it is a list to choose from, not an answer
AROUND_MAX = 200
BEGINNING_MIN_CHARS = 3

# What the identifier table does not hold: ids of parts of an order, of money, and of our own rows.
_ELSEWHERE = """
    SELECT object, object_id, account, scheme FROM (
        (SELECT 'leg' AS object, n.leg_id AS object_id, l.account, 'order_line_id' AS scheme FROM line n JOIN leg l ON l.id = n.leg_id
          WHERE n.order_line_id = %(v)s OR n.offer_id = %(v)s OR n.id = %(v)s LIMIT %(limit)s)
        UNION SELECT 'offer', o.offer_id, o.account, 'offer_id' FROM offer_seen o WHERE o.offer_id = %(v)s
        UNION SELECT 'refund', r.id, l.account, 'refund_id' FROM refund r JOIN leg l ON l.id = r.leg_id WHERE r.id = %(v)s OR r.external_id = %(v)s
        UNION SELECT 'return', r.id, l.account, 'return_id' FROM return_file r JOIN leg l ON l.id = r.leg_id WHERE r.id = %(v)s OR r.external_id = %(v)s
        UNION SELECT 'shipment', s.id, l.account, CASE WHEN s.tracking = %(v)s THEN 'tracking' ELSE 'shipment_id' END
                FROM shipment s JOIN leg l ON l.id = s.leg_id WHERE s.id = %(v)s OR s.external_id = %(v)s OR s.tracking = %(v)s
        UNION (SELECT 'basket', b.id, b.account, 'customer_id' FROM basket b WHERE b.customer_id = %(v)s AND b.customer_id <> '' LIMIT %(limit)s)
        UNION (SELECT 'seller', l.seller_id, l.account, 'seller_id' FROM leg l WHERE l.seller_id = %(v)s LIMIT 1)
        UNION SELECT 'payout', p.id, p.account, 'payout' FROM payout p
                WHERE p.id = %(v)s OR p.voucher = %(v)s OR p.transfer_id = %(v)s OR p.cycle_id = %(v)s
        UNION (SELECT 'statement_line', x.id, x.account, 'statement_line' FROM statement_line x
                WHERE x.reference = %(v)s AND x.reference <> '' LIMIT %(limit)s)
        UNION (SELECT 'statement_line', x.id, x.account, 'statement_line' FROM statement_line x
                WHERE x.account = ANY(SELECT DISTINCT s.account FROM statement s) AND x.author = ANY(ARRAY['marketplace', 'gateway', 'bank'])
                  AND x.external_id = %(v)s LIMIT %(limit)s)
        UNION SELECT 'statement_line', x.id, x.account, 'id' FROM statement_line x WHERE x.id = %(v)s
        UNION SELECT 'journal', j.id, j.account, 'key' FROM journal j WHERE j.id = %(v)s OR j.key = %(v)s
        UNION (SELECT 'journal', j.id, j.account, 'reference' FROM posting p JOIN journal j ON j.id = p.journal_id
                WHERE p.reference = %(v)s AND p.reference <> '' LIMIT %(limit)s)
        UNION SELECT 'obligation', o.id, o.account, o.kind FROM obligation o WHERE o.id = %(v)s
        UNION SELECT 'envelope', e.id, e.account, e.route FROM envelope e WHERE e.id = %(v)s
        UNION SELECT 'flow', f.name, '', 'name' FROM flow f WHERE f.name = %(v)s
        UNION SELECT 'listing', s.account || '/' || s.sku, s.account, 'sku' FROM listing s WHERE s.sku = %(v)s
        UNION (SELECT 'parcel', c.id, l.account, CASE WHEN c.tracking = %(v)s THEN 'tracking' ELSE 'parcel number' END
                FROM parcel c JOIN leg l ON l.id = c.leg_id WHERE c.id = %(v)s OR c.number = %(v)s OR c.tracking = %(v)s LIMIT %(limit)s)
        UNION SELECT 'submission', b.account || ':' || b.submission_id, b.account, 'submission_id' FROM submission b WHERE b.submission_id = %(v)s
        UNION SELECT 'dispute', d.account || ':' || d.dispute_id, d.account, 'dispute_id' FROM dispute d WHERE d.id = %(v)s OR d.dispute_id = %(v)s
        UNION SELECT 'channel-refund', r.account || ':' || r.refund_id, r.account, 'refund_id' FROM channel_refund r WHERE r.refund_id = %(v)s
    ) AS found ORDER BY object, object_id, scheme LIMIT %(limit)s
"""
# Both ends of the range are the asker's text: in byte order, everything between begins with it.
_BEGINNING = """
    SELECT object, object_id, account, scheme FROM identifier
     WHERE value COLLATE "C" >= %(from)s AND value COLLATE "C" < %(to)s ORDER BY value COLLATE "C", account, scheme LIMIT %(limit)s
"""

_BY_ROOT = """SELECT DISTINCT i.object_id AS id FROM {table} x JOIN identifier i
                  ON i.value = substr(x.root, 8) AND i.scheme = 'commercial_id' AND i.object = 'basket'
               WHERE x.id = ANY(%s) AND x.root LIKE 'basket:%%' ORDER BY 1"""
_BY_ORDER = """SELECT DISTINCT l.basket_id AS id FROM {table} x JOIN identifier i
                   ON i.value = x.order_id AND i.scheme = 'mirakl_order_id' JOIN leg l ON l.id = i.object_id
                WHERE x.{key} = ANY(%s) AND x.order_id <> '' ORDER BY 1"""
_OF_LEG = (
    "SELECT DISTINCT l.basket_id AS id FROM {table} x JOIN leg l ON l.id = x.leg_id WHERE x.id = ANY(%s) ORDER BY 1"
)
# Of what a channel calls by a number of its own: `account:number`.
_NAMED = "x.{name} = ANY(SELECT substr(id, strpos(id, ':') + 1) FROM unnest(%s::text[]) AS id)"
_OF_NAMED = (
    f"SELECT DISTINCT l.basket_id AS id FROM {{table}} x JOIN leg l ON l.id = x.leg_id WHERE {_NAMED} ORDER BY 1"
)
_BASKETS_OF = {
    "basket": "SELECT id FROM basket WHERE id = ANY(%s) ORDER BY id",
    "leg": "SELECT DISTINCT basket_id AS id FROM leg WHERE id = ANY(%s) ORDER BY 1",
    "line": _OF_LEG.format(table="line"),
    "refund": _OF_LEG.format(table="refund"),
    "return": _OF_LEG.format(table="return_file"),
    "shipment": _OF_LEG.format(table="shipment"),
    "message": _BY_ROOT.format(table="message"),
    "effect": _BY_ROOT.format(table="effect"),
    "case": _BY_ROOT.format(table="case_file"),
    "obligation": _BY_ROOT.format(table="obligation"),
    "journal": _BY_ROOT.format(table="journal"),
    "parcel": _OF_LEG.format(table="parcel"),
    "dispute": _OF_NAMED.format(table="dispute", name="dispute_id"),
    "channel-refund": _OF_NAMED.format(table="channel_refund", name="refund_id"),
    "statement_line": _BY_ORDER.format(table="statement_line", key="id"),
}

# What people call it, and how it stands: one row per object found.
_FACTS = {
    "basket": "SELECT id, commercial_id AS name, state FROM basket WHERE id = ANY(%s)",
    "leg": "SELECT id, order_id AS name, state FROM leg WHERE id = ANY(%s)",
    "refund": "SELECT id, external_id AS name, state FROM refund WHERE id = ANY(%s)",
    "return": "SELECT id, external_id AS name, state FROM return_file WHERE id = ANY(%s)",
    "shipment": "SELECT id, coalesce(nullif(tracking, ''), external_id) AS name, state FROM shipment WHERE id = ANY(%s)",
    "message": "SELECT id, kind || ' ' || external_id AS name, state FROM message WHERE id = ANY(%s)",
    "effect": "SELECT id, key AS name, state FROM effect WHERE id = ANY(%s)",
    "case": "SELECT id, number::text AS name, state FROM case_file WHERE id = ANY(%s)",
    "statement": "SELECT id, external_id AS name, state FROM statement WHERE id = ANY(%s)",
    "statement_line": "SELECT id, external_id AS name, matched AS state FROM statement_line WHERE id = ANY(%s)",
    "payout": "SELECT id, coalesce(nullif(voucher, ''), cycle_id) AS name, state FROM payout WHERE id = ANY(%s)",
    "obligation": "SELECT id, kind AS name, state FROM obligation WHERE id = ANY(%s)",
    "journal": "SELECT id, fact AS name, 'posted' AS state FROM journal WHERE id = ANY(%s)",
    "flow": "SELECT name AS id, name, state FROM flow WHERE name = ANY(%s)",
    "parcel": """SELECT id, coalesce(nullif(tracking, ''), number) AS name,
                        CASE WHEN confirmed_at IS NOT NULL THEN 'confirmed' WHEN refused <> '' THEN 'refused' ELSE 'unconfirmed' END AS state
                   FROM parcel WHERE id = ANY(%s)""",
    "listing": """SELECT x.account || '/' || x.sku AS id, x.sku AS name, x.state FROM unnest(%s::text[]) AS named (id)
                    JOIN listing x ON x.account || '/' || x.sku = named.id AND x.sku = ANY(SELECT substr(named.id, n)
                     FROM generate_series(2, length(named.id)) AS n WHERE substr(named.id, n - 1, 1) = '/')""",
    "submission": f"SELECT x.account || ':' || x.submission_id AS id, x.submission_id AS name, x.state FROM submission x WHERE {_NAMED.format(name='submission_id')}",
    "dispute": f"SELECT x.account || ':' || x.dispute_id AS id, x.dispute_id AS name, x.state FROM dispute x WHERE {_NAMED.format(name='dispute_id')}",
    "channel-refund": f"""SELECT x.account || ':' || x.refund_id AS id, x.refund_id AS name, CASE WHEN x.booked_at IS NULL THEN '' ELSE 'posted' END AS state
                            FROM channel_refund x WHERE {_NAMED.format(name="refund_id")}""",
}


@dataclass(frozen=True, slots=True)
class BasketStory:
    """One basket, its seller orders with all their parts, and everything around it, oldest first."""

    basket: Row
    legs: list[Row]  # with lines, shipments, returns, refunds
    obligations: list[Row]
    cases: list[Row]
    effects: list[Row]
    messages: list[Row]
    journals: list[Row]
    events: list[Row]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an identifier names. `by_beginning`: nothing has exactly this name; these begin with it."""

    asked: str
    found: list[Row]
    by_beginning: bool = False
    baskets: list[BasketStory] = field(default_factory=list)
    baskets_more: int = 0
    statements: list[Row] = field(default_factory=list)
    payouts: list[Row] = field(default_factory=list)
    cases: list[Row] = field(default_factory=list)  # about what was found, beyond the baskets' own


def answer(conn: Conn, asked: str) -> Answer:
    rows, by_beginning = _named(conn, asked)
    _with_facts(conn, rows)
    ids = list(dict.fromkeys(id_ for object_, of in _by_object(rows).items() for id_ in _baskets(conn, object_, of)))
    stories = [story for id_ in ids[:BASKETS_MAX] if (story := basket_story(conn, id_))]
    known = {case["id"] for story in stories for case in story.cases}
    return Answer(
        asked,
        rows,
        by_beginning,
        stories,
        max(0, len(ids) - BASKETS_MAX),
        _statements(conn, rows),
        _payouts(conn, rows),
        [case for case in _cases(conn, rows) if case["id"] not in known],
    )


def _named(conn: Conn, asked: str) -> tuple[list[Row], bool]:
    exact = [
        *find_identifier(conn, asked.removeprefix("#")),
        *conn.execute(_ELSEWHERE, {"v": asked, "limit": FOUND_MAX}).fetchall(),
    ]
    rows = list({(row["object"], row["object_id"]): row for row in reversed(exact)}.values())[::-1]
    if rows or len(asked) < BEGINNING_MIN_CHARS:
        return rows[:FOUND_MAX], False
    values = {"from": asked, "to": asked + "\U0010ffff", "limit": FOUND_MAX}
    near = conn.execute(_BEGINNING, values).fetchall()
    return list({(row["object"], row["object_id"]): row for row in near}.values()), True


def _by_object(rows: Sequence[Row]) -> dict[str, list[str]]:
    objects: dict[str, list[str]] = {}
    for row in rows:
        objects.setdefault(row["object"], []).append(row["object_id"])
    return objects


def _with_facts(conn: Conn, rows: Sequence[Row]) -> None:
    from entrepot.identity.service import path_of  # the join map brings the plan's model with it

    facts: dict[tuple[str, str], Row] = {}
    for object_, ids in _by_object(rows).items():
        if object_ in _FACTS:
            facts |= {(object_, fact["id"]): fact for fact in conn.execute(_FACTS[object_], (ids,)).fetchall()}
    for row in rows:
        fact = facts.get((row["object"], row["object_id"]), {"name": row["object_id"], "state": ""})
        names = path_of(conn, row["object"], row["object_id"]) if len(rows) <= PATHS_MAX else ()
        row |= {"name": fact["name"], "state": fact["state"], "called": names}


def _baskets(conn: Conn, object_: str, ids: list[str]) -> list[str]:
    query = _BASKETS_OF.get(object_)
    return [row["id"] for row in conn.execute(query, (ids,)).fetchall()] if query else []


def basket_story(conn: Conn, basket_id: str) -> BasketStory | None:
    basket = conn.execute("SELECT * FROM basket WHERE id = %s", (basket_id,)).fetchone()
    if basket is None:
        return None
    legs, root = _legs(conn, basket_id), f"basket:{basket['commercial_id']}"
    return BasketStory(
        basket,
        legs,
        _obligations(conn, basket_id, legs),
        _rows(conn, f"SELECT * FROM case_file WHERE root = %s ORDER BY number LIMIT {AROUND_MAX}", root),
        _rows(
            conn,
            "SELECT id, key, account, operation, state, planned_at, due_at, done_at, attempts, note FROM effect"
            f" WHERE root = %s ORDER BY seq LIMIT {AROUND_MAX}",
            root,
        ),
        _rows(
            conn,
            "SELECT id, account, kind, external_id, state, received_at, decided_at, seen, note FROM message"
            f" WHERE root = %s ORDER BY seq LIMIT {AROUND_MAX}",
            root,
        ),
        _rows(
            conn,
            f"SELECT id, fact, key, account, effective_at, memo FROM journal WHERE root = %s ORDER BY seq LIMIT {AROUND_MAX}",
            root,
        ),
        _rows(
            conn,
            "SELECT at, object, object_id, what, from_state, to_state, by, because FROM event"
            f" WHERE root = %s ORDER BY seq LIMIT {AROUND_MAX}",
            root,
        ),
    )


def _rows(conn: Conn, query: str, *values: Any) -> list[Row]:
    return conn.execute(query, values).fetchall()


def _legs(conn: Conn, basket_id: str) -> list[Row]:
    legs = _rows(conn, "SELECT * FROM leg WHERE basket_id = %s ORDER BY order_id", basket_id)
    ids = [leg["id"] for leg in legs]
    parts = {
        "lines": _rows(conn, "SELECT * FROM line WHERE leg_id = ANY(%s) ORDER BY order_line_id", ids),
        "shipments": _rows(conn, "SELECT * FROM shipment WHERE leg_id = ANY(%s) ORDER BY shipped_at, id", ids),
        "returns": _rows(conn, "SELECT * FROM return_file WHERE leg_id = ANY(%s) ORDER BY created_at, id", ids),
        "refunds": _rows(conn, "SELECT * FROM refund WHERE leg_id = ANY(%s) ORDER BY asked_at, id", ids),
        "parcels": _rows(conn, "SELECT * FROM parcel WHERE leg_id = ANY(%s) ORDER BY shipped_at, number", ids),
        "channel_refunds": _rows(
            conn, "SELECT * FROM channel_refund WHERE leg_id = ANY(%s) ORDER BY refunded_at, refund_id", ids
        ),
        "disputes": _rows(conn, "SELECT * FROM dispute WHERE leg_id = ANY(%s) ORDER BY opened_at, id", ids),
    }
    said = _rows(
        conn,
        "SELECT * FROM refund_confirmation WHERE refund_id = ANY(%s) ORDER BY due_at, witness",
        [refund["id"] for refund in parts["refunds"]],
    )
    for refund in parts["refunds"]:
        refund["confirmations"] = [row for row in said if row["refund_id"] == refund["id"]]
    return [leg | {name: [r for r in rows if r["leg_id"] == leg["id"]] for name, rows in parts.items()} for leg in legs]


def _obligations(conn: Conn, basket_id: str, legs: Sequence[Row]) -> list[Row]:
    objects = [("basket", basket_id)]
    for leg in legs:
        objects += [("leg", leg["id"]), *(("refund", refund["id"]) for refund in leg["refunds"])]
        objects += [("line", line["id"]) for line in leg["lines"]]
        objects += [("channel-refund", f"{leg['account']}:{one['refund_id']}") for one in leg["channel_refunds"]]
        objects += [("dispute", f"{leg['account']}:{one['dispute_id']}") for one in leg["disputes"]]
    return _rows(
        conn,
        "SELECT o.* FROM obligation o JOIN unnest(%s::text[], %s::text[]) AS w (object, object_id)"
        " ON w.object = o.object AND w.object_id = o.object_id ORDER BY o.due_at, o.id",
        [object_ for object_, _ in objects],
        [id_ for _, id_ in objects],
    )


def _statements(conn: Conn, rows: Sequence[Row]) -> list[Row]:
    """Statements found, and those of lines found, with what is open in them."""
    objects = _by_object(rows)
    return _rows(
        conn,
        """
        SELECT s.*, count(x.id) AS lines, count(x.id) FILTER (WHERE x.matched = 'matched') AS matched,
               (SELECT count(*) FROM variance v WHERE v.statement_id = s.id AND v.state = 'open') AS differences_open
          FROM statement s LEFT JOIN statement_line x ON x.statement_id = s.id
         WHERE s.id = ANY(%s) OR s.id IN (SELECT y.statement_id FROM statement_line y WHERE y.id = ANY(%s))
         GROUP BY s.id ORDER BY s.announced_at, s.id LIMIT 20
        """,
        objects.get("statement", []),
        objects.get("statement_line", []),
    )


def _payouts(conn: Conn, rows: Sequence[Row]) -> list[Row]:
    return _rows(
        conn, "SELECT * FROM payout WHERE id = ANY(%s) ORDER BY computed_at, id", _by_object(rows).get("payout", [])
    )


_CASES = f"""
    SELECT * FROM case_file WHERE id IN (
        SELECT unnest(%(cases)s::text[])
        UNION SELECT c.id FROM unnest(%(objects)s::text[], %(ids)s::text[]) AS w (object, object_id)
                JOIN case_file c ON c.object = w.object AND c.object_id = w.object_id
        UNION SELECT c.id FROM unnest(%(statements)s::text[]) AS s (id)
                JOIN case_file c ON c.object = 'statement' AND c.object_id LIKE s.id || ':%%'
        UNION SELECT c.id FROM case_file c WHERE c.message_id = ANY(%(messages)s)
        UNION SELECT c.id FROM case_file c WHERE c.effect_id = ANY(%(effects)s)
    ) ORDER BY number LIMIT {AROUND_MAX}
"""


def _cases(conn: Conn, rows: Sequence[Row]) -> list[Row]:
    """Cases found, and cases about anything found. The case of a statement is about one cause: `statement:cause`."""
    objects = _by_object(rows)
    values = {
        "cases": objects.get("case", []),
        "objects": [row["object"] for row in rows],
        "ids": [row["object_id"] for row in rows],
        "statements": objects.get("statement", []),
        "messages": objects.get("message", []),
        "effects": objects.get("effect", []),
    }
    return conn.execute(_CASES, values).fetchall()
