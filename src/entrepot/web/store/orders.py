"""Baskets: the list, and one basket with its seller orders and everything around them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from entrepot.blueprint.model import Plan
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.selling import penalty_of, sold_on
from entrepot.web.store import cases
from entrepot.web.store.common import LABEL, PAGE, money, read_token, token
from entrepot.web.store.legs import legs_of
from entrepot.web.store.records import ACTION_COLUMNS, MESSAGE_COLUMNS, action_row, message_row
from entrepot.web.views import (
    BasketDetail,
    BasketFilter,
    BasketPage,
    BasketRow,
    LegMark,
    Promise,
    TimelineEntry,
    Tone,
)

AROUND_MAX = 200


def page(conn: Conn, plan: Plan, wanted: BasketFilter) -> BasketPage:
    rows = _rows(conn, wanted)
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    ids = [found["id"] for found in rows]
    marks, due, failing = _marks(conn, ids), _next_due(conn, ids), _open_cases(conn, rows)
    return BasketPage(
        filter=wanted,
        rows=tuple(
            BasketRow(
                id=found["id"],
                commercial_id=found["commercial_id"],
                account=found["account"],
                placed_at=found["placed_at"],
                state=words.state(words.BASKET, found["state"]),
                ordered=money(found, "ordered_minor"),
                captured=money(found, "captured_minor"),
                legs=tuple(marks[found["id"]]),
                cases=failing.get(_root(found), 0),
                next_due_at=due[found["id"]]["due_at"] if found["id"] in due else None,
                next_due=promise_word(due[found["id"]]["kind"]) if found["id"] in due else "",
            )
            for found in rows
        ),
        next_after=token(rows[-1]["placed_at"], rows[-1]["id"]) if more else "",
        accounts=tuple(sorted(plan.accounts)),
    )


def detail(conn: Conn, plan: Plan, basket_id: str) -> BasketDetail | None:
    found = conn.execute("SELECT * FROM basket WHERE id = %s", (basket_id,)).fetchone()
    if found is None:
        return None
    root = _root(found)
    return BasketDetail(
        id=found["id"],
        commercial_id=found["commercial_id"],
        account=found["account"],
        state=words.state(words.BASKET, found["state"]),
        placed_at=found["placed_at"],
        source=found["source"],
        money=_money_of(found),
        authorisation_expires_at=found["authorisation_expires_at"],
        legs=legs_of(conn, plan, found, promises(conn, plan, _objects(conn, basket_id, root))),
        cases=cases.newest_first(conn, "c.root = %s", root),
        messages=tuple(
            message_row(row)
            for row in conn.execute(
                f"SELECT {MESSAGE_COLUMNS} FROM message m WHERE m.root = %s ORDER BY m.seq DESC LIMIT {AROUND_MAX}",
                (root,),
            ).fetchall()
        ),
        actions=tuple(
            action_row(row)
            for row in conn.execute(
                f"SELECT {ACTION_COLUMNS} FROM effect e WHERE e.root = %s ORDER BY e.seq DESC LIMIT {AROUND_MAX}",
                (root,),
            ).fetchall()
        ),
        timeline=_timeline(conn, root),
    )


def _root(found: Row) -> str:
    return f"basket:{found['commercial_id']}"


def _rows(conn: Conn, wanted: BasketFilter) -> list[Row]:
    conditions, values = ["true"], dict[str, Any]()
    for name in ("state", "account"):
        if value := getattr(wanted, name):
            conditions.append(f"b.{name} = %({name})s")
            values[name] = value
    if wanted.leg:
        conditions.append("EXISTS (SELECT FROM leg l WHERE l.basket_id = b.id AND l.state = %(leg)s)")
        values["leg"] = wanted.leg
    if wanted.after:
        at, row_id = read_token(wanted.after)
        conditions.append("(b.placed_at, b.id) < (%(at)s, %(row_id)s)")
        values |= {"at": at, "row_id": row_id}
    return conn.execute(
        f"""SELECT b.id, b.commercial_id, b.account, b.placed_at, b.state, b.currency, b.ordered_minor, b.captured_minor
              FROM basket b WHERE {" AND ".join(conditions)}
             ORDER BY b.placed_at DESC, b.id DESC LIMIT {PAGE + 1}""",
        values,
    ).fetchall()


def _marks(conn: Conn, basket_ids: Sequence[str]) -> Mapping[str, list[LegMark]]:
    marks: dict[str, list[LegMark]] = defaultdict(list)
    for found in conn.execute(
        """SELECT basket_id, order_id, seller_id, seller_name, state, their_state FROM leg
            WHERE basket_id = ANY(%s) ORDER BY order_id""",
        (list(basket_ids),),
    ).fetchall():
        state = words.state(words.LEG, found["state"], found["their_state"])
        marks[found["basket_id"]].append(LegMark(found["order_id"], found["seller_name"] or found["seller_id"], state))
    return marks


def _next_due(conn: Conn, basket_ids: Sequence[str]) -> Mapping[str, Row]:
    """The promise of each basket that ends first."""
    rows = conn.execute(
        """
        SELECT DISTINCT ON (basket_id) basket_id, kind, due_at FROM (
            SELECT l.basket_id, o.kind, o.due_at FROM leg l JOIN obligation o ON o.object = 'leg' AND o.object_id = l.id
             WHERE l.basket_id = ANY(%(ids)s) AND o.ended_at IS NULL
            UNION ALL
            SELECT l.basket_id, o.kind, o.due_at FROM leg l JOIN line n ON n.leg_id = l.id
              JOIN obligation o ON o.object = 'line' AND o.object_id = n.id
             WHERE l.basket_id = ANY(%(ids)s) AND o.ended_at IS NULL
            UNION ALL
            SELECT o.object_id, o.kind, o.due_at FROM obligation o
             WHERE o.object = 'basket' AND o.object_id = ANY(%(ids)s) AND o.ended_at IS NULL
        ) AS promised ORDER BY basket_id, due_at, kind
        """,
        {"ids": list(basket_ids)},
    ).fetchall()
    return {found["basket_id"]: found for found in rows}


def _open_cases(conn: Conn, baskets: Sequence[Row]) -> Mapping[str, int]:
    rows = conn.execute(
        """SELECT root, count(*) AS n FROM case_file WHERE root = ANY(%s) AND resolved_at IS NULL
            GROUP BY root ORDER BY root""",
        ([_root(found) for found in baskets],),
    ).fetchall()
    return {found["root"]: found["n"] for found in rows}


def _money_of(found: Row) -> tuple[tuple[str, Money], ...]:
    held = found["authorised_minor"] - found["captured_minor"] - found["released_minor"]
    tiles = [("Ordered", "ordered_minor")]
    if found["authorisation_id"]:
        tiles += [("Authorised", "authorised_minor"), ("Charged", "captured_minor"), ("Released", "released_minor")]
    tiles.append(("Refunded", "refunded_minor"))
    values = [(word, money(found, name)) for word, name in tiles]
    return tuple([*values, ("Still held", Money(held, found["currency"]))] if found["authorisation_id"] else values)


def _objects(conn: Conn, basket_id: str, root: str) -> list[tuple[str, str]]:
    """The basket, its seller orders, their lines and refunds, and what a channel asks of us: what promises can be about."""
    rows = conn.execute(
        """SELECT 'leg' AS object, id FROM leg WHERE basket_id = %(id)s
            UNION ALL SELECT 'line', n.id FROM line n JOIN leg l ON l.id = n.leg_id WHERE l.basket_id = %(id)s
            UNION ALL SELECT 'refund', r.id FROM refund r JOIN leg l ON l.id = r.leg_id WHERE l.basket_id = %(id)s
            UNION ALL SELECT 'channel-refund', c.account || ':' || c.refund_id FROM channel_refund c JOIN leg l ON l.id = c.leg_id
                       WHERE l.basket_id = %(id)s
            UNION ALL SELECT 'dispute', d.account || ':' || d.dispute_id FROM dispute d JOIN leg l ON l.id = d.leg_id WHERE l.basket_id = %(id)s
            UNION SELECT 'cancellation', m.account || ':' || m.external_id FROM message m WHERE m.root = %(root)s AND m.kind = 'cancellation'
            ORDER BY 1, 2""",
        {"id": basket_id, "root": root},
    ).fetchall()
    return [("basket", basket_id), *((found["object"], found["id"]) for found in rows)]


def promises(conn: Conn, plan: Plan, objects: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], list[Promise]]:
    rows = conn.execute(
        f"""SELECT o.*, {LABEL.format(t="o")}, l.created_at AS placed_at, l.market FROM obligation o
              JOIN unnest(%s::text[], %s::text[]) AS w (object, object_id)
                ON w.object = o.object AND w.object_id = o.object_id
              LEFT JOIN line n ON o.object = 'line' AND n.id = o.object_id
              LEFT JOIN leg l ON l.id = CASE o.object WHEN 'leg' THEN o.object_id ELSE n.leg_id END
             ORDER BY o.due_at, o.id""",
        ([kind for kind, _ in objects], [row_id for _, row_id in objects]),
    ).fetchall()
    found: dict[tuple[str, str], list[Promise]] = defaultdict(list)
    selling = set(sold_on(plan))
    for row in rows:
        shown = promise(row)
        if row["account"] in selling:
            shown = _of_channel(plan, row, shown)
        found[row["object"], row["object_id"]].append(shown)
    return found


def _of_channel(plan: Plan, row: Row, shown: Promise) -> Promise:
    """Where we are the seller: in that side's words, with what the channel does when it is missed; of a line, which one."""
    word = words.CHANNEL_DUTY.get(row["kind"], shown.what)
    line = f", line {row['label']}" if row["object"] == "line" else ""
    penalty = penalty_of(plan, row["account"], row["kind"], row["placed_at"], row["market"]) if row["placed_at"] else ""
    return replace(shown, what=f"{word}{line}", penalty=penalty)


def promise(row: Row, href: str = "") -> Promise:
    return Promise(
        what=promise_word(row["kind"]),
        about=row["label"],
        href=href or f"/find?q={quote(row['label'])}",
        owner=row["owner"],
        state=words.state(words.PROMISE, row["state"]),
        starts_at=row["starts_at"],
        due_at=row["due_at"],
        warn_at=row["warn_at"],
        ended_at=row["ended_at"],
        money=money(row, "money_minor") if row["money_minor"] else None,
    )


def promise_word(kind: str) -> str:
    return words.PROMISE_KIND.get(kind, words.plain(kind))


def _timeline(conn: Conn, root: str) -> tuple[TimelineEntry, ...]:
    rows = conn.execute(
        f"""SELECT at, object, object_id, what, from_state, to_state, by, because, detail, {LABEL.format(t="e")}
              FROM event e WHERE root = %s ORDER BY seq DESC LIMIT {AROUND_MAX}""",
        (root,),
    ).fetchall()
    return tuple(_entry(found) for found in rows)


_EVENT_STATES: Mapping[str, Mapping[str, tuple[str, Tone]]] = {
    "leg": words.LEG,
    "basket": words.BASKET,
    "refund": words.REFUND,
    "return": words.RETURN,
    "parcel": words.PARCEL,
}


def _entry(found: Row) -> TimelineEntry:
    """One line of the story.  Shape: `leg moved` and `parcel moved` are told by the state they led to."""
    about, _, did = found["what"].partition(" ")
    subject = words.OBJECT.get(found["object"], words.plain(found["object"]))
    what, tone = words.EVENT.get(found["what"], found["what"]), Tone.INFO
    if did == "moved" and found["to_state"]:
        now = words.state(_EVENT_STATES.get(about, {}), found["to_state"])
        before = words.state(_EVENT_STATES.get(about, {}), found["from_state"]).word if found["from_state"] else ""
        thing = "" if about == found["object"] else f"{about} "
        what, tone = f"{thing}{now.word.lower()}", now.tone
    else:
        before = ""
    because = "" if found["because"].startswith(("msg_", "eff_")) else found["because"]
    detail = ", ".join(part for part in (f"before: {before.lower()}" if before else "", because) if part)
    return TimelineEntry(found["at"], f"{subject} {found['label']}: {what}", found["by"], tone, detail)
