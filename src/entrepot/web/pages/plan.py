"""Plan: what the hub runs by, who changed it and why, and what each change changed."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from entrepot.web.desk import AtDesk

router = APIRouter()
SEQ_MAX = 2**63 - 1


@router.get("/plan")
def plan_page(request: Request, desk: AtDesk) -> HTMLResponse:
    return desk.page(request, "plan/list.html", {"view": desk.reader.plan()}, fragments={"plan": "plan/_list.html"})


@router.get("/plan/{seq}")
def plan_change_page(request: Request, desk: AtDesk, seq: str) -> HTMLResponse:
    number = int(seq) if seq.isascii() and seq.isdecimal() and len(seq) < 20 else -1
    found = desk.reader.plan_change(number) if 0 <= number <= SEQ_MAX else None
    if found is None:
        raise HTTPException(404, f"There is no change {seq} of the plan.")
    return desk.page(request, "plan/detail.html", {"change": found})
