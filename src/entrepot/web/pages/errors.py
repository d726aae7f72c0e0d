"""Errors as pages: what happened, and what to do next."""

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import HTMLResponse

from entrepot.web.desk import desk_of

WORDS: Mapping[int, tuple[str, str]] = {
    400: ("That could not be read", "Go back and check what was entered."),
    403: ("Refused", "Nothing was changed."),
    404: ("There is no such page", "Look for it by any identifier in the search box above, or start from Today."),
    405: ("That cannot be done here", "Nothing was changed."),
    409: ("Not done", "Nothing was changed. What must happen first stands above."),
    413: ("Too large", "Nothing was changed."),
    500: ("A fault of ours", "Nothing was half done: each change is one transaction. The log has the details."),
    503: ("Not just now", "The database or another person holds what this needs. Try again in a moment."),
}


def error_page(request: Request, status: int, detail: str = "") -> HTMLResponse:
    title, advice = WORDS.get(status, ("That did not work", "Go back and try again."))
    request.state.open_cases = lambda: None  # an error page asks the database for nothing
    return desk_of(request).page(
        request,
        "error.html",
        {"status": status, "title": title, "detail": detail, "advice": advice},
        status=status,
    )
