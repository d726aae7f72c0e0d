"""What buyers could see and buy, held against the marketplace's and the shop's books; and whether whoever was to be asked was asked, once."""

import json
from collections import Counter
from typing import Any

from entrepot.kernel.ctx import Conn
from entrepot.proof.checkers.finding import Books, Finding, rows
from entrepot.proof.figures import sold_while_held, unshown

LIMITED = ("under-floor", "above-ceiling", "other-currency")


def the_shop_shows_what_counts(conn: Conn, books: Books) -> list[Finding]:
    """The shelf agrees with what we planned, and what we planned with what the marketplace shows, where nothing stands in between."""
    found = [
        Finding("offers-shown", "the shop shows another page than is planned", what) for what in unshown(conn, books)
    ]
    shown = {row["offer_id"]: row["wanted"] for row in rows(conn, "SELECT * FROM offer_shown ORDER BY offer_id")}
    apart = _apart(conn)
    for offer in books["mirakl"]["offers"]:
        offer_id = str(offer["offer_id"])
        page = shown.get(offer_id)
        if page is None:
            found.append(Finding("offers-shown", "an offer that was never published", offer_id))
            continue
        theirs = {"price": offer["price_minor"], "category": offer["category_code"], "quantity": offer["quantity"]}
        ours = {"price": page["price_minor"], "category": page["category"], "quantity": page["quantity"]}
        found += [
            Finding(
                "offers-shown",
                f"{field}: theirs {theirs[field]!r}, shown {ours[field]!r}, and nobody says why",
                offer_id,
            )
            for field in theirs
            if theirs[field] != ours[field] and (offer_id, field) not in apart
        ]
    return found


def _apart(conn: Conn) -> set[tuple[str, str]]:
    """Fields that rightly differ from the marketplace's: refused there, or laid over by us."""
    return {
        (row["object_id"], row["field"])
        for row in rows(
            conn,
            "SELECT object_id, field FROM refused_write WHERE object = 'offer' AND ended_at IS NULL "
            "UNION SELECT object_id, field FROM override_value WHERE object = 'offer' AND state = 'live' ORDER BY 1, 2",
        )
    }


def nothing_held_is_sold(conn: Conn, books: Books) -> list[Finding]:
    """No offer was bought while it was held."""
    return [Finding("offers-held", "it was sold while it was held", what) for what in sold_while_held(conn, books)]


def prices_are_within_limits_or_held(conn: Conn, books: Books) -> list[Finding]:
    """What was refused for its price is held, and has a request or a case that somebody owns."""
    bare = rows(
        conn,
        "SELECT r.object_id, r.why, r.seller FROM refused_write r WHERE r.object = 'offer' AND r.ended_at IS NULL AND r.why = ANY(%s) "
        "AND NOT EXISTS (SELECT FROM hold h WHERE h.object_id = r.object_id AND h.account = r.account AND h.reason = r.why AND h.lifted_at IS NULL) "
        "AND NOT EXISTS (SELECT FROM override_value o WHERE (o.account, o.object, o.object_id, o.field) = (r.account, r.object, r.object_id, r.field) "
        "AND o.state = 'live') ORDER BY r.object_id",
        list(LIMITED),
    )
    found = [Finding("offers-judged", f"refused ({row['why']}) and not held", row["object_id"]) for row in bare]
    unowned = rows(
        conn,
        "SELECT DISTINCT r.object_id, r.why FROM refused_write r WHERE r.object = 'offer' AND r.ended_at IS NULL AND r.why = ANY(%s) "
        "AND NOT EXISTS (SELECT FROM case_file c LEFT JOIN case_member m ON m.case_id = c.id WHERE c.mode = 'offer-' || r.why "
        "AND (coalesce(m.object, c.object), coalesce(m.object_id, c.object_id)) = ('offer', r.object_id)) ORDER BY 1, 2",
        list(LIMITED),
    )
    return found + [
        Finding("offers-judged", f"{row['why']}: no case names it", f"offer {row['object_id']}") for row in unowned
    ]


def everybody_is_asked_once(conn: Conn, books: Books) -> list[Finding]:
    """Each digest that went into a conversation stands there exactly once; a request that was delivered by it exists there."""
    said: Counter[str] = Counter()
    for thread in books["mirakl"]["threads"]:
        text = json.dumps([thread["topic"], *(m["body"] for m in thread["messages"] if m["from"] == "OPERATOR")])
        for digest_id in _digests(conn):
            said[digest_id] += text.count(f"[{digest_id}]")
    found = []
    for row in rows(conn, "SELECT id, state, channel FROM correction_digest ORDER BY id"):
        times = said[row["id"]]
        if times > 1:
            found.append(Finding("corrections", f"was said {times} times", row["id"]))
        if (row["state"], row["channel"], times) == ("delivered", "mirakl-thread", 0):
            found.append(Finding("corrections", "counts as delivered, and stands in no conversation", row["id"]))
    silent = rows(conn, "SELECT id FROM correction WHERE state = 'asked' AND ended_at IS NULL ORDER BY id")
    return found + [Finding("corrections", "was never told to its owner", row["id"]) for row in silent]


def _digests(conn: Conn) -> list[Any]:
    return [row["id"] for row in rows(conn, "SELECT id FROM correction_digest ORDER BY id")]
