"""channel list, show: the accounts on which we are the seller, what waits for us there, and how they judge us."""

from typing import Literal

from entrepot.cli.opening import Opened, clean, opened
from entrepot.cli.output import paper, say_json
from entrepot.kernel.errors import WrongSetting

DONE = 0
Table = Literal["orders", "parcels", "listings", "submissions", "refunds", "disputes"]


def list_(*, json: bool = False) -> int:
    """Every account on which the plan sells: what waits there, what is in trouble, how it judges us.

    Parameters
    ----------
    json
        One JSON document on stdout.
    """
    from entrepot.cli.channel_pages import cards_page, document
    from entrepot.web.store import channels

    with opened() as house:
        now = house.clock.now()
        with house.db.transaction() as conn:
            found = channels.view(conn, house.plan, now)
    if json:
        say_json({"business_now": now, "channels": document(found.cards)})
    else:
        cards_page(paper(), found.cards, now)
    return DONE


def show(
    account: str, /, *, table: Table = "orders", state: str = "", query: str = "", after: str = "", json: bool = False
) -> int:
    """One account: orders by remaining time, health against each limit, safety checks, and one of its tables.

    Parameters
    ----------
    account
        Its name in the plan, such as amazon-de/main.
    table
        Which table stands below: what waits for us, or what is not over yet.
    state
        Of listings: only these, such as suppressed; `other` are those that do not show what is wanted.
    query
        Only what is about this order or this SKU; of listings, whose SKU begins so.
    after
        The next page: what the page before named at its end.
    json
        One JSON document on stdout.
    """
    from entrepot.cli.channel_pages import channel_page, document
    from entrepot.web.store import channel_tables
    from entrepot.web.views.channels import ChannelFilter

    wanted = ChannelFilter(table, clean(state) if table == "listings" else "", clean(query), clean(after))
    with opened() as house:
        now = house.clock.now()
        name = selling_account(house, clean(account))
        with house.db.transaction() as conn:
            found = channel_tables.detail(conn, house.plan, name, wanted, now)
    if json:
        say_json(
            {
                "business_now": now,
                "channel": document(found.card),
                "table": table,
                "rows": document(found.rows),
                "after": found.next_after or None,
            }
        )
    else:
        channel_page(paper(), found, now, found.next_after)
    return DONE


def selling_account(house: Opened, asked: str) -> str:
    """The account as the plan calls it; a system that has only one may stand for it. Errors: WrongSetting says what there is."""
    from entrepot.web.selling import sold_on

    known = sold_on(house.plan)
    if asked in known:
        return asked
    of_system = [name for name in known if house.plan.account(name).system == asked]
    if len(of_system) == 1:
        return of_system[0]
    there = ", ".join(known) or "no account at all"
    raise WrongSetting(f"we sell on no account called {asked or 'nothing'}; the plan sells on {there}")
