"""listing show: what an article is to show on a channel and what it shows, and where both come from."""

from entrepot.cli.channels import selling_account
from entrepot.cli.opening import clean, opened
from entrepot.cli.output import note, paper, say_json

DONE, FAILED = 0, 1


def show(account: str, sku: str, /, *, json: bool = False) -> int:
    """One listing: wanted against shown, versions told, issues, submissions, sources of price and stock, its story.

    Parameters
    ----------
    account
        The account's name in the plan, such as amazon-de/main.
    sku
        Our number of the article there.
    json
        One JSON document on stdout.
    """
    from entrepot.cli.channel_pages import document, listing_page
    from entrepot.web.store import listings

    asked = clean(sku)
    with opened() as house:
        now = house.clock.now()
        name = selling_account(house, clean(account))
        with house.db.transaction() as conn:
            found = listings.detail(conn, house.plan, name, asked, now)
    if found is None:
        note(
            f"{name} has no listing {asked}; `entrepot channel show {name} --table listings --query …` finds them by their beginning"
        )
        return FAILED
    if json:
        say_json({"business_now": now, "listing": document(found)})
    else:
        listing_page(paper(), found)
    return DONE
