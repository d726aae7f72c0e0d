"""What other rooms ask of cases. Every function runs in the caller's transaction unless it takes no `conn`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases.files import close_each, close_for, close_many, open_cases
from entrepot.cases.model import CaseAsked, Promise, VerbDone, VerbRefused
from entrepot.cases.notify import NOTIFY_DUE_SQL, drain_notify
from entrepot.cases.obligations import meet, meet_many, promise, void, void_many
from entrepot.cases.verbs import escalate, preview, repair, retry, suppress
from entrepot.cases.watch import WATCH_DUE_SQL, drain_watch
from entrepot.kernel.ctx import Conn, Ctx

__all__ = [
    "NOTIFY_DUE_SQL",
    "WATCH_DUE_SQL",
    "CaseAsked",
    "Promise",
    "VerbDone",
    "VerbRefused",
    "close_each",
    "close_for",
    "close_many",
    "drain_notify",
    "drain_watch",
    "escalate",
    "meet",
    "meet_many",
    "open_case",
    "open_cases",
    "preview",
    "promise",
    "repair",
    "retry",
    "suppress",
    "void",
    "void_many",
]


def open_case(
    conn: Conn,
    ctx: Ctx,
    plan: Plan,
    mode: str,
    *,
    account: str,
    object: str,
    object_id: str,
    root: str = "",
    title: str = "",
    values: Mapping[str, Any] | None = None,
    cause: str | None = None,
    money_minor: int = 0,
    currency: str = "EUR",
    message_id: str | None = None,
    effect_id: str | None = None,
    obligation_id: str | None = None,
    details: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    flow: str = "",
    seller: str = "",
    cause_key: str = "",
) -> str:
    """Open one case, or count it again when it is open already; returns its id. Plans the first alert to its owner."""
    asked = CaseAsked(
        mode,
        account,
        object,
        object_id,
        root,
        title,
        values or {},
        cause,
        money_minor,
        currency,
        message_id,
        effect_id,
        obligation_id,
        details or {},
        due_at,
        flow,
        seller=seller,
        cause_key=cause_key,
    )
    return open_cases(conn, ctx, plan, [asked])[0]
