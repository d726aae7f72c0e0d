"""E6xx: what must be settled before live traffic: pauses, replays, counts, cards for systems that are away, rehearsals."""

from entrepot.blueprint.finding import Path
from entrepot.blueprint.lint.look import Flaw, Flaws, Look
from entrepot.blueprint.model import Flow
from entrepot.blueprint.units import duration_text

HANDS_OVER = ("ipaas", "middleware")


def check(look: Look) -> Flaws:
    for name, flow in look.plan.flows.items():
        here = ("flows", name)
        yield from _cards(look, here, flow)
        yield from _settled(here, flow)
        yield from _handed_over(here, flow)
    for i, rehearsal in enumerate(look.plan.launch.rehearsals):
        yield from look.refer("flows", rehearsal.flow, ("launch", "rehearsals", i, "flow"))
    for name, question in look.plan.questions.items():
        yield from look.refer("teams", question.owner, ("questions", name, "owner"))
    yield from _rehearsed(look)


def _cards(look: Look, here: Path, flow: Flow) -> Flaws:
    """One degraded-service card per system the flow leans on."""
    carded = {system for word in flow.degraded for system in look.systems_of(word)} | set(flow.degraded)
    for system in look.ends(flow):
        if system not in carded:
            where = (*here, "degraded") if look.written((*here, "degraded")) else here
            yield Flaw(
                "E601", where, f"nobody says what goes on while {system} is away", f"add {system}: under degraded"
            )


def _settled(here: Path, flow: Flow) -> Flaws:
    given = flow.model_fields_set
    if "pause" not in given:
        yield Flaw("E602", here, "it is not said whether it may be paused, for how long, and by whom")
    if "replay" not in given:
        yield Flaw("E603", here, "it is not said whether it may be run again over what it has done")
    if not flow.reconcile_after:
        yield Flaw("E604", here, "it is not said what is counted on both sides after a pause or a replay")
    if flow.stage == "stable" and not flow.criteria:
        yield Flaw("E607", (*here, "stage"), "it is called stable, and no criterion says so")


def _handed_over(here: Path, flow: Flow) -> Flaws:
    if flow.pattern in HANDS_OVER and flow.receipt is None:
        yield Flaw("E606", here, f"handed over to {flow.pattern} is not booked, and nothing is waited for")
    if flow.receipt and flow.deadline and flow.receipt.within > flow.deadline.within:
        ours, theirs = duration_text(flow.receipt.within), duration_text(flow.deadline.within)
        yield Flaw(
            "E608", (*here, "receipt", "within"), f"the receipt may come after {ours}, and the deadline is {theirs}"
        )


def _rehearsed(look: Look) -> Flaws:
    """In production, the way back was walked once before it is needed."""
    if look.plan.environment != "production":
        return
    walked = {rehearsal.flow for rehearsal in look.plan.launch.rehearsals if rehearsal.what == "rollback"}
    for name, flow in look.plan.flows.items():
        if flow.mode == "act" and name not in walked:
            yield Flaw("E605", ("flows", name), "it acts in production, and no rehearsal of its roll-back is on record")
