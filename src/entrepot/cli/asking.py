"""find and doctor: what is this, and what is wrong with this installation."""

from entrepot.cli.opening import clean, opened
from entrepot.cli.output import note, paper, say_json
from entrepot.kernel.errors import WrongSetting

DONE, FAILED = 0, 1


def find(identifier: str, /, *, json: bool = False) -> int:
    """Find anything by any identifier: ours, the marketplace's, the gateway's, a parcel's, a person's.

    Parameters
    ----------
    identifier
        An order, a basket, a refund, a capture, a tracking number, a SKU, a seller, a statement, a voucher, a case…
    json
        One JSON document on stdout.
    """
    from entrepot.cli import find_pages, find_store

    asked = clean(identifier)
    if not asked:
        raise WrongSetting("say what to find: an identifier of anything")
    with opened() as house:
        with house.db.transaction() as conn:
            answer = find_store.answer(conn, asked)
        now, console_url = house.clock.now(), house.installation.console_url
    if json:
        say_json(find_pages.document(answer, now, console_url))
    elif answer.found:
        find_pages.page(paper(), answer, now, console_url)
    else:
        short = len(asked) < find_store.BEGINNING_MIN_CHARS
        near = "give three characters to find what begins with them" if short else "nothing begins with it"
        note(f"nothing is called {asked}; {near}")
    return DONE if answer.found else FAILED


def doctor(*, json: bool = False) -> int:
    """Say what this installation has, what is wrong with it, and what to do next.

    Exit code 3 when something is wrong, 4 when the database cannot be reached.

    Parameters
    ----------
    json
        One JSON document on stdout.
    """
    from entrepot.cli.doctor import examine
    from entrepot.cli.health.report import document, page

    report = examine()
    if json:
        say_json(document(report))
    else:
        page(paper(), report)
    return report.exit_code
