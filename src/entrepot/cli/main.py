"""`entrepot NOUN VERB`. Each command's module is imported only when it runs, so that `--help` answers at once."""

import sys
from collections.abc import Sequence

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from entrepot import __version__

EXIT_FAILURE, EXIT_USAGE, EXIT_FINDINGS, EXIT_UNREACHABLE = 1, 2, 3, 4

app = App(
    name="entrepot",
    help="The hub between marketplaces and a company's back office.",
    version=__version__,
    result_action="return_value",
    help_format="plaintext",
)
case = App(name="case", help="Failures that need a person: list, show, and the four verbs.")
database = App(name="db", help="The database: upgrade, status.")
app.command(case)
app.command(database)

app.command("entrepot.cli.running:up", help="Start everything and keep it running: PostgreSQL, web, workers.")
app.command("entrepot.cli.running:serve", help="Run one web process: console, API, webhooks.")
app.command("entrepot.cli.running:work", help="Run one worker process.")
app.command("entrepot.cli.demo:demo", help="A living marketplace day against the shipped sandbox.")
app.command("entrepot.cli.simulate:sim", help="Run seeded days with crashes and faults on a real PostgreSQL.")
app.command("entrepot.cli.simulate:prove", help="Run what takes longer than a test run.")
app.command("entrepot.cli.asking:find", help="Find anything by any identifier.")
app.command("entrepot.cli.asking:doctor", help="Say what this installation has, and what is wrong with it.")
case.command("entrepot.cli.cases:list_", name="list", help="Open cases, the most urgent first.")
case.command("entrepot.cli.cases:show", help="One case: effect, cause, runbook, story.")
case.command("entrepot.cli.cases:retry", help="The same once more.")
case.command("entrepot.cli.cases:repair", help="With corrected content.")
case.command("entrepot.cli.cases:suppress", help="Not at all: close it with a reason.")
case.command("entrepot.cli.cases:escalate", help="To the team above.")
database.command("entrepot.cli.running:db_upgrade", name="upgrade", help="Bring the schema to this version.")
database.command("entrepot.cli.running:db_status", name="status", help="Which schema the database has.")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. A wrong option or setting is one line and exit code 2."""
    from entrepot.kernel.errors import EntrepotError, NotNow, OurBug, OwnerDecides

    try:
        result = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print(f"entrepot: {' '.join(str(error).split())} (see entrepot --help)", file=sys.stderr)
        return EXIT_USAGE
    except OurBug:
        raise
    except EntrepotError as error:
        print(f"entrepot: {error.message}", file=sys.stderr)
        if isinstance(error, OwnerDecides):
            return EXIT_USAGE
        return EXIT_UNREACHABLE if isinstance(error, NotNow) else EXIT_FAILURE
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def main() -> None:
    sys.exit(run())
