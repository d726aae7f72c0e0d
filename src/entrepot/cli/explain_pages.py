"""What is told of one field, as a terminal shows it and as JSON: the value first, what it hides next, the story last, oldest last."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from entrepot.cli.output import Cell, Paper, Style, local, time_left
from entrepot.kernel.ctx import Row
from entrepot.kernel.money import Money
from entrepot.ownership.explain import Explained, Origin
from entrepot.ownership.model import Value

STORY_MAX = 40
OFFER = "offer"
AS_RECORDED = "as its record has it"
STATES = {
    "asked": "the owner is asked",
    "delivered": "the owner was told",
    "accepted": "the owner will correct it",
    "declined": "the owner declined",
    "expired": "no answer in time",
    "applied": "corrected",
}
LEVERS = {"asked": "waits for a second person", "live": "counts", "ended": "has ended"}


def shown(value: Value, currency: str | None = None) -> str:
    """A value as people read it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and currency:
        return str(Money(value, currency))
    return str(value)


# --- for people ------------------------------------------------------------------------------------------------------


def page(page: Paper, found: Explained, now: datetime, place: str) -> None:
    value = AS_RECORDED if _elsewhere(found) else shown(found.value, found.currency)
    page.line(Cell(f"{found.object.capitalize()} {found.object_id}", Style.STRONG), f"at {found.account}")
    page.line(f"{found.field}:", Cell(value, Style.STRONG))
    _held(page, found, now)
    page.heading("Where it comes from")
    _source(page, found, now)
    page.heading("By what right")
    _right(page, found, place)
    hidden = list(_hidden(found))
    if hidden:
        page.heading("What it hides")
        for line in hidden:
            page.line(*line, indent=1)
    page.heading("What happened")
    for at, words in story(found)[:STORY_MAX]:
        page.line(local(at), words, indent=1)


def _elsewhere(found: Explained) -> bool:
    """Orders, parcels, money: what they say stands in their own records, and ownership keeps only what it refused."""
    return found.object != OFFER and found.owners is None and found.override is None


def _held(page: Paper, found: Explained, now: datetime) -> None:
    for row in found.held:
        about = "" if row["field"] in (found.field, "*") else f" ({row['field']})"
        page.line(
            Cell("Not sellable:", Style.BAD),
            f"{row['words']}{about}; held by {row['author']} until {local(row['ends_at'])},",
            time_left(row["ends_at"], now),
            Cell(row["id"], Style.QUIET),
        )


def _source(page: Paper, found: Explained, now: datetime) -> None:
    over = found.override
    if over is not None:
        page.line(
            f"{shown(over['value'], found.currency)}: laid over the owner's value by {_authors(over)} since"
            f" {local(over['starts_at'])}, until {local(over['ends_at'])}: {over['reason']}",
            Cell(over["id"], Style.QUIET),
            indent=1,
        )
    if found.owners is None:
        kept = "It is kept with the record itself; here is who may not change it, and what was tried."
        page.line(kept if _elsewhere(found) else "No value was ever let in.", indent=1)
        return
    hidden = "beneath it, " if over is not None else ""
    page.line(f"{hidden}{_origin(found.owners, found.currency)}", indent=1)
    page.line(f"theirs {local(found.owners.theirs_at)}, ours {local(found.owners.ours_at)}", indent=1)
    if found.owners.message_id:
        page.line(f"message {found.owners.message_id}", indent=1)


def _authors(over: Row) -> str:
    return f"{over['author']}, confirmed by {over['second_person']}," if over["second_person"] else str(over["author"])


def _origin(origin: Origin, currency: str | None) -> str:
    source = f"{origin.source}, " if origin.source else ""
    return f"{shown(origin.value, currency)}: {source}by {origin.actor}"


def _right(page: Paper, found: Explained, place: str) -> None:
    then = found.owners.rule if found.owners else found.rule
    page.line(then or "no rule fits", f"({place})" if place else "", indent=1)
    page.line(f"{found.field}: {found.rule_words}", indent=1)
    if found.owners and found.rule and found.rule != then:
        page.line(f"today {found.rule} counts", indent=1)
    if found.override is not None:
        page.line(f"the override: {found.override['rule']}", indent=1)


def _hidden(found: Explained) -> Iterator[tuple[str | Cell, ...]]:
    for row in found.refused:
        if row["ended_at"] is None:
            what = "the object itself" if row["field"] == "" else shown(row["value"], found.currency)
            times = "once" if row["count"] == 1 else f"{row['count']} times"
            source = f", {row['source']}" if row["source"] else ""
            yield (Cell("Refused:", Style.BAD), f"{what} by {row['actor']}{source}, {times}: {row['words']}")
    for row in found.overrides:
        if row["state"] == "asked":
            yield (
                "Waits for a second person:",
                f"{shown(row['value'], found.currency)} by {row['author']}: {row['reason']}",
                Cell(row["id"], Style.QUIET),
            )
    for row in found.corrections:
        if row["ended_at"] is None:
            wanted = f", wanted {shown(row['wanted'], found.currency)}" if row["wanted"] is not None else ""
            yield (
                "Asked:",
                f"{_owner(row)} to correct {shown(row['refused_value'], found.currency)}{wanted};"
                f" {STATES[row['state']]}, answer by {local(row['answer_by'])}",
            )
    for row in found.reassertions:
        if row["count"] or row["fought_at"]:
            fight = ", then a fight" if row["fought_at"] else ""
            yield (
                "Put back:",
                f"{row['count']} times on {row['day']:%Y-%m-%d}{fight}: theirs {shown(row['theirs'], found.currency)},"
                f" ours {shown(row['ours'], found.currency)}",
            )


def _owner(row: Row) -> str:
    return f"{row['owner']} {row['seller']}".strip()


def story(found: Explained) -> list[tuple[datetime, str]]:
    """Everything that happened, the newest first."""
    told = [*_values(found), *_refusals(found), *_holds(found), *_overrides(found), *_requests(found)]
    return sorted(told, key=lambda one: one[0], reverse=True)


def _values(found: Explained) -> Iterator[tuple[datetime, str]]:
    for one in found.history:
        before = f" instead of {shown(one.before, found.currency)}" if one.version > 1 else ""
        yield one.ours_at, f"Let in: {_origin(one, found.currency)}{before}"


def _refusals(found: Explained) -> Iterator[tuple[datetime, str]]:
    for row in found.refused:
        source = f" ({row['source']})" if row["source"] else ""
        yield (
            row["first_at"],
            f"Refused: {shown(row['value'], found.currency)} by {row['actor']}{source}: {row['words']}",
        )
        if row["ended_at"] is not None:
            yield row["ended_at"], f"The refusal of {shown(row['value'], found.currency)} is over: {row['ended_why']}"


def _holds(found: Explained) -> Iterator[tuple[datetime, str]]:
    for row in found.holds:
        if row["field"] in (found.field, "*"):
            yield row["starts_at"], f"Held by {row['author']} until {local(row['ends_at'])}: {row['words']}"
            if row["lifted_at"] is not None:
                yield row["lifted_at"], f"The hold was lifted by {row['lifted_by']}: {row['lifted_why']}"


def _overrides(found: Explained) -> Iterator[tuple[datetime, str]]:
    for row in found.overrides:
        value = shown(row["value"], found.currency)
        yield row["asked_at"], f"Override to {value} by {row['author']} until {local(row['ends_at'])}: {row['reason']}"
        if row["second_person"] and row["starts_at"]:
            yield row["starts_at"], f"The override to {value} was confirmed by {row['second_person']}"
        if row["ended_at"] is not None:
            yield row["ended_at"], f"The override to {value} ended: {row['ended_why']}"


def _requests(found: Explained) -> Iterator[tuple[datetime, str]]:
    for row in found.corrections:
        value = shown(row["refused_value"], found.currency)
        yield row["asked_at"], f"{_owner(row)} asked to correct {value}: {row['words']}"
        if row["delivered_at"] is not None:
            yield row["delivered_at"], f"The request reached {_owner(row)} by {row['channel']}"
        if row["answered_at"] is not None:
            words = f": {row['answer_words']}" if row["answer_words"] else ""
            yield row["answered_at"], f"{row['answered_by']} answered{words}"
        if row["ended_at"] is not None:
            yield row["ended_at"], f"The request is over: {STATES[row['state']]}"


# --- for programs ----------------------------------------------------------------------------------------------------


def document(found: Explained, now: datetime, place: str) -> dict[str, Any]:
    """Values as they are kept: money in minor units, its currency beside."""
    over = found.override
    return {
        "business_now": now,
        "account": found.account,
        "object": found.object,
        "object_id": found.object_id,
        "field": found.field,
        "value": found.value,
        "currency": found.currency,
        "sellable": not found.held,
        "seller": found.scope.seller,
        "source": _origin_document(found.owners) if found.owners else None,
        "rule": {
            "path": found.owners.rule if found.owners else found.rule,
            "place": place or None,
            "words": found.rule_words,
            "path_today": found.rule,
        },
        "override": _picked(over, *OVERRIDE) if over is not None else None,
        "holds": [_picked(row, *HOLD) for row in found.holds],
        "refused": [_picked(row, *REFUSED) for row in found.refused],
        "overrides": [_picked(row, *OVERRIDE) for row in found.overrides],
        "corrections": [_picked(row, *CORRECTION) for row in found.corrections],
        "reassertions": [_picked(row, "day", "count", "theirs", "ours", "fought_at") for row in found.reassertions],
        "history": [_origin_document(one) for one in found.history],
    }


HOLD = ("id", "field", "reason", "words", "author", "starts_at", "ends_at", "lifted_at", "lifted_by", "lifted_why")
REFUSED = ("id", "field", "value", "actor", "why", "words", "rule", "source", "message_id", "count", "theirs_at", "first_at", "last_at",
           "ended_at", "ended_why")  # fmt: skip
OVERRIDE = ("id", "value", "over", "state", "author", "second_person", "reason", "rule", "asked_at", "starts_at", "ends_at", "ended_at",
            "ended_why")  # fmt: skip
CORRECTION = ("id", "cause", "state", "owner", "seller", "asked_by", "refused_value", "wanted", "words", "channel", "asked_at",
              "delivered_at", "answer_by", "answered_at", "answer_words", "applied_at", "applied_value", "applied_by")  # fmt: skip


def _picked(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _origin_document(origin: Origin) -> dict[str, Any]:
    names: Sequence[str] = tuple(Origin.__slots__)
    return {name: getattr(origin, name) for name in names}
