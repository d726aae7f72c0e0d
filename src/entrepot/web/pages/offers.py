"""Offers: what counts and why, who holds or overrides it, and a person's levers on one of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from entrepot.kernel.cells import csv_line
from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web import offer_words, words
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.format import iso, link_to
from entrepot.web.offer_ports import Acting
from entrepot.web.views.offers import OfferDetail, OfferFilter, OfferRow

router = APIRouter()
VERBS = ("hold", "release", "override", "confirm", "end", "ask")
DAYS = (1, 3, 7, 14, 30)
OBJECT = "offer"
REASON_NEEDED = "A reason is needed: it is kept in the audit trail."
CSV_COLUMNS: tuple[tuple[str, Callable[[OfferRow], str]], ...] = (
    ("account", lambda row: row.account),
    ("offer", lambda row: row.id),
    ("seller", lambda row: row.seller),
    ("category", lambda row: row.category),
    ("price", lambda row: row.price.text if row.price else ""),
    ("currency", lambda row: row.price.currency if row.price else ""),
    ("quantity", lambda row: row.quantity),
    ("state", lambda row: row.state.word),
    ("held", lambda row: "; ".join(row.held)),
    ("overridden", lambda row: "; ".join(row.overridden)),
    ("asked", lambda row: str(row.asked)),
    ("changed_at", lambda row: iso(row.changed_at)),
)


@dataclass(frozen=True, slots=True)
class Address:
    """An offer's address: accounts and ids hold slashes, so the plan says where the account ends."""

    account: str
    offer_id: str
    verb: str = ""

    @property
    def href(self) -> str:
        return offer_link(self.account, self.offer_id)


def offer_link(account: str, offer_id: str) -> str:
    return link_to("offers", *account.split("/"), offer_id)


def address(rest: str, accounts: Mapping[str, object]) -> Address | None:
    """What stands behind `/offers/`: account, id, and a verb when there is one. None: no account of the plan."""
    account = max((name for name in accounts if rest.startswith(f"{name}/")), key=len, default="")
    offer_id = rest.removeprefix(f"{account}/") if account else ""
    if not offer_id:
        return None
    lead, slash, last = offer_id.rpartition("/")
    return Address(account, lead, last) if slash and lead and last in VERBS else Address(account, offer_id)


@router.get("/offers")
def offer_list(
    request: Request, desk: AtDesk, show: str = "", account: str = "", seller: str = "", after: str = ""
) -> HTMLResponse:
    view = desk.reader.offers(OfferFilter(show=show, account=account, seller=seller.strip(), after=after))
    return desk.page(request, "offers/list.html", {"view": view, "link": offer_link}, fragments={"offer-list": "offers/_list.html"})  # fmt: skip


@router.get("/offers.csv")
def offer_csv(desk: AtDesk, show: str = "", account: str = "", seller: str = "") -> StreamingResponse:
    rows = desk.reader.every_offer(OfferFilter(show=show, account=account, seller=seller.strip()))
    headers = {"content-disposition": 'attachment; filename="offers.csv"', "cache-control": "no-store"}
    return StreamingResponse(_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/offers/{rest:path}")
def offer_page(request: Request, desk: AtDesk, rest: str, field: str = "", of: str = "") -> HTMLResponse:
    """One offer, or the form of one lever on it. `of`: the hold or override it is about."""
    at, offer = _offer(desk, rest)
    if not at.verb:
        return desk.page(request, "offers/detail.html", {"offer": offer, "at": at}, fragments={"offer-body": "offers/_detail.html"})  # fmt: skip
    return _ask(request, desk, at, offer, Form({"field": [field], "of": [of]}))


@router.post("/offers/{rest:path}", response_model=None)
def pull(request: Request, desk: AtDesk, form: CheckedForm, rest: str) -> Response:
    at, offer = _offer(desk, rest)
    if not at.verb:
        raise HTTPException(405, "An offer is changed by its owner. What may be done here stands on its page.")
    if not form.reason:
        return _ask(request, desk, at, offer, form, problem=REASON_NEEDED, status=422)
    try:
        said = _pull(request, desk, at, offer, form)
    except offer_words.NoSuchValue as error:
        return _ask(request, desk, at, offer, form, problem=f"{error.message}.", status=422)
    except (OwnerDecides, NotNow) as error:
        return _ask(request, desk, at, offer, form, problem=error.message, status=409)
    return see_other(at.href, said)


def _pull(request: Request, desk: Desk, at: Address, offer: OfferDetail, form: Form) -> str:
    """One lever, in ownership's own transaction. Errors: OwnerDecides, NotNow."""
    by = Acting(request.state.visitor.name, form.one("team"))
    if by.team not in desk.hub.plan.teams:
        raise offer_words.NoSuchValue("say for which team you act")
    name, of = form.one("field"), form.one("of")
    until = desk.now() + timedelta(days=_days(form))
    match at.verb:
        case "hold":
            return desk.offers.hold(at.account, at.offer_id, name, by, form.reason, until)
        case "release":
            return desk.offers.release(of, by, form.reason)
        case "override":
            value = offer_words.typed(_kind(offer, name), form.one("value"), offer.currency)
            return desk.offers.override(at.account, at.offer_id, name, value, by, form.reason, until)
        case "confirm":
            return desk.offers.confirm(of, by, form.reason)
        case "end":
            return desk.offers.end(of, by, form.reason)
        case _:
            value = offer_words.typed(_kind(offer, name), form.one("value"), offer.currency)
            return desk.offers.ask(at.account, at.offer_id, name, value, by, form.reason)


def _offer(desk: Desk, rest: str) -> tuple[Address, OfferDetail]:
    at = address(rest, desk.hub.plan.accounts)
    found = desk.reader.offer(at.account, at.offer_id, desk.places) if at else None
    if at is None or found is None:
        raise HTTPException(404, f"There is no offer {rest}.")
    return at, found


def _ask(
    request: Request, desk: Desk, at: Address, offer: OfferDetail, form: Form, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    plan = desk.hub.plan
    rule = plan.ownership.get(OBJECT)
    view = {
        "offer": offer,
        "at": at,
        "form": form,
        "problem": problem,
        "days": DAYS,
        "teams": {name: words.plain(name) for name in plan.teams},
        "team": form.one("team") or (rule.exceptions if rule else ""),
        "about": _about(offer, form.one("of")),
        "most": _most(at.verb, rule),
    }
    return desk.page(request, "offers/verb.html", view, fragments={"dialog-body": "offers/_verb_form.html"}, status=status)  # fmt: skip


def _most(verb: str, rule: object) -> timedelta | None:
    """How long the plan lets it last."""
    if verb == "hold":
        return getattr(rule, "holds_max", None)
    return getattr(getattr(rule, "overrides", None), "max", None) if verb == "override" else None


def _about(offer: OfferDetail, of: str) -> str:
    """What a release, a confirmation or an end is about, in words."""
    for hold in offer.holds:
        if hold.id == of:
            return f"{words.plain(hold.field)}: {hold.words} (by {hold.author})"
    for laid in offer.overrides:
        if laid.id == of:
            return f"{words.plain(laid.field)} {laid.value} over {laid.over}: {laid.reason} (by {laid.author})"
    return ""


def _kind(offer: OfferDetail, name: str) -> str:
    for field in offer.fields:
        if field.name == name:
            return field.kind
    return offer_words.kind_of(name, None)


def _days(form: Form) -> int:
    return int(form.one("days")) if form.one("days") in {str(days) for days in DAYS} else DAYS[0]


def _csv(rows: Iterator[OfferRow]) -> Iterator[str]:
    yield csv_line(name for name, _ in CSV_COLUMNS)
    for row in rows:
        yield csv_line(value(row) for _, value in CSV_COLUMNS)
