"""The figures of a day: what the hub's tables say, held against the books of the outside world.

`figures` is the document of `entrepot demo --once --json`; `broken` names every figure that must be 0 and is not.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from entrepot.kernel.ctx import Conn
from entrepot.money.settlement import report
from entrepot.sandbox import witness

Books = Mapping[str, Any]
Figures = dict[str, dict[str, Any]]

MUST_BE_ZERO = (
    "orders.lost",
    "orders.doubled",
    "obligations.missed_without_alert",
    "cases.without_owner",
    "ledger.unbalanced",
    "refunds.missing",
    "settlement.unexplained_minor",
    "effects.unknown_open",
    "effects.sent_twice",
    "offers.sold_while_held",
    "offers.unshown",
)


def figures(conn: Conn, books: Books) -> Figures:
    """Count a day. `books`: the document of the sandbox's `GET /books`.

    Shape: counts, by room. `orders.duplicates`: baskets and webhooks that came again, absorbed; `orders.doubled`:
    orders that exist twice, which must not be. `refunds.missing`: of a refund, here or there, some witness is silent.
    `offers.sold_while_held`: bought although the shop had been told, or the hub had known for a minute, that they are held;
    `offers.unshown`: offers the shop shows otherwise than they count. `feeds`: sellers' files; `rejected`: rows of them, of which
    `returned` reached their seller, `corrected` came back right, and `live` of those the marketplace shows.
    Units: `…_minor` in minor units; with several currencies the largest of them, all of them in `settlement.money`.
    """
    return {
        "orders": _orders(conn, books),
        "legs": _legs(conn),
        "obligations": _obligations(conn),
        "cases": _cases(conn),
        "ledger": _ledger(conn),
        "refunds": _refunds(conn, books),
        "settlement": _settlement(conn),
        "effects": _effects(conn, books),
        "faults": _faults(books),
        "alerts": _by_state(conn, "alert", "planned", "sent", "failed"),
        "messages": _by_state(conn, "message", "new", "decided", "ignored", "parked"),
        "payouts": _by_state(conn, "payout", "done", "failed", "carried-over"),
        "arrivals": _arrivals(conn),
        "offers": _offers(conn, books),
        "feeds": _feeds(conn),
    }


def selling_figures(conn: Conn, books: Books) -> Figures:
    """As `figures`, where there is no storefront, no gateway and no marketplace of ours; what each channel says is counted apart."""
    return {
        "legs": _legs(conn),
        "obligations": _obligations(conn),
        "cases": _cases(conn),
        "ledger": _ledger(conn),
        "effects": _effects(conn, books),
        "faults": _faults(books),
        "alerts": _by_state(conn, "alert", "planned", "sent", "failed"),
        "messages": _by_state(conn, "message", "new", "decided", "ignored", "parked"),
        "arrivals": _arrivals(conn),
        "listings": _by_state(conn, "listing", "live", "suppressed"),
        "submissions": _by_state(conn, "submission", "done", "failed"),
    }


def broken(figures: Figures) -> list[str]:
    """Every figure that must be 0 and is not, as `orders.lost is 2`. Empty: nothing was lost, doubled or left unowned."""
    names = [name.partition(".") for name in MUST_BE_ZERO]
    values = {f"{room}.{name}": figures[room][name] for room, _, name in names if name in figures.get(room, {})}
    return [f"{name} is {value}" for name, value in values.items() if value]


def lost_orders(conn: Conn, books: Books) -> list[str]:
    """Baskets the storefront believes in and orders the marketplace holds that ended nowhere.

    A basket the marketplace refused is not lost: its money goes back, and it is a case.
    """
    baskets = _column(conn, "SELECT commercial_id AS value FROM basket")
    legs = _column(conn, "SELECT order_id AS value FROM leg")
    owned = _column(conn, "SELECT root AS value FROM effect WHERE operation = 'mirakl.create-orders' AND state IN ('refused', 'parked')")  # fmt: skip
    paid = witness.paid_baskets(books)
    unknown = [f"basket {one}: taken, then forgotten" for one in paid if one not in baskets]
    never_made = [
        f"basket {one}: never ordered at the marketplace"
        for one in witness.lost_baskets(books)
        if f"basket:{one}" not in owned
    ]
    unseen = [
        f"order {row['order_id']}: unknown to the hub"
        for row in books["mirakl"]["orders"]
        if row["order_id"] not in legs
    ]
    return [*unknown, *never_made, *unseen]


def doubled_orders(books: Books) -> list[str]:
    """Orders the marketplace holds twice for one seller of one basket."""
    count = Counter((row["commercial_id"], row["shop_id"]) for row in books["mirakl"]["orders"])
    return [f"basket {basket}, seller {shop}: {n} orders" for (basket, shop), n in count.items() if n > 1]


def unowned(conn: Conn) -> list[str]:
    """Failures nobody owns: whatever stands still without an open or decided case that names it."""
    return [f"{row['what']} {row['id']}: {row['why']}" for row in conn.execute(_UNOWNED).fetchall()]


_TOLD = "SELECT 1 FROM case_event e WHERE e.detail ->> '{column}' = {row}.id"
_UNOWNED = f"""
    SELECT 'case' AS what, number::text AS id, 'has no owner' AS why FROM case_file WHERE owner = '' AND resolved_at IS NULL
    UNION ALL
    SELECT 'message', m.id, coalesce(m.note, '') FROM message m WHERE m.state = 'parked'
       AND NOT EXISTS (SELECT FROM case_file c WHERE c.message_id = m.id) AND NOT EXISTS ({_TOLD.format(column="message_id", row="m")})
    UNION ALL
    SELECT 'effect', f.key, f.state || ': ' || coalesce(f.note, '') FROM effect f WHERE f.state IN ('parked', 'refused')
       AND NOT EXISTS (SELECT FROM case_file c WHERE c.effect_id = f.id) AND NOT EXISTS ({_TOLD.format(column="effect_id", row="f")})
    UNION ALL
    SELECT 'statement', s.external_id, s.state FROM statement s WHERE s.state IN ('parsed', 'explained')
       AND EXISTS (SELECT FROM variance v WHERE v.statement_id = s.id AND v.state = 'open')
       AND NOT EXISTS (SELECT FROM case_file c WHERE c.object = 'statement' AND c.object_id LIKE s.id || '%%' AND c.resolved_at IS NULL)
    ORDER BY 1, 2
"""

# A storm of cases is one alert that names them all by number.
UNTOLD_MISSES = """
    SELECT o.id, o.kind, o.object, o.object_id, o.due_at FROM obligation o
     WHERE o.state = 'missed' AND NOT o.shadow AND NOT EXISTS (
           SELECT FROM alert a LEFT JOIN case_file c ON c.obligation_id = o.id
            WHERE a.planned_at <= o.due_at
              AND (a.obligation_id = o.id OR a.case_id = c.id OR a.case_id IN (SELECT m.case_id FROM case_member m WHERE m.obligation_id = o.id)
                   OR a.body ~ ('All of them:.*\\m' || c.number || '\\M')))
     ORDER BY o.id
"""


def _orders(conn: Conn, books: Books) -> dict[str, Any]:
    again = _count(
        conn,
        "SELECT count(*) - count(DISTINCT (account, digest)) AS n FROM envelope WHERE channel IN ('api', 'webhook')",
    )
    return {
        "received": _count(conn, "SELECT count(*) AS n FROM basket"),
        "duplicates": again,
        "lost": len(lost_orders(conn, books)),
        "doubled": len(doubled_orders(books)),
    }


def _legs(conn: Conn) -> dict[str, Any]:
    row = conn.execute(
        "SELECT count(*) AS total, count(*) FILTER (WHERE accepted_minor > 0) AS accepted,"
        " count(*) FILTER (WHERE state = 'refused') AS refused, count(*) FILTER (WHERE state = 'expired') AS expired,"
        " count(*) FILTER (WHERE state = 'cancelled') AS cancelled, count(*) FILTER (WHERE shipped_at IS NOT NULL"
        " OR state IN ('shipped', 'to-collect', 'delivered', 'closed')) AS shipped FROM leg"
    ).fetchone()
    assert row is not None
    return row


def _obligations(conn: Conn) -> dict[str, Any]:
    states = _states(conn, "obligation")
    return {
        "met": states["met"] + states["met-late"],
        "met_late": states["met-late"],
        "missed": states["missed"],
        "missed_without_alert": len(conn.execute(UNTOLD_MISSES).fetchall()),
        "void": states["void"],
        "open": states["due"] + states["warned"] + states["escalated"],
    }


def _cases(conn: Conn) -> dict[str, Any]:
    rows = conn.execute(
        "SELECT mode, count(*) FILTER (WHERE resolved_at IS NULL) AS open, count(*) AS all FROM case_file GROUP BY mode ORDER BY mode"
    ).fetchall()
    return {
        "open": sum(row["open"] for row in rows),
        "total": sum(row["all"] for row in rows),
        "without_owner": len(unowned(conn)),
        "open_by_mode": {row["mode"]: row["open"] for row in rows if row["open"]},
    }


def _ledger(conn: Conn) -> dict[str, Any]:
    off = _count(
        conn,
        "SELECT count(*) AS n FROM (SELECT FROM posting GROUP BY currency HAVING sum(amount_minor) <> 0) AS currencies",
    )
    return {
        "journals": _count(conn, "SELECT count(*) AS n FROM journal"),
        "postings": _count(conn, "SELECT count(*) AS n FROM posting"),
        "unbalanced": _count(conn, "SELECT count(*) AS n FROM unbalanced_journal") + off,
    }


def _refunds(conn: Conn, books: Books) -> dict[str, Any]:
    states = {row["external_id"]: row["state"] for row in conn.execute(_REFUNDS).fetchall()}
    theirs = {row["refund_id"] for row in books["mirakl"]["refunds"]}
    confirmed = {refund_id for refund_id, state in states.items() if state == "posted"}
    return {"confirmed": len(confirmed), "missing": len((theirs | set(states)) - confirmed)}


_REFUNDS = """
    SELECT r.external_id, CASE WHEN r.state = 'posted' AND EXISTS (SELECT FROM refund_confirmation c WHERE c.refund_id = r.id AND c.confirmed_at IS NULL)
                               THEN 'unconfirmed' ELSE r.state END AS state
      FROM refund r ORDER BY r.external_id
"""


def _settlement(conn: Conn) -> dict[str, Any]:
    found = report.figures(conn)
    money = found["money"].values()
    return {
        "lines": found["lines"],
        "matched": found["matched"],
        "witnessed": found["witnessed"],
        "zero": found["zero"],
        "variance_minor": max((row["variance_minor"] for row in money), default=0),
        "unexplained_minor": max((row["unexplained_minor"] for row in money), default=0),
        "money": found["money"],
        "statements": found["statements"],
        "by_author": found["by_author"],
    }


def _effects(conn: Conn, books: Books) -> dict[str, Any]:
    states = _states(conn, "effect")
    return {
        "sent": states["done"],
        "refused": states["refused"],
        "parked": states["parked"],
        "void": states["void"],
        "waiting": states["planned"],
        "unknown_open": states["unknown"] + states["sending"],
        "sent_twice": len(witness.doubled_writes(books)),
        "attempts": _count(conn, "SELECT count(*) AS n FROM attempt WHERE kind = 'send'"),
        "read_back": _count(conn, "SELECT count(*) AS n FROM attempt WHERE kind = 'read-back'"),
    }


def _offers(conn: Conn, books: Books) -> dict[str, Any]:
    row = conn.execute(_OFFERS).fetchone()
    assert row is not None
    requests = _states(conn, "correction")
    overrides = _states(conn, "override_value")
    return {
        **row,
        "corrections": {
            "asked": sum(requests.values()),
            "delivered": _count(conn, "SELECT count(*) AS n FROM correction WHERE delivered_at IS NOT NULL"),
            "applied": requests["applied"],
            "open": requests["asked"] + requests["delivered"] + requests["accepted"],
        },
        "overrides": {"live": overrides["live"], "ended": overrides["ended"]},
        "published": len(books["storefront"]["publications"]),
        "sold_while_held": len(sold_while_held(conn, books)),
        "unshown": len(unshown(conn, books)),
    }


_OFFERS = """
    SELECT (SELECT count(*) FROM offer_seen) AS observed,
           (SELECT count(*) FROM hold WHERE object = 'offer') AS held,
           (SELECT count(*) FROM hold WHERE object = 'offer' AND lifted_at IS NOT NULL) AS freed,
           (SELECT coalesce(sum(count), 0)::bigint FROM reassertion WHERE object = 'offer') AS reassertions,
           (SELECT count(*) FROM reassertion WHERE object = 'offer' AND fought_at IS NOT NULL) AS fights
"""


def _feeds(conn: Conn) -> dict[str, Any]:
    row = conn.execute(_FEEDS).fetchone()
    assert row is not None
    return row


_FEEDS = """
    SELECT (SELECT count(*) FROM feed_file) AS files,
           (SELECT coalesce(sum(rows_read), 0)::bigint FROM feed_file) AS rows,
           count(*) AS rejected,
           count(*) FILTER (WHERE n.delivered_at IS NOT NULL) AS returned,
           count(*) FILTER (WHERE r.ended_why = 'corrected') AS corrected,
           count(*) FILTER (WHERE r.ended_why = 'corrected' AND s.live_at IS NOT NULL AND s.changed_at >= r.ended_at) AS live
      FROM feed_return r LEFT JOIN feed_notice n ON n.id = r.notice_id
      LEFT JOIN feed_sent s ON s.account = r.account AND s.seller = r.seller AND s.sku = r.sku
"""


def sold_while_held(conn: Conn, books: Books) -> list[str]:
    """Offers that were bought while they were not to be sold: by the shop's own publications, or by our holds.

    A hold counts against a purchase a little after it began (a minute, or two of the machine's seconds where business time
    runs faster): what was being decided at that moment is nobody's mistake.
    """
    rate = conn.execute("SELECT rate FROM clock").fetchone()
    grace = max(GRACE, timedelta(seconds=MACHINE_GRACE_S * (rate["rate"] if rate else 1.0)))
    held = conn.execute(_HELD).fetchall()
    found = [
        f"basket {one['basket']}: offer {one['offer_id']}, withdrawn before" for one in witness.bought_unshown(books)
    ]
    for one in witness.purchases(books):
        found += [
            f"basket {one['basket']}: offer {one['offer_id']}, held since {row['starts_at']}"
            for row in held
            if row["object_id"] == one["offer_id"]
            and row["starts_at"] + grace < datetime.fromisoformat(one["checked_at"]) < row["until_at"]
        ]
    return found


GRACE, MACHINE_GRACE_S = timedelta(minutes=1), 2.0
_HELD = """
    SELECT object_id, starts_at, coalesce(lifted_at, ends_at) AS until_at FROM hold WHERE object = 'offer' ORDER BY starts_at, id
"""


def unshown(conn: Conn, books: Books) -> list[str]:
    """Offers the shop shows otherwise than we have planned, although nothing is on its way."""
    shelf = {row["offer_id"]: row for row in books["storefront"]["shelf"]}
    rows = conn.execute(
        "SELECT s.offer_id, s.wanted, s.version FROM offer_shown s WHERE NOT EXISTS (SELECT FROM effect e WHERE e.root = 'offer:' || s.offer_id "
        "AND e.operation = 'storefront.publish-offer' AND e.state IN ('planned', 'sending', 'unknown')) ORDER BY s.offer_id"
    ).fetchall()
    names = ("price_minor", "currency", "quantity", "sellable", "category", "title", "description", "reasons")
    return [
        f"offer {row['offer_id']}: {name} is {shelf.get(row['offer_id'], {}).get(name)!r}, should be {row['wanted'][name]!r}"
        for row in rows
        for name in names
        if shelf.get(row["offer_id"], {}).get(name) != row["wanted"][name]
    ]


def _faults(books: Books) -> dict[str, Any]:
    fired: dict[str, int] = books["world"]["faults"]["fired"]
    by_kind: Counter[str] = Counter()
    for name, count in fired.items():
        by_kind[name.partition(" ")[0]] += count
    return {"fired": sum(fired.values()), "by_kind": dict(sorted(by_kind.items())), "by_operation": fired}


def _arrivals(conn: Conn) -> dict[str, Any]:
    rows = conn.execute("SELECT channel, count(*) AS n FROM envelope GROUP BY channel ORDER BY channel").fetchall()
    return {row["channel"]: row["n"] for row in rows}


def _by_state(conn: Conn, table: str, *always: str) -> dict[str, Any]:
    states = _states(conn, table)
    return {name.replace("-", "_"): states[name] for name in dict.fromkeys([*always, *states])}


def _states(conn: Conn, table: str) -> Counter[str]:
    rows = conn.execute(f"SELECT state, count(*) AS n FROM {table} GROUP BY state ORDER BY state").fetchall()
    return Counter({row["state"]: row["n"] for row in rows})


def _count(conn: Conn, sql: str) -> int:
    row = conn.execute(sql).fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row["n"])


def _column(conn: Conn, sql: str) -> set[str]:
    return {row["value"] for row in conn.execute(sql).fetchall()}
