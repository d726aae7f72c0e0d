"""`entrepot NOUN VERB`. Each command's module is imported only when it runs, so that `--help` answers at once."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from io import TextIOWrapper

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError, UnknownCommandError

from entrepot import __version__

EXIT_FAILURE, EXIT_USAGE, EXIT_FINDINGS, EXIT_UNREACHABLE, EXIT_REFUSED = 1, 2, 3, 4, 5
EXIT_INTERRUPTED = 130
EXIT_NO_READER = 141

app = App(
    name="entrepot",
    help="The hub between marketplaces and a company's back office.",
    version=__version__,
    result_action="return_value",
    help_format="plaintext",  # no markdown parser in the way of an answer
    default_parameter=Parameter(negative=()),  # no --no-json beside --json
)
case = App(name="case", help="Failures that need a person: list, show, handle, and the four verbs.")
question = App(name="question", help="What nobody owns yet, and what is decided without a rule.")
database = App(name="db", help="The database: upgrade, status.")
offer = App(name="offer", help="Offers: list, hold, release, override, confirm.")
app.command(case)
app.command(question)
flow = App(name="flow", help="Business movements: list, pause, empty, resume, replay.")
app.command(flow)
app.command(database)
app.command(offer)
channel = App(name="channel", help="Channels on which we are the seller: list, show.")
listing = App(name="listing", help="Articles of ours on channels: show.")
dispute = App(name="dispute", help="What buyers question at channels: list, answer.")
app.command(channel)
app.command(listing)
app.command(dispute)
workshop = App(name="workshop", help="The plan as a spreadsheet: export, import.")
app.command(workshop)
connector = App(name="connector", help="Ways to outside systems: list, show, and begin a new one.")
app.command(connector)

app.command("entrepot.cli.running:up", help="Start everything and keep it running: PostgreSQL, web, workers.")
app.command("entrepot.cli.running:serve", help="Run one web process: console, API, webhooks.")
app.command("entrepot.cli.running:work", help="Run one worker process.")
app.command("entrepot.cli.demo:demo", help="A living marketplace day against the shipped sandbox.")
app.command(
    "entrepot.cli.maps:map_", name="map", help="Draw the plan: maps, risk register, ownership, cards per system."
)
app.command("entrepot.cli.simulate:sim", help="Run seeded days with crashes and faults on a real PostgreSQL.")
app.command("entrepot.cli.simulate:prove", help="Run what takes longer than a test run.")
app.command("entrepot.cli.init:init", help="Write a complete plan of your own, from a few answers.")
app.command("entrepot.cli.checking:check", help="Say everything that is wrong with a plan, and where.")
app.command("entrepot.cli.importing:import_", name="import", help="Take in a seller's file of offers.")
app.command(
    "entrepot.cli.feeds:feed",
    help="Sellers' files and our stock: what is rejected, how old it is, how soon live, what was oversold.",
)
app.command("entrepot.cli.asking:find", help="Find anything by any identifier.")
app.command(
    "entrepot.cli.explaining:explain", help="Why a field has the value it has, by what right, and what it hides."
)
app.command("entrepot.cli.asking:doctor", help="Say what this installation has, and what is wrong with it.")
app.command("entrepot.cli.plans:plan", help="What a changed plan would do, and which records it touches.")
app.command("entrepot.cli.plans:apply", help="Bring a plan into force, with a reason.")
app.command("entrepot.cli.plans:rollback", help="Return to an older plan, and see what was decided since.")
flow.command("entrepot.cli.flows:list_", name="list", help="Every flow: state, mode, what is in it.")
flow.command("entrepot.cli.flows:pause", help="Stop a flow without losing anything.")
flow.command("entrepot.cli.flows:empty", help="Let what is in go out, and nothing new in.")
flow.command("entrepot.cli.flows:resume", help="Let a flow run again.")
flow.command("entrepot.cli.flows:replay", help="A flow's work once more under the plan in force.")
case.command("entrepot.cli.cases:list_", name="list", help="Open cases, the most urgent first.")
case.command("entrepot.cli.cases:show", help="One case: effect, cause, runbook, story.")
case.command("entrepot.cli.cases:retry", help="The same once more.")
case.command("entrepot.cli.cases:repair", help="With corrected content.")
case.command("entrepot.cli.cases:suppress", help="Not at all: close it with a reason.")
case.command("entrepot.cli.cases:escalate", help="To the team above.")
offer.command("entrepot.cli.offers:list_", name="list", help="Offers that need a look.")
offer.command("entrepot.cli.offers:hold", help="Stop an offer from being sold; its values stay untouched.")
offer.command("entrepot.cli.offers:release", help="End a hold or an override before its time.")
offer.command("entrepot.cli.offers:override", help="Lay another value over the owner's, until then.")
offer.command("entrepot.cli.offers:confirm", help="The second person's word on a large override.")
channel.command(
    "entrepot.cli.channels:list_", name="list", help="Every channel: what waits, what is in trouble, its judgement."
)
channel.command("entrepot.cli.channels:show", help="One channel: orders by remaining time, health, checks, a table.")
listing.command("entrepot.cli.listings:show", help="One listing: wanted against shown, and why.")
dispute.command("entrepot.cli.disputes:list_", name="list", help="Open disputes by the date for an answer.")
dispute.command("entrepot.cli.disputes:answer", help="Accept a dispute, or contest it.")
workshop.command("entrepot.cli.workshop:export", help="Write the plan as a workbook that people can change.")
workshop.command(
    "entrepot.cli.workshop:import_", name="import", help="What a workbook would change; with --write, change it."
)
connector.command("entrepot.cli.connectors:new", help="Begin a connector: its folder, its tests, a simulated channel.")
connector.command("entrepot.cli.connectors:list_", name="list", help="The connectors there are, and what they can do.")
connector.command("entrepot.cli.connectors:show", help="One connector in plain words, with what the channel demands.")
case.command("entrepot.cli.case_handling:assign", help="Who looks after it: a person or a team.")
case.command("entrepot.cli.case_handling:note", help="Something worth knowing, in its story.")
case.command("entrepot.cli.case_handling:working", help="Somebody is at it.")
case.command("entrepot.cli.case_handling:waiting", help="It waits for somebody else.")
question.command("entrepot.cli.questions:list_", name="list", help="Ownership questions, undecided ones first.")
question.command("entrepot.cli.questions:raise_", name="raise", help="Nobody owns this: ask who does.")
question.command("entrepot.cli.questions:decide", help="Say who owns it, or which plan says so.")
question.command("entrepot.cli.questions:rules", help="The same decision again and again: hidden rules.")
database.command("entrepot.cli.running:db_upgrade", name="upgrade", help="Bring the schema to this version.")
database.command("entrepot.cli.running:db_status", name="status", help="Which schema the database has.")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. A wrong option or setting is one line and exit code 2."""
    from entrepot.kernel.errors import EntrepotError, OurBug

    try:
        result = app(arguments, exit_on_error=False, print_error=False, verbose=False)
    except CycloptsError as error:
        return _said(_usage(error), EXIT_USAGE)
    except OurBug:
        raise
    except EntrepotError as error:
        findings = error.message.splitlines() if error.fields.get("findings") else [error.message]
        return max(_said(line, _code(error)) for line in findings)
    except _driver_errors() as error:
        return _database_said(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return result if isinstance(result, int) else 0


def _code(error: Exception) -> int:
    """By who acts next: a person with a setting, time, or somebody who reads the message."""
    from entrepot.kernel.errors import Busy, NotNow, OwnerDecides

    if isinstance(error, OwnerDecides):
        return EXIT_USAGE
    return EXIT_UNREACHABLE if isinstance(error, NotNow) and not isinstance(error, Busy) else EXIT_FAILURE


def _usage(error: CycloptsError) -> str:
    """What is wrong with the words of the command line, and where the right ones stand."""
    chain = " ".join(["entrepot", *(error.command_chain or ())])
    if not isinstance(error, UnknownCommandError):
        return f"{error} See {chain} --help"
    word, known = (error.unused_tokens or [""])[0], sorted(name for name in error.app or app if name.isalpha())
    near = get_close_matches(word, known, n=1)
    instead = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}."
    return f"{chain}: unknown command “{word}”; {instead} See {chain} --help"


def _driver_errors() -> tuple[type[Exception], ...]:
    """What PostgreSQL's driver raises where nobody has put it into words of ours; nothing while it is not loaded."""
    psycopg = sys.modules.get("psycopg")
    return (psycopg.Error,) if psycopg else ()


def _database_said(error: Exception) -> int:
    from psycopg import OperationalError, ProgrammingError

    if isinstance(error, OperationalError):
        return _said(f"the database does not answer: {error}", EXIT_UNREACHABLE)
    if (
        isinstance(error, ProgrammingError) and error.sqlstate is None
    ):  # no server ever saw it: the address is no address
        return _said(
            "ENTREPOT_DATABASE_URL cannot be read: write postgresql://user:password@host:port/database", EXIT_USAGE
        )
    raise error


def _said(text: str, code: int) -> int:
    """One line on stderr, however many the error had."""
    print(f"entrepot: {' '.join(text.split())}", file=sys.stderr)
    return code


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter still shows the rest
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_NO_READER
    sys.exit(code)
