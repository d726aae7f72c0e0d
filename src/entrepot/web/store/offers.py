"""Offers and corrections: keyset lists over the indexes of what is live, and one offer with everything that was written about it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from entrepot.kernel.ctx import Conn, Database, Row
from entrepot.kernel.money import Money, NotMoney
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.explain import rule_words
from entrepot.ownership.model import Scope
from entrepot.ownership.rules import rule_for
from entrepot.web import offer_words, words
from entrepot.web.store.common import PAGE, BrokenLink, read_token, token
from entrepot.web.views import State, Tone
from entrepot.web.views.offers import (
    ChangeRow,
    CorrectionFilter,
    CorrectionGroup,
    CorrectionPage,
    CorrectionRow,
    FieldView,
    HoldView,
    OfferDetail,
    OfferFilter,
    OfferPage,
    OfferRow,
    OverrideView,
    RefusedView,
    ReturnedFile,
)

OFFER = "offer"
SHOWN_MAX = 100  # of each kind of thing on one offer's page
GROUPS_MAX = 30

# Which offers a list is about: each walks an index in the order of the page, and stops after one page.
_NAMED: Mapping[str, str] = {
    "": "SELECT account, object_id FROM owned_object WHERE object = 'offer' AND {after}",
    "held": "SELECT DISTINCT account, object_id FROM hold WHERE object = 'offer' AND lifted_at IS NULL AND {after}",
    "overridden": "SELECT DISTINCT account, object_id FROM override_value WHERE object = 'offer' AND ended_at IS NULL AND {after}",
    "asked": "SELECT DISTINCT account, object_id FROM correction WHERE object = 'offer' AND ended_at IS NULL AND {after}",
    "unsellable": """SELECT account, object_id FROM hold WHERE object = 'offer' AND lifted_at IS NULL AND {after}
                      UNION SELECT account, object_id FROM owned_value
                             WHERE object = 'offer' AND field = 'active' AND value = 'false'::jsonb AND {after}""",
}
_ROWS = """
    WITH named AS (
        SELECT n.account, n.object_id FROM ({named}) AS n
          JOIN owned_object o ON o.account = n.account AND o.object = 'offer' AND o.object_id = n.object_id
         WHERE {where} ORDER BY n.account, n.object_id LIMIT %(limit)s
    )
    SELECT o.account, o.object_id, o.seller, o.seller_model, o.category, o.known_at,
           (SELECT jsonb_object_agg(v.field, v.value ORDER BY v.field) FROM owned_value v
             WHERE v.account = o.account AND v.object = 'offer' AND v.object_id = o.object_id) AS values,
           (SELECT max(v.ours_at) FROM owned_value v
             WHERE v.account = o.account AND v.object = 'offer' AND v.object_id = o.object_id) AS changed_at,
           (SELECT jsonb_object_agg(r.field, r.value ORDER BY r.field) FROM override_value r
             WHERE r.account = o.account AND r.object = 'offer' AND r.object_id = o.object_id AND r.state = 'live') AS laid_over,
           (SELECT array_agg(h.words ORDER BY h.starts_at, h.id) FROM hold h
             WHERE h.account = o.account AND h.object = 'offer' AND h.object_id = o.object_id AND h.lifted_at IS NULL) AS held,
           (SELECT count(*) FROM correction c
             WHERE c.account = o.account AND c.object = 'offer' AND c.object_id = o.object_id AND c.ended_at IS NULL) AS asked
      FROM named n JOIN owned_object o ON o.account = n.account AND o.object = 'offer' AND o.object_id = n.object_id
     ORDER BY o.account, o.object_id
"""
AS_FILE = "returned-file"


def page(conn: Conn, accounts: Iterable[str], wanted: OfferFilter) -> OfferPage:
    rows = _rows(conn, wanted)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return OfferPage(
        filter=wanted,
        rows=tuple(_offer(row) for row in rows[:PAGE]),
        next_after=json.dumps([last["account"], last["object_id"]]) if last else "",
        accounts=tuple(sorted(accounts)),
    )


def every(db: Database, wanted: OfferFilter) -> Iterator[OfferRow]:
    """Page by page, each in its own transaction, so that an export holds no snapshot open."""
    after = ""
    while True:
        with db.transaction() as conn:
            found = page(conn, (), OfferFilter(wanted.show, wanted.account, wanted.seller, after))
        yield from found.rows
        after = found.next_after
        if not after:
            return


def _rows(conn: Conn, wanted: OfferFilter) -> list[Row]:
    """Conditions of ours, values of the reader's."""
    conditions, values = ["true"], dict[str, Any](limit=PAGE + 1)
    after = "true"
    if wanted.after:
        values["account_after"], values["id_after"] = read_pair(wanted.after)
        after = "(account, object_id) > (%(account_after)s, %(id_after)s)"
    for name, column in (("account", "o.account"), ("seller", "o.seller")):
        if value := getattr(wanted, name):
            conditions.append(f"{column} = %({name})s")
            values[name] = value.replace("\x00", "")
    named = _NAMED.get(wanted.show, _NAMED[""]).format(after=after)
    return conn.execute(_ROWS.format(named=named, where=" AND ".join(conditions)), values).fetchall()


def read_pair(text: str) -> tuple[str, str]:
    """The last row of a page: account and id. Errors: BrokenLink."""
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    match read:
        case [str(account), str(object_id)] if "\x00" not in account + object_id:
            return account, object_id
    raise BrokenLink("this address points at no page of the list; open the list again")


def _offer(row: Row) -> OfferRow:
    values: dict[str, Any] = {**(row["values"] or {}), **(row["laid_over"] or {})}
    held = tuple(row["held"] or ())
    return OfferRow(
        account=row["account"],
        id=row["object_id"],
        seller=row["seller"],
        category=str(values.get("category") or row["category"]),
        title=str(values.get("title") or ""),
        price=_money(values),
        quantity="" if values.get("quantity") is None else str(values["quantity"]),
        state=_state(held, values.get("active", True)),
        held=held,
        overridden=tuple(sorted(row["laid_over"] or {})),
        asked=row["asked"],
        changed_at=row["changed_at"] or row["known_at"],
    )


def _state(held: Sequence[str], active: Any) -> State:
    if held:
        return State("Held", Tone.BAD)
    return State("Sells", Tone.GOOD) if active else State("Not active", Tone.IDLE)


def _money(values: Mapping[str, Any]) -> Money | None:
    price, currency = values.get("price"), values.get("currency")
    if not isinstance(price, int) or isinstance(price, bool) or not isinstance(currency, str):
        return None
    try:
        return Money(price, currency)
    except NotMoney:  # a currency of theirs that we do not know is shown in the field list as it is
        return None


# --- one offer -----------------------------------------------------------------------------------------------------

_OF = "WHERE account = %(account)s AND object = 'offer' AND object_id = %(id)s"
_PARTS: Mapping[str, str] = {
    "fields": f"SELECT * FROM owned_value {_OF} ORDER BY field",
    "holds": f"SELECT * FROM hold {_OF} ORDER BY (lifted_at IS NOT NULL), starts_at DESC, id LIMIT {SHOWN_MAX}",
    "overrides": f"SELECT * FROM override_value {_OF} ORDER BY (ended_at IS NOT NULL), asked_at DESC, id LIMIT {SHOWN_MAX}",
    "corrections": f"SELECT * FROM correction {_OF} ORDER BY (ended_at IS NOT NULL), asked_at DESC, id LIMIT {SHOWN_MAX}",
    "refused": f"SELECT * FROM refused_write {_OF} ORDER BY (ended_at IS NOT NULL), last_at DESC, id LIMIT {SHOWN_MAX}",
    "history": f"SELECT * FROM value_change {_OF} ORDER BY ours_at DESC, field, version DESC LIMIT {SHOWN_MAX}",
    "put_back": f"SELECT day, field, count FROM reassertion {_OF} AND count > 0 ORDER BY day DESC, field LIMIT {SHOWN_MAX}",
}


def detail(conn: Conn, rules: RuleSet, account: str, offer_id: str, places: Callable[[str], str]) -> OfferDetail | None:
    if "\x00" in account + offer_id:
        return None
    named = "SELECT %(account)s AS account, %(id)s AS object_id"
    values = {"account": account, "id": offer_id, "limit": 1}
    found = conn.execute(_ROWS.format(named=named, where="true"), values).fetchone()
    if found is None:
        return None
    parts = {name: conn.execute(sql, values).fetchall() for name, sql in _PARTS.items()}
    currency = str((found["values"] or {}).get("currency") or "")
    overrides = tuple(_override(row, currency) for row in parts["overrides"])
    held = {row["field"] for row in parts["holds"] if row["lifted_at"] is None}
    live = {one.field: one for one in overrides if one.live}
    return OfferDetail(
        row=_offer(found),
        seller_model=found["seller_model"],
        currency=currency,
        fields=tuple(
            _field(row, currency, live.get(row["field"]), row["field"] in held, places, _rule_words(rules, found, row["field"]))
            for row in parts["fields"]
        ),
        holds=tuple(_hold(row) for row in parts["holds"]),
        overrides=overrides,
        corrections=tuple(_correction(row, currency) for row in parts["corrections"]),
        refused=tuple(_refused(row, currency) for row in parts["refused"]),
        history=tuple(_change(row, currency) for row in parts["history"]),
        put_back=tuple((str(row["day"]), row["field"], row["count"]) for row in parts["put_back"]),
    )  # fmt: skip


def _rule_words(rules: RuleSet, offer: Row, field: str) -> str:
    owned = rules.objects.get(OFFER)
    scope = Scope(offer["account"], offer["seller"], offer["seller_model"], offer["category"])
    return rule_words(rule_for(owned, field, scope) if owned else None, field)


def _field(
    row: Row, currency: str, override: OverrideView | None, held: bool, places: Callable[[str], str], said: str
) -> FieldView:
    owners = offer_words.shown(row["field"], row["value"], currency)
    return FieldView(
        name=row["field"],
        word=words.plain(row["field"]),
        value=override.value if override else owners,
        owners=owners,
        actor=row["actor"],
        source=row["source"],
        message=row["message_id"] or "",
        rule=row["rule"],
        place=places(row["rule"]),
        rule_words=said,
        theirs_at=row["theirs_at"],
        ours_at=row["ours_at"],
        version=row["version"],
        override=override,
        held=held,
        kind=offer_words.kind_of(row["field"], row["value"]),
    )


def _override(row: Row, currency: str) -> OverrideView:
    return OverrideView(
        id=row["id"],
        field=row["field"],
        value=offer_words.shown(row["field"], row["value"], currency),
        over=offer_words.shown(row["field"], row["over"], currency),
        state=words.state(offer_words.OVERRIDE, row["state"]),
        author=row["author"],
        reason=row["reason"],
        large=row["large"],
        second_person=row["second_person"] or "",
        asked_at=row["asked_at"],
        ends_at=row["ends_at"],
        ended=f"{row['ended_by']}: {row['ended_why']}" if row["ended_at"] else "",
        waits=row["state"] == "asked",
        live=row["state"] == "live",
    )


def _hold(row: Row) -> HoldView:
    return HoldView(
        id=row["id"],
        field=row["field"],
        word=offer_words.why_word(row["reason"]),
        words=row["words"],
        author=row["author"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        lifted_at=row["lifted_at"],
        lifted=f"{row['lifted_by']}: {row['lifted_why']}" if row["lifted_at"] else "",
    )


def _refused(row: Row, currency: str) -> RefusedView:
    return RefusedView(
        field=row["field"] or "the offer itself",
        value=offer_words.shown(row["field"], row["value"], currency),
        actor=row["actor"],
        word=offer_words.why_word(row["why"]),
        words=row["words"],
        source=row["source"],
        count=row["count"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        ended=row["ended_why"] or "",
    )


def _change(row: Row, currency: str) -> ChangeRow:
    shown = offer_words.shown
    return ChangeRow(
        at=row["ours_at"],
        field=row["field"],
        before=shown(row["field"], row["before"], currency) if row["version"] > 1 else "",
        value=shown(row["field"], row["value"], currency),
        actor=row["actor"],
        source=row["source"],
        version=row["version"],
    )


# --- corrections ---------------------------------------------------------------------------------------------------


def corrections(conn: Conn, wanted: CorrectionFilter) -> CorrectionPage:
    rows = _asked(conn, wanted)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    groups = conn.execute(
        f"""SELECT seller, cause, count(*) AS count, min(asked_at) AS oldest_at, min(answer_by) AS answer_by
              FROM correction WHERE ended_at IS NULL GROUP BY seller, cause
             ORDER BY min(answer_by), seller, cause LIMIT {GROUPS_MAX}"""
    ).fetchall()
    return CorrectionPage(
        filter=wanted,
        rows=tuple(_correction(row, row["currency"] or "") for row in rows[:PAGE]),
        groups=tuple(CorrectionGroup(word=offer_words.why_word(row["cause"]), **row) for row in groups),
        next_after=token(last["asked_at"], last["id"]) if last else "",
    )


def every_correction(db: Database, wanted: CorrectionFilter) -> Iterator[CorrectionRow]:
    after = ""
    while True:
        with db.transaction() as conn:
            found = corrections(conn, CorrectionFilter(wanted.show, wanted.seller, wanted.cause, after))
        yield from found.rows
        after = found.next_after
        if not after:
            return


def _asked(conn: Conn, wanted: CorrectionFilter) -> list[Row]:
    """The oldest first while they are open; what is over, the newest first."""
    conditions, values, newest = ["true"], dict[str, Any](), wanted.show != "open"
    if wanted.show in ("open", "ended"):
        conditions.append("c.ended_at IS NULL" if wanted.show == "open" else "c.ended_at IS NOT NULL")
    for name in ("seller", "cause"):
        if value := getattr(wanted, name):
            conditions.append(f"c.{name} = %({name})s")
            values[name] = value.replace("\x00", "")
    if wanted.after:
        at, row_id = read_token(wanted.after)
        conditions.append(f"(c.asked_at, c.id) {'<' if newest else '>'} (%(at)s, %(row_id)s)")
        values |= {"at": at, "row_id": row_id}
    order = "DESC" if newest else ""
    return conn.execute(
        f"""SELECT c.*, (SELECT v.value #>> '{{}}' FROM owned_value v WHERE v.account = c.account AND v.object = c.object
                            AND v.object_id = c.object_id AND v.field = 'currency') AS currency
              FROM correction c WHERE {" AND ".join(conditions)}
             ORDER BY c.asked_at {order}, c.id {order} LIMIT {PAGE + 1}""",
        values,
    ).fetchall()


def _correction(row: Row, currency: str) -> CorrectionRow:
    answer = ": ".join(part for part in (row["answered_by"], row["answer_words"]) if part)
    return CorrectionRow(
        id=row["id"],
        account=row["account"],
        object=row["object"],
        object_id=row["object_id"],
        field=row["field"],
        cause=offer_words.why_word(row["cause"]),
        words=row["words"],
        way=f"{words.plain(row['asked_by'])} asks {words.plain(row['owner']).lower()}",
        seller=row["seller"],
        state=words.state(offer_words.CORRECTION, row["state"]),
        channel=offer_words.channel_word(row["channel"]),
        asked_at=row["asked_at"],
        answer_by=row["answer_by"],
        ended_at=row["ended_at"],
        answer=answer,
        refused=offer_words.shown(row["field"], row["refused_value"], currency),
        file=(row["digest_id"] or "") if row["channel"] == AS_FILE else "",
    )


def returned_file(conn: Conn, digest_id: str) -> ReturnedFile | None:
    row = conn.execute("SELECT name, content FROM returned_file WHERE digest_id = %s", (digest_id,)).fetchone()
    return ReturnedFile(**row) if row else None


# The rows of the message a link came in that still wait for an answer; a row without a message stands alone.
_ASKED_WITH = """
    SELECT c.*, (SELECT v.value #>> '{}' FROM owned_value v WHERE v.account = c.account AND v.object = c.object
                    AND v.object_id = c.object_id AND v.field = 'currency') AS currency
      FROM correction t
      JOIN correction c ON c.id = t.id OR (c.digest_id = t.digest_id AND c.seller = t.seller AND c.account = t.account)
     WHERE t.token_hash = %s AND t.ended_at IS NULL AND c.ended_at IS NULL AND c.token_hash IS NOT NULL
     ORDER BY c.id <> t.id, c.asked_at, c.id LIMIT 100
"""


def asked_with(conn: Conn, token_hash: str) -> list[Row]:
    """What one link may see: nothing of another seller, nothing that is over."""
    return conn.execute(_ASKED_WITH, (token_hash,)).fetchall()
