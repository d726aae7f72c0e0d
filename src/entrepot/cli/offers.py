"""offer list, hold, release, override, confirm: what a person may do about an offer, by the party of his team."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from entrepot.cli.explaining import account_of
from entrepot.cli.opening import Opened, clean, login_name, opened
from entrepot.cli.output import Cell, Column, Style, note, paper, say_json
from entrepot.kernel.ctx import Conn
from entrepot.kernel.errors import WrongSetting
from entrepot.ownership.explain_store import Wanted

if TYPE_CHECKING:
    from entrepot.ownership.model import Value
    from entrepot.ownership.service import Person, Pulled

DONE, REFUSED = 0, 5
OFFER = "offer"
Lever = Callable[[Conn, Any, "Person"], "Pulled"]


def list_(
    *, state: Wanted = "held", account: str = "", seller: str = "", limit: int = 50, after: str = "", json: bool = False
) -> int:
    """Offers that need a look: held, overridden, with open requests, with refusals that stand; or all.

    Parameters
    ----------
    state
        Which offers.
    account
        Only this account.
    seller
        Only this seller.
    limit
        How many at most, up to 200.
    after
        The next page: what the page before named at its end.
    json
        One JSON document on stdout.
    """
    from entrepot.ownership.explain import listing
    from entrepot.ownership.explain_store import LIST_MAX

    if not 1 <= limit <= LIST_MAX:
        raise WrongSetting(f"--limit {limit}: a page holds 1 to {LIST_MAX} offers")
    at, _, object_id = clean(after).rpartition("~")
    with opened() as house, house.db.transaction() as conn:
        start = (at, object_id) if after else None
        found = listing(conn, OFFER, state, start, limit, account=clean(account), seller=clean(seller))
    token = "~".join(found.after) if found.after else ""
    if json:
        rows = [{name: getattr(row, name) for name in row.__slots__} for row in found.rows]
        say_json({"offers": rows, "after": token or None})
        return DONE
    page = paper()
    if not found.rows:
        page.line("No offer of this kind.")
        return DONE
    titles = (Column("Offer", keeps=True), Column("Account"), Column("Seller"), Column("Category"))
    counts = (Column("Holds", right=True), Column("Overrides", right=True), Column("Asked", right=True), Column("Refused", right=True))  # fmt: skip
    page.table(
        (*titles, *counts),
        (
            (r.object_id, r.account, r.seller, r.category, *map(str, (r.holds, r.overrides, r.corrections, r.refusals)))
            for r in found.rows
        ),
    )
    if token:
        page.line(Cell(f"More: --after {token}", Style.QUIET))
    return DONE


def hold(
    offer: str,
    field: str,
    /,
    *,
    reason: str = "",
    until: str = "",
    by: str = "",
    team: str = "",
    account: str = "",
    json: bool = False,
) -> int:
    """Stop an offer from being sold until then; its values stay untouched.

    Parameters
    ----------
    offer
        The offer's id.
    field
        What is wrong with it: price, quantity…
    reason
        Why; it stays with the hold.
    until
        When it ends: a length of time such as 3d, or a moment such as 2026-03-06T18:00.
    by
        Who decides; else the login name.
    team
        Your team in the plan; else the team that sees exceptions of offers.
    account
        At which account, when several know the offer.
    json
        One JSON document on stdout.
    """
    from entrepot.ownership import service

    asked = _Asked(clean(offer), clean(field), clean(account), clean(by), clean(team), clean(reason))

    def pull(conn: Conn, house: Opened, who: "Person") -> "Pulled":
        key = (account_of(conn, house, OFFER, asked.offer, asked.account), OFFER, asked.offer)
        end = moment(until, house.clock.now())
        return service.hold(conn, *_rule(house), key, asked.field, by=who, reason=asked.reason, until=end)

    return _decide(asked, pull, f"Offer {asked.offer} is held.", json=json)


def release(which: str, /, *, reason: str = "", by: str = "", team: str = "", json: bool = False) -> int:
    """End a hold or an override before its time: the owner's value counts again.

    Parameters
    ----------
    which
        The id of the hold or of the override, as `entrepot explain` names it.
    reason
        Why; it stays with it.
    by
        Who decides; else the login name.
    team
        Your team in the plan; else the team that sees exceptions of offers.
    json
        One JSON document on stdout.
    """
    from entrepot.ownership import service

    asked = _Asked(clean(which), "", "", clean(by), clean(team), clean(reason))

    def pull(conn: Conn, house: Opened, who: "Person") -> "Pulled":
        end = service.end_override if asked.offer.startswith("ovr_") else service.lift_hold
        return end(conn, *_rule(house), asked.offer, by=who, reason=asked.reason)

    return _decide(asked, pull, f"{asked.offer} is over.", json=json)


def override(
    offer: str,
    field: str,
    value: str,
    /,
    *,
    reason: str = "",
    until: str = "",
    by: str = "",
    team: str = "",
    account: str = "",
    json: bool = False,
) -> int:
    """Lay another value over the owner's until then; a large change waits for a second person.

    Parameters
    ----------
    offer
        The offer's id.
    field
        Which of its fields.
    value
        The other value; a price as people write it, such as 21.00.
    reason
        Why; it stays with the override.
    until
        When it ends: a length of time such as 3d, or a moment such as 2026-03-06T18:00.
    by
        Who decides; else the login name.
    team
        Your team in the plan; else the team that sees exceptions of offers.
    account
        At which account, when several know the offer.
    json
        One JSON document on stdout.
    """
    from entrepot.ownership import service

    asked = _Asked(clean(offer), clean(field), clean(account), clean(by), clean(team), clean(reason))

    def pull(conn: Conn, house: Opened, who: "Person") -> "Pulled":
        at = account_of(conn, house, OFFER, asked.offer, asked.account)
        read, end = _value(conn, house, at, asked, clean(value)), moment(until, house.clock.now())
        key = (at, OFFER, asked.offer)
        return service.override(conn, *_rule(house), key, asked.field, read, by=who, reason=asked.reason, until=end)

    return _decide(asked, pull, f"Offer {asked.offer}: the override of its {asked.field} is laid.", json=json)


def confirm(which: str, /, *, reason: str = "", by: str = "", team: str = "", json: bool = False) -> int:
    """The second person's word on a large override: it counts from now on.

    Parameters
    ----------
    which
        The id of the override, as `entrepot explain` names it.
    reason
        Why; it stays with the override.
    by
        Who confirms; else the login name. Not the one who asked for it.
    team
        Your team in the plan; else the team that sees exceptions of offers.
    json
        One JSON document on stdout.
    """
    from entrepot.ownership import service

    asked = _Asked(clean(which), "", "", clean(by), clean(team), clean(reason))

    def pull(conn: Conn, house: Opened, who: "Person") -> "Pulled":
        return service.confirm_override(conn, *_rule(house), asked.offer, by=who, reason=asked.reason)

    return _decide(asked, pull, f"{asked.offer} is confirmed and counts.", json=json)


# --- what they share -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stands on the command line, cleaned. `offer`: or the id of what is meant."""

    offer: str
    field: str
    account: str
    by: str
    team: str
    reason: str


def _rule(house: Opened) -> tuple[Any, Any, Any]:
    """What every lever is given beside the connection."""
    from entrepot.ownership.compile import compile_rules

    return house.ctx, house.plan, compile_rules(house.plan)


def _decide(asked: _Asked, pull: Lever, done: str, *, json: bool) -> int:
    from entrepot.flows.offer_desk import OfferDesk
    from entrepot.flows.parts import Parts
    from entrepot.ownership.service import NotYours, OutsideLimits, Person, SamePerson

    if not asked.reason:
        raise WrongSetting("say why: --reason TEXT stays with what you decide")
    with opened() as house:
        who = Person(asked.by or login_name(), _team(house, asked.team))
        try:
            with house.db.transaction() as conn:
                pulled = pull(conn, house, who)
                OfferDesk(Parts(house.plan, {}), _rule(house)[2]).follow(house.ctx, conn, pulled)
        except (NotYours, OutsideLimits, SamePerson) as refused:
            return _refused(refused.message, refused.code, refused.fields, json=json)
    waits = pulled.state == "asked"
    words = "It waits for a second person: entrepot offer confirm " + pulled.id if waits else done
    if json:
        say_json(
            {"id": pulled.id, "state": pulled.state, "done": True, "words": words, "by": who.name, "team": who.team}
        )
    else:
        paper().line(words, Cell(pulled.id, Style.QUIET) if not waits else "")
    return DONE


def _refused(words: str, code: str, fields: dict[str, Any], *, json: bool) -> int:
    if json:
        known = {
            name: fields[name] for name in ("why", "owners", "may_request", "exceptions", "rule") if name in fields
        }
        say_json({"done": False, "code": code, "words": words, **known})
    else:
        note(words)
    return REFUSED


def _team(house: Opened, team: str) -> str:
    rule = house.plan.ownership.get(OFFER)
    name = team or (rule.exceptions if rule else "")
    if not name:
        raise WrongSetting("say for which team you decide: --team TEAM")
    return house.plan.team(name).name


def moment(text: str, now: datetime) -> datetime:
    """`3d` from now, or a moment; without a zone it is the terminal's."""
    from entrepot.blueprint.units import parse_duration

    text = clean(text)
    if not text:
        raise WrongSetting("say when it ends: --until 3d, or --until 2026-03-06T18:00")
    try:
        return now + parse_duration(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise WrongSetting(f"--until {text}: write a length of time such as 3d, or 2026-03-06T18:00") from error


def _value(conn: Conn, house: Opened, account: str, asked: _Asked, text: str) -> "Value":
    """A word of the command line as the field keeps it: money in minor units, numbers and yes or no as what stands there."""
    from entrepot.flows.offer_words import typed
    from entrepot.ownership.service import effective

    offer = effective(conn, account, OFFER, [asked.offer]).get(asked.offer)
    own = offer.values.get("currency") if offer else None
    stands = offer.values.get(asked.field) if offer else None
    return typed(asked.field, text, stands, str(own) if own else house.plan.account(account).currency)
