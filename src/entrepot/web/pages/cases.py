"""Cases: the list, one case, the four verbs one by one and in bulk, and the list as a file."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from entrepot.cases.model import VerbDone, VerbRefused
from entrepot.cases.patch import encode, parse_patch
from entrepot.kernel.cells import csv_line
from entrepot.kernel.errors import NotNow, OwnerDecides, WrongSetting
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.format import iso
from entrepot.web.ports import NO_WISH, Verb, Wish
from entrepot.web.views import CaseDetail, CaseFilter, CaseRow, DiffLine, VerbPreview
from entrepot.web.words import sentence

router = APIRouter()
BULK_MAX = 50
KINDS = ("business", "system")  # the two dead letters: each has a list of its own
QUIET_HOURS = {"4": "4 hours", "24": "1 day", "72": "3 days", "168": "7 days", "720": "30 days"}
VALUE_NEEDED = "Say which field, and its right value."
REASON_NEEDED = "A reason is needed: it is kept in the audit trail."
OWNED_SAYS = (
    "A field of an offer has an owner. If your team may change it, your value counts at once; if it may only ask, the owner is asked. "
    "Before anything happens you see which."
)
CSV_COLUMNS: tuple[tuple[str, Callable[[CaseRow], str]], ...] = (
    ("number", lambda row: str(row.number)),
    ("title", lambda row: row.title),
    ("state", lambda row: row.state.word),
    ("kind", lambda row: row.kind),
    ("owner", lambda row: row.owner),
    ("assignee", lambda row: row.assignee),
    ("observed", lambda row: "yes" if row.shadow else ""),
    ("members", lambda row: str(row.members) if row.members_seen else ""),
    ("account", lambda row: row.account),
    ("about", lambda row: row.subject),
    ("effect", lambda row: row.effect),
    ("cause", lambda row: row.cause),
    ("money", lambda row: row.money.text if row.money else ""),
    ("currency", lambda row: row.money.currency if row.money else ""),
    ("times", lambda row: str(row.count)),
    ("opened_at", lambda row: iso(row.opened_at)),
    ("due_at", lambda row: iso(row.due_at)),
)


@router.get("/cases")
def case_list(
    request: Request,
    desk: AtDesk,
    show: str = "open",
    kind: str = "",
    owner: str = "",
    mode: str = "",
    account: str = "",
    after: str = "",
    open: str = "",
) -> HTMLResponse:
    case = desk.reader.case(open) if open else None
    kind = kind_of(kind, case)
    wanted = CaseFilter(show=show, kind=kind, owner=owner, mode=mode, account=account, after=after, open=open)
    view = {"view": desk.reader.cases(wanted, desk.now()), "case": case}
    fragments = {"case-list": "cases/_list.html", "case-panel": "cases/_panel.html"}
    return desk.page(request, "cases/list.html", view, fragments=fragments)


def kind_of(kind: str, case: CaseDetail | None = None) -> str:
    """Which of the two lists: the one asked for, that of the open case, or business. Never both."""
    if kind in KINDS:
        return kind
    return case.row.kind if case else KINDS[0]


@router.get("/cases.csv")
def case_csv(
    desk: AtDesk, show: str = "open", kind: str = "", owner: str = "", mode: str = "", account: str = ""
) -> StreamingResponse:
    wanted = CaseFilter(show=show, kind=kind_of(kind), owner=owner, mode=mode, account=account)
    return StreamingResponse(
        csv_lines(desk.reader.every_case(wanted, desk.now())),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="cases.csv"', "cache-control": "no-store"},
    )


@router.get("/cases/bulk")
def bulk_plan(
    request: Request, desk: AtDesk, verb: Verb, case: Annotated[list[str] | None, Query()] = None
) -> HTMLResponse:
    chosen = (case or [])[:BULK_MAX]
    if not chosen:
        raise HTTPException(400, "No case was ticked. Tick some first.")
    if verb is Verb.REPAIR:
        raise HTTPException(400, "Each case is repaired by itself: open it.")
    wish = Wish(team=request.state.visitor.team)
    previews = [preview_of(desk, row, verb, wish) for case_id in chosen if (row := desk.reader.case_row(case_id))]
    view = {"verb": verb, "previews": previews}
    return desk.page(request, "cases/bulk.html", view, fragments={"dialog-body": "cases/_bulk_form.html"})


@router.post("/cases/bulk")
def bulk_do(request: Request, desk: AtDesk, form: CheckedForm) -> HTMLResponse:
    verb = verb_of(form.one("verb"))
    if not form.reason:
        raise HTTPException(400, REASON_NEEDED)
    rows = [row for case_id in form.many("case")[:BULK_MAX] if (row := desk.reader.case_row(case_id))]
    results = [(row, act(desk, request, row.id, verb, form.reason)) for row in rows]
    return desk.page(request, "cases/bulk_done.html", {"verb": verb, "results": results})


@router.get("/cases/{case_id}")
def case_page(request: Request, desk: AtDesk, case_id: str) -> HTMLResponse:
    found = desk.reader.case(case_id)
    if found is None:
        raise HTTPException(404, f"There is no case {case_id}.")
    return desk.page(request, "cases/detail.html", {"case": found}, fragments={"case-body": "cases/_detail.html"})


@router.get("/cases/{case_id}/{verb}")
def verb_form(request: Request, desk: AtDesk, case_id: str, verb: Verb) -> HTMLResponse:
    case, wish = case_of(desk, case_id), Wish(team=request.state.visitor.team)
    preview = repair_of(desk, case, wish) if verb is Verb.REPAIR else preview_of(desk, case.row, verb, wish)
    return _ask(request, desk, preview, Form({}))


@router.post("/cases/{case_id}/{verb}", response_model=None)
def verb_do(request: Request, desk: AtDesk, form: CheckedForm, case_id: str, verb: Verb) -> Response:
    case = case_of(desk, case_id)
    wish, problem = wish_of(desk, request, form, case, verb)
    if problem:
        asked = repair_of(desk, case, wish) if verb is Verb.REPAIR else preview_of(desk, case.row, verb, wish)
        return _ask(request, desk, asked, form, problem=problem, status=422)
    preview = preview_of(desk, case.row, verb, wish)
    if verb is Verb.REPAIR and case.owned:
        preview = replace(preview, editable=None, owned=case.owned)
    if not preview.allowed:
        if verb is Verb.REPAIR and not case.owned:  # what was written stays, to be corrected
            preview = replace(preview, editable=case.editable)
        return _ask(request, desk, preview, form, problem=preview.says, status=409)
    if not form.reason:
        return _ask(request, desk, preview, form, problem=REASON_NEEDED, status=422)
    if verb is Verb.REPAIR and form.one("step") != "confirm":
        return _ask(request, desk, preview, form)
    outcome = act(desk, request, case_id, verb, form.reason, wish)
    if isinstance(outcome, VerbRefused):
        return _ask(request, desk, preview, form, problem=outcome.why, status=409)
    return see_other(f"/cases/{case.row.id}", outcome.words)


def wish_of(desk: Desk, request: Request, form: Form, case: CaseDetail, verb: Verb) -> tuple[Wish, str]:
    """What the form adds to the verb, or what is wrong with it."""
    wish = Wish(team=request.state.visitor.team)
    if verb is Verb.SUPPRESS and form.one("hours") in QUIET_HOURS:
        return replace(wish, until=desk.now() + timedelta(hours=int(form.one("hours")))), ""
    if verb is not Verb.REPAIR:
        return wish, ""
    if case.owned:
        name, value = form.one("field"), form.one("value")
        only = form.one("offer") or (case.owned[0].id if len(case.owned) == 1 else "")
        return replace(wish, patch={name: value}, only=only), "" if name and value else VALUE_NEEDED
    if form.one("patch"):
        try:
            return replace(wish, patch=parse_patch(form.one("patch"))), ""
        except WrongSetting as error:
            return wish, sentence(error.message)
    patch, problem = patch_of(case.editable, form.one("document"))
    return replace(wish, patch=patch), problem


def _ask(
    request: Request, desk: Desk, preview: VerbPreview, form: Form, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    return desk.page(
        request,
        "cases/verb.html",
        {"preview": preview, "form": form, "problem": problem, "quiet_hours": QUIET_HOURS},
        fragments={"dialog-body": "cases/_verb_form.html"},
        status=status,
    )


def act(
    desk: Desk, request: Request, case_id: str, verb: Verb, reason: str, wish: Wish | None = None
) -> VerbDone | VerbRefused:
    """One verb on one case.  A refusal is a result: among several, it stops none of the others."""
    visitor = request.state.visitor
    try:
        return desk.cases.act(case_id, verb, visitor.name, reason, wish or Wish(team=visitor.team))
    except (OwnerDecides, NotNow) as error:
        return VerbRefused(case_id, error.message)


def case_of(desk: Desk, case_id: str) -> CaseDetail:
    found = desk.reader.case(case_id)
    if found is None:
        raise HTTPException(404, f"There is no case {case_id}.")
    return found


def repair_of(desk: Desk, case: CaseDetail, wish: Wish = NO_WISH) -> VerbPreview:
    """The document to correct; what a correction would do is known only when there is one."""
    if case.owned:
        return VerbPreview(Verb.REPAIR, case.row, True, OWNED_SAYS, owned=case.owned)
    if case.editable:
        says = "Correct the document. Before anything happens you see what changes. A field taken out is removed."
        return VerbPreview(Verb.REPAIR, case.row, True, says, editable=case.editable)
    return preview_of(desk, case.row, Verb.REPAIR, wish)


def preview_of(desk: Desk, row: CaseRow, verb: Verb, wish: Wish = NO_WISH) -> VerbPreview:
    found = desk.cases.preview(row.id, verb, wish)
    changes = found.before is not None and found.after is not None
    return VerbPreview(
        verb=verb,
        case=row,
        allowed=found.allowed,
        says=sentence(found.words),
        sends=found.sends,
        body=laid_out(found.after) if found.after is not None and not changes else "",
        editable=laid_out(found.after) if changes else None,
        diff=difference(laid_out(found.before), laid_out(found.after)) if changes else (),
        members=found.members,
        left=found.left,
    )


def laid_out(value: Any) -> str:
    """As JSON for reading; an amount keeps every digit and stays a number."""
    return value if isinstance(value, str) else msgspec.json.format(encode(value), indent=2).decode()


def verb_of(text: str) -> Verb:
    try:
        return Verb(text)
    except ValueError as error:
        raise HTTPException(400, f"“{text}” is not one of retry, repair, suppress, escalate.") from error


def patch_of(before: str, after: str) -> tuple[Mapping[str, Any] | None, str]:
    """The merge patch that leads from one document to the other, or why there is none."""
    try:
        corrected = json.loads(after, parse_float=Decimal)
    except json.JSONDecodeError as error:
        return None, f"This is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}."
    if not isinstance(corrected, dict):
        return None, "The corrected document must be a JSON object, in braces."
    return merge_patch(json.loads(before, parse_float=Decimal), corrected), ""


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396: only what differs; null removes a field."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        was = before.get(name)
        if isinstance(was, dict) and isinstance(value, dict):
            if inner := merge_patch(was, value):
                patch[name] = inner
        elif name not in before or was != value or type(was) is not type(value):
            patch[name] = value
    return patch


def difference(before: str, after: str) -> tuple[DiffLine, ...]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return tuple(DiffLine(line[0], line[2:]) for line in lines if line[0] in "+- ")


def csv_lines(rows: Iterable[CaseRow]) -> Iterator[str]:
    yield csv_line(name for name, _ in CSV_COLUMNS)
    for row in rows:
        yield csv_line(value(row) for _, value in CSV_COLUMNS)
