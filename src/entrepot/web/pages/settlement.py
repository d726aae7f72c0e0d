"""Settlement: their statements, from gross to payout, against our books."""

import json

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from entrepot.kernel.money import exponent
from entrepot.web import format as show
from entrepot.web.desk import AtDesk
from entrepot.web.views import StatementDetail, StatementFilter

router = APIRouter()


@router.get("/settlement")
def statement_list(
    request: Request, desk: AtDesk, author: str = "", account: str = "", show: str = "", after: str = ""
) -> HTMLResponse:
    view = desk.reader.statements(StatementFilter(author=author, account=account, show=show, after=after))
    return desk.page(
        request, "settlement/list.html", {"view": view}, fragments={"statement-list": "settlement/_list.html"}
    )


@router.get("/settlement/{statement_id}")
def statement_page(request: Request, desk: AtDesk, statement_id: str, lines: str = "", after: str = "") -> HTMLResponse:
    found = desk.reader.statement(statement_id, lines, after)
    if found is None:
        raise HTTPException(404, f"There is no statement {statement_id}.")
    view = {"statement": found, "chart": waterfall_json(found)}
    return desk.page(request, "settlement/detail.html", view, fragments={"statement-lines": "settlement/_lines.html"})


def waterfall_json(statement: StatementDetail) -> str:
    """The waterfall for the chart.  Shape: whole minor units, and beside each amount the text to write on it."""
    currency = statement.row.theirs.currency
    steps = [
        {
            "word": step.word,
            "total": step.is_total,
            "theirs": step.theirs.minor,
            "theirsText": show.money_text(step.theirs),
            "ours": step.ours.minor if step.ours else None,
            "oursText": show.money_text(step.ours) if step.ours else "not matched yet",
        }
        for step in statement.waterfall
    ]
    return json.dumps({"currency": currency, "digits": exponent(currency), "steps": steps}, ensure_ascii=False)
