"""The systems outside: are our keys there, and are we let in. Changes nothing over there."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

from entrepot.app import access_of, never_called
from entrepot.blueprint.model import Plan
from entrepot.blueprint.references import is_reference, resolve
from entrepot.cli.health.report import Finding, fail, ok, warn
from entrepot.connectors import registry
from entrepot.connectors.port import ProblemCode
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.http import HttpSender
from entrepot.outbox.http import OutboundHttp

CONSOLE_WAIT_S = 2.0
NEXT_STEPS = {
    ProblemCode.CREDENTIALS_REFUSED: "make a new key there and put it where the blueprint's reference points",
    ProblemCode.NOT_REACHED: "see whether it runs and whether the address is right",
    ProblemCode.NO_ANSWER: "see whether it runs; look at its status page",
    ProblemCode.SYSTEM_DOWN: "look at its status page; the hub keeps trying",
    ProblemCode.RATE_LIMITED: "wait; the hub does",
}


def accounts(plan: Plan, context: Callable[[HttpSender], Ctx]) -> Iterator[Finding]:
    """Each account: its references resolve, and the other side lets us in."""
    for account in sorted(plan.accounts):
        yield _account(plan, account, context)


def _account(plan: Plan, account: str, context: Callable[[HttpSender], Ctx]) -> Finding:
    system = plan.system_of(account)
    try:
        for reference in system.secrets.values():
            resolve(reference)
        if never_called(system):
            return ok("account", f"{account}: its key is set; it calls us", account=account)
        access = access_of(plan, account)
        connector = registry.connect(system.connector, access)
    except WrongSetting as error:
        step = "set it for this command too: the processes need it the same way"
        return fail("account", f"{account}: {error.message}", step, account=account)
    sender = OutboundHttp([access.base_url], loopback=plan.environment == "sandbox")
    try:
        problem = connector.check(context(sender))
    finally:
        sender.close()
    if problem is None:
        return ok("account", f"{account}: {access.base_url} lets us in", account=account, url=access.base_url)
    words = f"{account}: {access.base_url}: {problem.words}"
    step = NEXT_STEPS.get(problem.code, "read its words; they are kept unchanged")
    wrong = warn if problem.code is ProblemCode.RATE_LIMITED else fail
    return wrong("account", words, step, account=account, url=access.base_url, code=problem.code)


def alerts(plan: Plan) -> Finding:
    """Whether the channels of the teams lead anywhere."""
    silent: dict[str, list[str]] = {}
    for team in plan.teams.values():
        for channel in team.notify:
            if is_reference(channel) and not _resolves(channel):
                silent.setdefault(channel, []).append(team.name)
    if not silent:
        return ok("alerts", f"the channels of {len(plan.teams)} teams are set")
    reached = [t.name for t in plan.teams.values() if any(c not in silent for c in t.notify)]
    words = "; ".join(f"{channel} is not set ({len(teams)} teams)" for channel, teams in silent.items())
    step = "set them for this command too: the processes need them the same way"
    return warn("alerts", words, step) if len(reached) == len(plan.teams) else fail("alerts", words, step)


def _resolves(reference: str) -> bool:
    try:
        return bool(resolve(reference))
    except WrongSetting:
        return False


def console(url: str) -> Finding:
    """Whether the web process answers."""
    if not url:
        return warn("console", "its address is not known here", "see where `entrepot serve` runs")
    try:
        with urllib.request.urlopen(f"{url}readyz", timeout=CONSOLE_WAIT_S) as answer:  # noqa: S310 - our own address
            status = answer.status
    except urllib.error.HTTPError as error:
        return fail(
            "console", f"{url} answers {error.code}", "read the web process's log; it may not reach its database"
        )
    except (OSError, ValueError) as error:
        return warn(
            "console",
            f"{url} does not answer ({getattr(error, 'reason', error)})",
            "start it: `entrepot up`, or `entrepot serve`",
        )
    return ok("console", f"{url} answers", url=url, status=status)
