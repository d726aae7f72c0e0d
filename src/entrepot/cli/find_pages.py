"""What `find` found, as a terminal shows it and as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from entrepot.cli.case_pages import case_row
from entrepot.cli.find_store import Answer, BasketStory
from entrepot.cli.output import Cell, Column, Paper, Said, Style, local, money_document, state_cell, time_left
from entrepot.kernel.ctx import Row
from entrepot.kernel.money import Money
from entrepot.web import words
from entrepot.web.views import Tone

STATES = {
    "basket": words.BASKET,
    "leg": words.LEG,
    "refund": words.REFUND,
    "return": words.RETURN,
    "shipment": words.PARCEL,
    "message": words.MESSAGE,
    "effect": words.ACTION,
    "case": words.CASE,
    "statement": words.STATEMENT,
    "statement_line": words.LINE_MATCH,
    "payout": words.PAYOUT,
    "obligation": words.PROMISE,
    "flow": words.FLOW,
    "parcel": words.PARCEL_AT_CHANNEL,
    "listing": words.LISTING,
    "submission": words.SUBMISSION,
    "dispute": words.DISPUTE,
    "channel-refund": words.REFUND,
}
PAGES = {
    "basket": "orders/",
    "effect": "actions/",
    "message": "messages/",
    "case": "cases/",
    "statement": "settlement/",
}
OWN_SCHEMES = ("id", "key", "name")
BASKET_MONEY = ("ordered", "authorised", "captured", "released", "refunded")
LEG_MONEY = ("ordered", "accepted", "debited", "refunded")
MONEY_WORDS = {"captured": "charged", "debited": "charged"}


def kind(object_: str) -> str:
    return words.OBJECT.get(object_, words.plain(object_))


# --- JSON ----------------------------------------------------------------------------------------------------------


def document(answer: Answer, now: datetime, console_url: str) -> dict[str, Any]:
    return {
        "asked": answer.asked,
        "business_now": now,
        "by_beginning": answer.by_beginning,
        "found": [
            {name: row[name] for name in ("object", "object_id", "name", "state", "account", "scheme", "called")}
            | {"console": _page(row, console_url) or None}
            for row in answer.found
        ],
        "baskets": [_basket_document(story, now) for story in answer.baskets],
        "baskets_more": answer.baskets_more,
        "statements": [_with_money(row) for row in answer.statements],
        "payouts": [_with_money(row) for row in answer.payouts],
        "cases": [case_row(row, now) for row in answer.cases],
    }


def _page(row: Row, console_url: str) -> str:
    path = PAGES.get(row["object"])
    if row["object"] == "listing" and console_url:
        return f"{console_url}listings/{quote(row['object_id'])}"
    return f"{console_url}{path}{row['object_id']}" if path and console_url else ""


def _with_money(row: Row, currency: str = "") -> dict[str, Any]:
    """A row whose `…_minor` columns are money."""
    code = currency or row["currency"]
    plain = {name: value for name, value in row.items() if not name.endswith("_minor") and name != "currency"}
    money = {name.removesuffix("_minor"): money_document(n, code) for name, n in row.items() if name.endswith("_minor")}
    return plain | money


def _basket_document(story: BasketStory, now: datetime) -> dict[str, Any]:
    events = ("at", "object", "object_id", "what", "from_state", "to_state", "by", "because")
    promised = ("id", "kind", "object", "object_id", "owner", "state", "starts_at", "due_at", "warned_at", "ended_at")
    return {
        **_with_money(story.basket),
        "legs": [_leg_document(leg) for leg in story.legs],
        "obligations": [{name: row[name] for name in promised} for row in story.obligations],
        "cases": [case_row(row, now) for row in story.cases],
        "outgoing_actions": story.effects,
        "messages": story.messages,
        "journals": story.journals,
        "timeline": [{name: row[name] for name in events} for row in story.events],
    }


def _leg_document(leg: Row) -> dict[str, Any]:
    code = leg["currency"]
    lines, refunds = [_with_money(n, code) for n in leg["lines"]], [_with_money(n) for n in leg["refunds"]]
    of_channel = {name: [_with_money(n) for n in leg[name]] for name in ("channel_refunds", "disputes")}
    return _with_money(leg) | {"lines": lines, "refunds": refunds} | of_channel


# --- text ----------------------------------------------------------------------------------------------------------


def page(paper: Paper, answer: Answer, now: datetime, console_url: str) -> None:
    if answer.by_beginning:
        paper.line(f"Nothing is called {answer.asked}; these begin with it:")
    for row in answer.found:
        named = f"({words.plain(row['scheme']).lower()})" if row["scheme"] not in OWN_SCHEMES else ""
        where = f"at {row['account']}" if row["account"] else ""
        paper.line(
            Cell(f"{kind(row['object'])} {row['name']}", Style.STRONG),
            _state(row["object"], row["state"]),
            where,
            named,
        )
        for called in row["called"]:
            paper.line(Cell(called, Style.QUIET), indent=1)
        if link := _page(row, console_url):
            paper.line(Cell(link, Style.QUIET), indent=1)
    for story in answer.baskets:
        _basket(paper, story, now)
    if answer.baskets_more:
        paper.line(f"… and {answer.baskets_more} more baskets: ask for one of them")
    for row in answer.statements:
        _statement(paper, row)
    for row in answer.payouts:
        paper.heading(f"Payout {row['voucher'] or row['cycle_id']}")
        paper.line(
            str(Money(row["amount_minor"], row["currency"])), _state("payout", row["state"]), row["reason"], indent=1
        )
    if answer.cases:
        paper.heading("Cases")
        _cases(paper, answer.cases, now)


def _state(object_: str, state: str) -> Cell:
    return state_cell(words.state(STATES.get(object_, {}), state)) if state else Cell("")


def _amounts(row: Row, names: Sequence[str]) -> str:
    shown = [(MONEY_WORDS.get(n, n), row[f"{n}_minor"]) for n in names]
    return ", ".join(f"{name} {Money(minor, row['currency'])}" for name, minor in shown if minor)


def _basket(paper: Paper, story: BasketStory, now: datetime) -> None:
    basket = story.basket
    paper.heading(f"Basket {basket['commercial_id']}")
    paper.line(
        _state("basket", basket["state"]), f"placed {local(basket['placed_at'])} at the {basket['source']}", indent=1
    )
    paper.line(_amounts(basket, BASKET_MONEY), indent=1)
    for leg in story.legs:
        _leg(paper, leg)
    _promises(paper, story, now)
    if story.cases:
        paper.heading("Cases")
        _cases(paper, story.cases, now)
    _timeline(paper, story)
    _actions(paper, story.effects)
    _messages(paper, story.messages)


def _leg(paper: Paper, leg: Row) -> None:
    theirs = state_cell(words.state(words.LEG, leg["state"], leg["their_state"]))
    their_name = words.their_order_word(leg["account"])
    seller = leg["seller_name"] or leg["seller_id"]
    paper.line(
        Cell(f"{their_name} {leg['order_id']}", Style.STRONG),
        theirs,
        f"of {seller}:",
        _amounts(leg, LEG_MONEY),
        indent=1,
    )
    for line in leg["lines"]:
        price = Money(line["price_minor"] + line["shipping_minor"] + line["tax_minor"], leg["currency"])
        paper.line(f"{line['quantity']} × {line['sku']} {line['title']}, {price}{_quantities(line)}", indent=2)
    for parcel in leg["shipments"]:
        paper.line("parcel", parcel["carrier"], parcel["tracking"], _state("shipment", parcel["state"]), indent=2)
    _of_channel(paper, leg)
    for back in leg["returns"]:
        word = state_cell(words.state(words.RETURN, back["state"], back["their_state"]))
        paper.line(f"return {back['external_id']}", word, back["reason"], indent=2)
    for refund in leg["refunds"]:
        _refund(paper, refund)


def _of_channel(paper: Paper, leg: Row) -> None:
    """Our own parcels and whether the channel knows, its refunds and its disputes."""
    if leg["document_number"]:
        paper.line(f"our back office: document {leg['document_number']}", indent=2)
    for parcel in leg["parcels"]:
        state = "confirmed" if parcel["confirmed_at"] else "refused" if parcel["refused"] else "unconfirmed"
        paper.line(
            f"parcel {parcel['number']}",
            parcel["carrier"],
            parcel["tracking"],
            _state("parcel", state),
            parcel["refused"],
            indent=2,
        )
    for refund in leg["channel_refunds"]:
        booked = (
            f"in our books, document {refund['document_number']}"
            if refund["booked_at"]
            else Cell("not in our books", Style.WARN)
        )
        paper.line(
            f"refund {refund['refund_id']} {Money(refund['amount_minor'], refund['currency'])}",
            refund["reason"],
            booked,
            indent=2,
        )
    for one in leg["disputes"]:
        word = state_cell(words.state(words.DISPUTE, one["state"], one["their_state"]))
        paper.line(
            f"dispute {one['dispute_id']} {Money(one['amount_minor'], one['currency'])}", word, one["reason"], indent=2
        )


def _quantities(line: Row) -> str:
    parts = [(line[f"{name}_qty"], name) for name in ("accepted", "refused", "shipped", "cancelled")]
    said = ", ".join(f"{name} {count}" for count, name in parts if count)
    return f" ({said})" if said else ""


def _refund(paper: Paper, refund: Row) -> None:
    amount = str(Money(refund["amount_minor"], refund["currency"]))
    paper.line(
        f"refund {refund['external_id']} {amount}", _state("refund", refund["state"]), refund["reason"], indent=2
    )
    for said in refund["confirmations"]:
        witness = words.WITNESS.get(said["witness"], said["witness"])
        if said["confirmed_at"]:
            paper.line(f"{witness}: confirmed {local(said['confirmed_at'])}", indent=3)
        else:
            paper.line(Cell(f"{witness}: not confirmed, due {local(said['due_at'])}", Style.WARN), indent=3)


def _promises(paper: Paper, story: BasketStory, now: datetime) -> None:
    if not story.obligations:
        return
    paper.heading("Promises")
    names = _names(story)
    columns = [
        Column("Due", keeps=True),
        Column("What"),
        Column("About"),
        Column("State", keeps=True),
        Column("Left"),
        Column("Owner"),
    ]
    paper.table(columns, [_promise(row, names, now) for row in story.obligations])


def _promise(row: Row, names: Mapping[tuple[str, str], str], now: datetime) -> Sequence[Said]:
    what = words.PROMISE_KIND.get(row["kind"], words.plain(row["kind"]))
    left = time_left(row["due_at"], now) if row["ended_at"] is None else Cell("")
    about = names.get((row["object"], row["object_id"]), kind(row["object"]))
    return (local(row["due_at"]), what, about, _state("obligation", row["state"]), left, row["owner"])


def _cases(paper: Paper, rows: Sequence[Row], now: datetime) -> None:
    for row in rows:
        left = time_left(row["due_at"], now) if row["resolved_at"] is None else Cell(f"by {row['resolved_by']}")
        word = state_cell(words.state(words.CASE, row["state"]))
        paper.line(Cell(str(row["number"]), Style.STRONG), word, f"{row['mode']}, {row['owner']},", left, indent=1)
        paper.line(row["effect_text"], indent=2)


def _timeline(paper: Paper, story: BasketStory) -> None:
    if not story.events:
        return
    names = _names(story)
    paper.heading("Timeline")
    for event in story.events:
        table = STATES.get(event["object"], {})
        moved = " → ".join(
            words.state(table, state).word for state in (event["from_state"], event["to_state"]) if state
        )
        about = names.get((event["object"], event["object_id"]), kind(event["object"]))
        what = words.plain(event["what"]).lower().removeprefix(f"{event['object']} ")
        paper.line(local(event["at"]), f"{about}: {what}", f"({moved})" if moved else "", f"by {event['by']}", indent=1)


def _names(story: BasketStory) -> Mapping[tuple[str, str], str]:
    names = {("basket", story.basket["id"]): f"Basket {story.basket['commercial_id']}"}
    for leg in story.legs:
        names["leg", leg["id"]] = leg["order_id"]
        names |= {("refund", row["id"]): f"Refund {row['external_id']}" for row in leg["refunds"]}
        names |= {("return", row["id"]): f"Return {row['external_id']}" for row in leg["returns"]}
        names |= {("line", row["id"]): row["order_line_id"] for row in leg["lines"]}
        names |= {
            ("shipment", row["id"]): f"Parcel {row['tracking'] or row['external_id']}" for row in leg["shipments"]
        }
    return names


def _actions(paper: Paper, rows: Sequence[Row]) -> None:
    if not rows:
        return
    paper.heading("Outgoing actions")
    columns = [
        Column("Planned", keeps=True),
        Column("What"),
        Column("State", keeps=True),
        Column("Tries", right=True),
        Column("Key"),
    ]
    paper.table(
        columns,
        (
            [local(r["planned_at"]), r["operation"], _state("effect", r["state"]), str(r["attempts"]), r["key"]]
            for r in rows
        ),
    )


def _messages(paper: Paper, rows: Sequence[Row]) -> None:
    if not rows:
        return
    paper.heading("Messages")
    columns = [
        Column("Arrived", keeps=True),
        Column("What"),
        Column("State", keeps=True),
        Column("Seen", right=True),
        Column("Note"),
    ]
    paper.table(columns, (_arrived(row) for row in rows))


def _arrived(row: Row) -> Sequence[Said]:
    what, state = f"{row['kind']} {row['external_id']}", words.state(words.MESSAGE, row["state"])
    quiet = state.tone is Tone.GOOD
    return (local(row["received_at"]), what, state_cell(state), str(row["seen"]), "" if quiet else row["note"] or "")


def _statement(paper: Paper, row: Row) -> None:
    paper.heading(f"Statement {row['external_id']} of {words.AUTHOR.get(row['author'], row['author'])}")
    total = Money(row["their_total_minor"], row["currency"])
    paper.line(
        _state("statement", row["state"]),
        f"they say {total}",
        f"seller {row['seller_id']}" if row["seller_id"] else "",
        indent=1,
    )
    open_ = f"{row['differences_open']} differences open"
    style = Style.WARN if row["differences_open"] else Style.PLAIN
    paper.line(f"{row['lines']} lines, {row['matched']} matched,", Cell(open_, style), indent=1)
