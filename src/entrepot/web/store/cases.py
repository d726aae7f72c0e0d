"""Cases: lists by due time, one case with everything around it."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import EVERY_FIELD
from entrepot.cases import member_store, rules
from entrepot.cases.states import CaseState
from entrepot.flows.offer_repair import offers_of
from entrepot.flows.offer_shelf import OFFER
from entrepot.flows.offer_words import shown
from entrepot.kernel.ctx import Conn, Database, Row
from entrepot.ownership.service import effective
from entrepot.web import words
from entrepot.web.format import DUE_SOON
from entrepot.web.ports import Verb
from entrepot.web.store import disputes, questions
from entrepot.web.store.common import (
    LABEL,
    PAGE,
    basket_of,
    document,
    money,
    page_of,
    read_number,
    read_token,
    readable,
    token,
)
from entrepot.web.store.records import attempts, curl
from entrepot.web.views import (
    AttemptRow,
    CaseDetail,
    CaseFilter,
    CasePage,
    CaseRow,
    DiffLine,
    Document,
    Link,
    MemberRow,
    OwnedOffer,
    TimelineEntry,
    Tone,
)

COUNT_MAX = 1000
RELATED_MAX = 20
TIMELINE_MAX = 200
MEMBERS_SHOWN = 100
UNSAID = ("alerted", "member")  # alerts tell themselves, members have a list of their own
_COLUMNS = f"""c.id, c.number, c.title, c.effect_text, c.cause_text, c.owner, c.state, c.kind, c.mode, c.account,
    c.object, c.object_id, c.money_minor, c.currency, c.count, c.opened_at, c.due_at, c.resolved_at,
    c.assignee, c.waiting_on, c.members, c.members_seen, c.suppressed_until, c.shadow, {LABEL.format(t="c")}"""


def count_open(conn: Conn) -> int:
    return sum(counts(conn).values())


def counts(conn: Conn) -> dict[str, int]:
    """Open cases of each kind: the two dead letters are counted apart."""
    rows = conn.execute(
        "SELECT kind, count(*) AS n FROM case_file WHERE resolved_at IS NULL AND state <> 'suppressed' "
        "GROUP BY kind ORDER BY kind"
    ).fetchall()
    return {"business": 0, "system": 0} | {row["kind"]: int(row["n"]) for row in rows}


def page(conn: Conn, plan: Plan, wanted: CaseFilter, now: datetime) -> CasePage:
    rows = _rows(conn, wanted, now)
    where, values = _where(wanted, now)
    total = conn.execute(
        f"SELECT count(*) AS n FROM (SELECT 1 FROM case_file c WHERE {where} LIMIT {COUNT_MAX}) AS counted", values
    ).fetchone()
    counted = int(total["n"]) if total else 0
    return CasePage(
        filter=wanted,
        rows=tuple(_case(found) for found in rows[:PAGE]),
        total=counted,
        total_is_capped=counted == COUNT_MAX,
        next_after=_token(wanted, rows[PAGE - 1]) if len(rows) > PAGE else "",
        owners=tuple(sorted(plan.teams)),
        accounts=tuple(sorted(plan.accounts)),
        **counts(conn),
    )


def every(db: Database, wanted: CaseFilter, now: datetime) -> Iterator[CaseRow]:
    after = ""
    while True:
        with db.transaction() as conn:
            rows = _rows(conn, CaseFilter(**(wanted.params(after=after))), now)
        yield from (_case(found) for found in rows[:PAGE])
        if len(rows) <= PAGE:
            return
        after = _token(wanted, rows[PAGE - 1])


def row(conn: Conn, case_id: str) -> CaseRow | None:
    found = conn.execute(f"SELECT {_COLUMNS} FROM case_file c WHERE c.id = %s", (case_id,)).fetchone()
    return _case(found) if found else None


def newest_first(conn: Conn, where: str, value: str, limit: int = RELATED_MAX) -> tuple[CaseRow, ...]:
    """Cases of one column's value.  Shape: `where` is a condition of ours with one parameter, never a reader's text."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM case_file c WHERE {where} ORDER BY c.number DESC LIMIT {limit}", (value,)
    ).fetchall()
    return tuple(_case(found) for found in rows)


def next_due(conn: Conn, kind: str, limit: int) -> tuple[CaseRow, ...]:
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM case_file c WHERE c.resolved_at IS NULL AND c.state <> 'suppressed' AND c.kind = %s "
        "ORDER BY c.due_at, c.id LIMIT %s",
        (kind, limit),
    ).fetchall()
    return tuple(_case(found) for found in rows)


def detail(conn: Conn, plan: Plan, case_id: str) -> CaseDetail | None:
    found = conn.execute(
        f"""SELECT {_COLUMNS}, c.flow, c.root, c.level, c.details, c.message_id, c.effect_id, c.obligation_id,
                   c.next_at, c.starts_at, c.resolved_verb, c.resolved_by, c.reopens, c.grouped_by FROM case_file c WHERE c.id = %s""",
        (case_id,),
    ).fetchone()
    if found is None:
        return None
    failure = plan.failures.get(found["mode"])  # a case may outlive the blueprint it was opened under
    shown, versions, tries, as_curl = _evidence(conn, found)
    over = found["resolved_at"] is not None
    return CaseDetail(
        row=_case(found),
        flow=words.flow_word(found["flow"]),
        runbook=words.mode_word(found["mode"]),
        steps=failure.recovery if failure else (),
        verbs=() if over else tuple(Verb(verb) for verb in (failure.may if failure else ("escalate",))),
        corrects=(failure.corrects or "") if failure else "",
        requests=failure.requests if failure else (),
        escalates_at=None if found["state"] == "suppressed" else found["next_at"],
        escalates_to=_next_team(plan, found) if found["next_at"] else "",
        timeline=_timeline(conn, found),
        document=shown,
        diff_title="What changed since the version before",
        diff=versions,
        attempts=tries,
        curl=as_curl,
        related=_related(conn, found),
        editable=shown.text if shown and (found["effect_id"] or found["message_id"]) and is_object(shown.text) else "",
        facts=_facts(found),
        system=plan.accounts[found["account"]].system if found["account"] in plan.accounts else "",
        members=_members(conn, found),
        questions=questions.of_case(conn, found["id"]),
        owned=() if over or failure is None or Verb.REPAIR not in failure.may else _owned(conn, plan, found),
        dispute=disputes.of_case(conn, plan, found["object"], found["object_id"]),
    )


def _owned(conn: Conn, plan: Plan, found: Row) -> tuple[OwnedOffer, ...]:
    """The offers it is about, so many at most, with what stands in each field the plan or anybody speaks of."""
    keys = offers_of(conn, found)[:MEMBERS_SHOWN]
    rule = plan.ownership.get(OFFER)
    named = [name for name in rule.fields if name != EVERY_FIELD] if rule else []
    owned = []
    for account in sorted({key[0] for key in keys}):
        standing = effective(conn, account, OFFER, [key[2] for key in keys if key[0] == account])
        for offer in standing.values():
            currency = str(offer.values.get("currency") or plan.account(account).currency)
            names = dict.fromkeys([*named, *sorted(offer.values)])
            values = {name: shown(name, offer.values.get(name), currency) for name in names}
            owned.append(OwnedOffer(offer.object_id, values))
    return tuple(owned)


def _members(conn: Conn, found: Row) -> tuple[MemberRow, ...]:
    """Those that still fail first; a page shows so many at most, and says how many there are."""
    rows = member_store.members_of(conn, found["id"], MEMBERS_SHOWN) if found["members_seen"] else []
    pages = [page_of(conn, row["object"], row["object_id"]) for row in rows]
    return tuple(_member(row, page.href if page else "") for row, page in zip(rows, pages, strict=True))


def _member(row: Row, href: str) -> MemberRow:
    kind = words.OBJECT.get(row["object"], words.plain(row["object"]))
    return MemberRow(
        subject=f"{kind} {row['name']}",
        href=href,
        cause=row["cause_text"],
        money=money(row, "money_minor") if row["money_minor"] else None,
        count=row["count"],
        seen_at=row["seen_at"],
        gone_at=row["gone_at"],
        gone_because=row["gone_because"] or "",
    )


def _next_team(plan: Plan, found: Row) -> str:
    """Who hears of it at `next_at`: the first step of its mode that is still to come."""
    if found["mode"] not in plan.failures or found["owner"] not in plan.teams:
        return ""
    steps = rules.steps_for(plan, found["mode"], found["owner"], rules.starts_at(found), found["due_at"])
    return next((step.team for step in steps if step.at >= found["next_at"]), "")


def _facts(found: Row) -> tuple[tuple[str, str], ...]:
    facts = [("Flow", words.flow_word(found["flow"]))]
    if found["level"]:
        facts.append(("Escalated", f"{found['level']} {'time' if found['level'] == 1 else 'times'}"))
    if found["assignee"] or found["waiting_on"]:
        waits = f", waits for {found['waiting_on']}" if found["waiting_on"] else ""
        facts.append(("With", f"{found['assignee'] or 'nobody in particular'}{waits}"))
    if found["resolved_by"]:
        how = words.CASE_EVENT.get(found["resolved_verb"], (found["resolved_verb"], Tone.IDLE))[0]
        facts.append(("Ended by", f"{found['resolved_by']}: {how}"))
    return tuple(facts)


def _rows(conn: Conn, wanted: CaseFilter, now: datetime) -> list[Row]:
    where, values = _where(wanted, now)
    over = wanted.show == CaseState.RESOLVED
    if wanted.after and over:
        where, values = f"{where} AND c.number < %(number)s", values | {"number": read_number(wanted.after)}
    elif wanted.after:
        at, row_id = read_token(wanted.after)
        where, values = f"{where} AND (c.due_at, c.id) > (%(at)s, %(row_id)s)", values | {"at": at, "row_id": row_id}
    order = "c.number DESC" if over else "c.due_at, c.id"
    return conn.execute(
        f"SELECT {_COLUMNS} FROM case_file c WHERE {where} ORDER BY {order} LIMIT {PAGE + 1}", values
    ).fetchall()


def _token(wanted: CaseFilter, last: Row) -> str:
    return str(last["number"]) if wanted.show == CaseState.RESOLVED else token(last["due_at"], last["id"])


def _where(wanted: CaseFilter, now: datetime) -> tuple[str, dict[str, Any]]:
    """Conditions of ours, values of the reader's."""
    quiet = "c.state = 'suppressed'" if wanted.show == CaseState.SUPPRESSED else "c.state <> 'suppressed'"
    conditions = (
        ["c.resolved_at IS NOT NULL"] if wanted.show == CaseState.RESOLVED else ["c.resolved_at IS NULL", quiet]
    )
    values: dict[str, Any] = {}
    if wanted.show in ("overdue", "due-soon"):
        conditions.append("c.due_at <= %(until)s")
        values["until"] = now if wanted.show == "overdue" else now + DUE_SOON
    for name in ("kind", "owner", "mode", "account"):
        if value := getattr(wanted, name):
            conditions.append(f"c.{name} = %({name})s")
            values[name] = value
    return " AND ".join(conditions), values


def _case(found: Row) -> CaseRow:
    if found["object"] in ("seller", "cause"):  # named within their account
        found = found | {"label": found["object_id"].removeprefix(f"{found['account']}:")}
    kind = words.OBJECT.get(found["object"], words.plain(found["object"]))
    return CaseRow(
        id=found["id"],
        number=found["number"],
        title=_title(found),
        effect=named(found, found["effect_text"]),
        cause=named(found, found["cause_text"]),
        owner=found["owner"],
        state=words.state(words.CASE, found["state"]),
        kind=found["kind"],
        mode=found["mode"],
        account=found["account"],
        subject=f"{kind} {found['label']}",
        money=money(found, "money_minor") if found["money_minor"] else None,
        count=found["count"],
        opened_at=found["opened_at"],
        due_at=found["due_at"],
        resolved_at=found["resolved_at"],
        assignee=found["assignee"],
        waiting_on=found["waiting_on"],
        members=found["members"],
        members_seen=found["members_seen"],
        suppressed_until=found["suppressed_until"] if found["state"] == "suppressed" else None,
        shadow=found["shadow"],
    )


def _title(found: Row) -> str:
    """The case's own title; one made from mode and object alone is told by the mode, the page names the object."""
    own = str(found["title"])
    return words.mode_word(found["mode"]) if own.endswith((found["object_id"], found["label"])) else named(found, own)


def named(found: Row, text: str) -> str:
    """A sentence with people's name for the object where the engine wrote its own id."""
    _, colon, part = found["object_id"].partition(":")
    what = (
        f"{found['label']} ({words.CAUSE.get(part, words.plain(part)).lower()})" if colon and part else found["label"]
    )
    return text.replace(found["object_id"], what)


def _timeline(conn: Conn, found: Row) -> tuple[TimelineEntry, ...]:
    """What was done and said, oldest first: the case's own events, and the alerts that went out, each said once."""
    rows = conn.execute(
        """
        (SELECT at, 0 AS rank, seq, what, by, reason, '' AS state, 1 AS channels FROM case_event
          WHERE case_id = %(id)s AND NOT what = ANY(%(unsaid)s) ORDER BY seq DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT min(coalesce(sent_at, planned_at)), 1, min(seq), subject, team, coalesce(max(last_error), ''), state, count(*)
           FROM alert WHERE case_id = %(id)s GROUP BY subject, team, state ORDER BY 3 DESC LIMIT %(limit)s)
        ORDER BY 1, 2, 3
        """,
        {"id": found["id"], "limit": TIMELINE_MAX, "unsaid": list(UNSAID)},
    ).fetchall()
    return tuple(_entry(found, row) for row in rows)


ALERT: dict[str, tuple[str, Tone]] = {
    "planned": ("Alert waits to be sent", Tone.IDLE),
    "sent": ("Alert sent", Tone.INFO),
    "failed": ("Alert could not be delivered", Tone.BAD),
    "dropped": ("Alert not needed any more", Tone.IDLE),
}
_LEAD = re.compile(r"^\[[^]]*\] (?P<lead>.+?):? case \d")  # `[sandbox] 80 % of the time used: case 2 …`


def _entry(case: Row, row: Row) -> TimelineEntry:
    if not row["state"]:
        word, tone = words.CASE_EVENT.get(row["what"], (words.plain(row["what"]), Tone.INFO))
        return TimelineEntry(row["at"], word, row["by"], tone, named(case, row["reason"]))
    word, tone = ALERT.get(row["state"], (row["state"], Tone.WARN))
    lead = _LEAD.match(row["what"])
    channels = f" on {row['channels']} channels" if row["channels"] > 1 else ""
    said = ": ".join(part for part in (word, lead["lead"] if lead else "") if part)
    detail = row["reason"] if row["state"] != "sent" else ""
    return TimelineEntry(row["at"], said, f"to {words.plain(row['by']).lower()}{channels}", tone, detail)


Evidence = tuple[Document | None, tuple[DiffLine, ...], tuple[AttemptRow, ...], str]


def _evidence(conn: Conn, found: Row) -> Evidence:
    """What the case is about, whole: the outgoing action, else the message, else what was noted when it was opened."""
    if found["effect_id"]:
        effect = conn.execute(
            "SELECT id, operation, payload FROM effect WHERE id = %s", (found["effect_id"],)
        ).fetchone()
        if effect:
            shown = Document(f"What is sent: {words.plain(effect['operation'])}", document(effect["payload"]))
            return shown, (), attempts(conn, effect["id"]), curl(conn, effect["id"], effect["payload"])
    if found["message_id"]:
        message = conn.execute(
            "SELECT account, kind, external_id, seq, body, received_at FROM message WHERE id = %s",
            (found["message_id"],),
        ).fetchone()
        if message:
            text = readable(message["body"])
            shown = Document(
                f"What arrived: {message['kind']} {message['external_id']}", text, at=message["received_at"]
            )
            return shown, _since_the_version_before(conn, message, text), (), ""
    return (Document("What was noted", document(found["details"])) if found["details"] else None), (), (), ""


def _since_the_version_before(conn: Conn, message: Row, text: str) -> tuple[DiffLine, ...]:
    before = conn.execute(
        """SELECT body FROM message WHERE external_id = %s AND account = %s AND kind = %s AND seq < %s
            ORDER BY seq DESC LIMIT 1""",
        (message["external_id"], message["account"], message["kind"], message["seq"]),
    ).fetchone()
    return difference(readable(before["body"]).splitlines(), text.splitlines()) if before else ()


def difference(before: Sequence[str], after: Sequence[str]) -> tuple[DiffLine, ...]:
    """Changed lines with three lines of their surroundings."""
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return tuple(DiffLine(" ", "…") if line.startswith("@@") else DiffLine(line[0], line[1:]) for line in lines)


def _related(conn: Conn, found: Row) -> tuple[Link, ...]:
    links = [page_of(conn, found["object"], found["object_id"]), basket_of(conn, found["root"])]
    for kind, row_id in (("message", found["message_id"]), ("effect", found["effect_id"]), ("case", found["reopens"])):
        if row_id:
            links.append(page_of(conn, kind, row_id))
    if found["root"]:
        links += [
            Link(f"{other.number} {other.title}", f"/cases/{other.id}", "Case, same basket")
            for other in newest_first(conn, "c.root = %s", found["root"])
            if other.id != found["id"]
        ]
    unique = {link.href: link for link in reversed([link for link in links if link])}
    return tuple(reversed(unique.values()))


def is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
