"""Cases: the list, one case, the four verbs one by one and in bulk, and the list as a file."""

import csv
import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web import format as show
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.ports import CaseDesk, Verb, VerbOutcome
from entrepot.web.views import CaseFilter, CaseRow, DiffLine, VerbPreview

router = APIRouter()
BULK_MAX = 50
CSV_HEAD = (
    "number", "title", "state", "kind", "owner", "account", "about", "effect", "cause",
    "money", "currency", "times", "opened_at", "due_at",
)  # fmt: skip


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
    wanted = CaseFilter(show=show, kind=kind, owner=owner, mode=mode, account=account, after=after, open=open)
    now = desk.now()
    view = {
        "view": desk.reader.cases(wanted, now),
        "case": desk.reader.case(open, now) if open else None,
    }
    fragments = {"case-list": "cases/_list.html", "case-panel": "cases/_panel.html"}
    return desk.page(request, "cases/list.html", view, fragments=fragments)


@router.get("/cases.csv")
def case_csv(
    desk: AtDesk, show: str = "open", kind: str = "", owner: str = "", mode: str = "", account: str = ""
) -> StreamingResponse:
    wanted = CaseFilter(show=show, kind=kind, owner=owner, mode=mode, account=account)
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
        raise HTTPException(400, "No case was selected. Tick some first.")
    previews = [found for case_id in chosen if (found := desk.reader.verb_preview(case_id, verb))]
    view = {"verb": verb, "previews": previews, "sends": sum(len(found.sends) for found in previews)}
    return desk.page(request, "cases/bulk.html", view, fragments={"dialog-body": "cases/_bulk_form.html"})


@router.post("/cases/bulk")
def bulk_do(request: Request, desk: AtDesk, form: CheckedForm) -> HTMLResponse:
    verb = verb_of(form.one("verb"))
    payload = {"to": form.one("to")} if form.one("to") else None
    results = []
    for case_id in form.many("case")[:BULK_MAX]:
        found = desk.reader.verb_preview(case_id, verb)
        if found is not None:
            results.append((found.case, attempt(desk, verb, case_id, form, request, payload)))
    return desk.page(request, "cases/bulk_done.html", {"verb": verb, "results": results})


@router.get("/cases/{case_id}")
def case_page(request: Request, desk: AtDesk, case_id: str) -> HTMLResponse:
    found = desk.reader.case(case_id, desk.now())
    if found is None:
        raise HTTPException(404, f"There is no case {case_id}.")
    return desk.page(request, "cases/detail.html", {"case": found}, fragments={"case-body": "cases/_detail.html"})


@router.get("/cases/{case_id}/{verb}")
def verb_form(request: Request, desk: AtDesk, case_id: str, verb: Verb) -> HTMLResponse:
    return _ask(request, desk, preview_of(desk, case_id, verb), Form({}))


@router.post("/cases/{case_id}/{verb}", response_model=None)
def verb_do(request: Request, desk: AtDesk, form: CheckedForm, case_id: str, verb: Verb) -> Response:
    preview = preview_of(desk, case_id, verb)
    payload, problem = payload_of(verb, form)
    if not form.reason:
        problem = problem or "A reason is needed: it is kept in the audit trail."
    if problem:
        return _ask(request, desk, preview, form, problem=problem, status=422)
    if verb is Verb.REPAIR and form.one("step") != "confirm":
        return _ask(request, desk, preview, form, diff=difference(preview.editable or "", form.one("document")))
    outcome = act(desk.hub.cases, verb, case_id, request.state.visitor.name, form.reason, payload)
    if not outcome.ok:
        return _ask(request, desk, preview, form, problem=outcome.message, status=409)
    return see_other(f"/cases/{case_id}", outcome.message)


def _ask(
    request: Request,
    desk: Desk,
    preview: VerbPreview,
    form: Form,
    *,
    problem: str = "",
    diff: tuple[DiffLine, ...] | None = None,
    status: int = 200,
) -> HTMLResponse:
    view = {"preview": preview, "form": form, "problem": problem, "diff": diff}
    return desk.page(
        request, "cases/verb.html", view, fragments={"dialog-body": "cases/_verb_form.html"}, status=status
    )


@dataclass(frozen=True, slots=True)
class NotDone:
    """A verb that was refused, in the words of the refusal."""

    message: str
    ok: bool = False


def attempt(
    desk: Desk, verb: Verb, case_id: str, form: Form, request: Request, payload: Mapping[str, Any] | None
) -> VerbOutcome:
    """One case of a bulk decision: a refusal is a result, it does not stop its neighbours."""
    if not form.reason:
        return NotDone("A reason is needed: it is kept in the audit trail.")
    try:
        return act(desk.hub.cases, verb, case_id, request.state.visitor.name, form.reason, payload)
    except (OwnerDecides, NotNow) as error:
        return NotDone(error.message)


def act(
    cases: CaseDesk, verb: Verb, case_id: str, by: str, reason: str, payload: Mapping[str, Any] | None
) -> VerbOutcome:
    match verb:
        case Verb.RETRY:
            return cases.retry(case_id, by, reason)
        case Verb.REPAIR:
            return cases.repair(case_id, by, reason, payload)
        case Verb.SUPPRESS:
            return cases.suppress(case_id, by, reason)
        case Verb.ESCALATE:
            return cases.escalate(case_id, by, reason, payload)


def preview_of(desk: Desk, case_id: str, verb: Verb) -> VerbPreview:
    found = desk.reader.verb_preview(case_id, verb)
    if found is None:
        raise HTTPException(404, f"There is no case {case_id}, or {verb.value} does not apply to it.")
    return found


def verb_of(text: str) -> Verb:
    try:
        return Verb(text)
    except ValueError as error:
        raise HTTPException(400, f"“{text}” is not one of retry, repair, suppress, escalate.") from error


def payload_of(verb: Verb, form: Form) -> tuple[Mapping[str, Any] | None, str]:
    """What the verb needs beside the reason, or why it cannot be read."""
    if verb is Verb.ESCALATE:
        return ({"to": form.one("to")} if form.one("to") else None), ""
    if verb is not Verb.REPAIR or not form.one("document"):
        return None, ""
    try:
        document = json.loads(form.one("document"))
    except json.JSONDecodeError as error:
        return None, f"This is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}."
    if not isinstance(document, dict):
        return None, "The repaired document must be a JSON object."
    return document, ""


def difference(before: str, after: str) -> tuple[DiffLine, ...]:
    """Line by line; JSON is laid out alike on both sides first, so that only values differ."""
    lines = difflib.ndiff(laid_out(before), laid_out(after))
    return tuple(DiffLine(line[0], line[2:]) for line in lines if line[0] in "+- ")


def laid_out(text: str) -> list[str]:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False).splitlines()
    except json.JSONDecodeError:
        return text.splitlines()


def csv_lines(rows: Iterable[CaseRow]) -> Iterator[str]:
    yield _csv_line(CSV_HEAD)
    for row in rows:
        yield _csv_line(
            (
                str(row.number), row.title, row.state.word, row.kind, row.owner, row.account, row.subject,
                row.effect, row.cause, row.money.text if row.money else "", row.money.currency if row.money else "",
                str(row.count), show.iso(row.opened_at), show.iso(row.due_at),
            )  # fmt: skip
        )


def _csv_line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([defused(cell) for cell in cells])
    return out.getvalue()


def defused(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula becomes text; plain numbers stay numbers."""
    if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not cell.removeprefix("-").replace(".", "", 1).isdigit():
        return f"'{cell}"
    return cell
