"""What one entry alone cannot show: names that must exist elsewhere, loops, failure modes that the code will open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from entrepot.blueprint.model import ANY_FLOW, OWNER, Capture, Flow, Plan
from entrepot.blueprint.read import Path
from entrepot.blueprint.references import is_reference
from entrepot.blueprint.units import duration_text

# Every mode that a module of the hub opens by name: without one of them, a failure would have no owner.
REQUIRED_FAILURES = (
    "ack-at-risk",
    "ack-missed",
    "leg-refused",
    "split-incomplete",
    "basket-not-placed",
    "basket-money-mismatch",
    "payment-refused",
    "payment-late",
    "authorisation-lapsing",
    "duplicate-other-content",
    "incompatible-status",
    "gap-found",
    "unknown-word",
    "malformed-message",
    "poison-message",
    "effect-refused",
    "effect-stuck",
    "unknown-outcome",
    "retry-window-over",
    "ship-late",
    "refund-above-leg",
    "refund-unconfirmed",
    "settlement-variance",
    "statement-unbalanced",
    "statement-missing",
    "payout-failed",
    "payout-unconfirmed",
    "chargeback-opened",
    "drain-failing",
    "system-down",
    "credentials-refused",
    "flow-paused-too-long",
    "alert-undelivered",
    "mapping-missing",
    "action-advised",
)


CAPTURES_RUN = frozenset({Capture.PER_LEG, Capture.WHEN_ALL_DECIDED})


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where in the blueprint, and what to do about it."""

    path: Path
    message: str


def check(plan: Plan) -> list[Flaw]:
    """Everything found, not the first."""
    return [*_systems(plan), *_accounts(plan), *_sellers(plan), *_teams(plan), *_flows(plan), *_failures(plan)]


def _unknown(known: Mapping[str, object], path: Path, name: str | None, word: str) -> Iterator[Flaw]:
    if name is not None and name not in known:
        yield Flaw(path, f"there is no {word} “{name}”; write one of {', '.join(sorted(known)) or 'none'}")


def _systems(plan: Plan) -> Iterator[Flaw]:
    environment = plan.environment
    for name, system in plan.systems.items():
        here: Path = ("systems", name)
        if system.environment != environment:
            yield Flaw(
                (*here, "environment"),
                f"{system.environment} beside {environment}: one blueprint runs in one environment",
            )
        for key, reference in system.secrets.items():
            where = (*here, "key") if key == "key" and system.key else (*here, "credentials", key)
            if not is_reference(reference):
                yield Flaw(where, "a secret in clear; write env:NAME or file:/path and keep the secret there")
        if "://" not in system.url and system.url and not is_reference(system.url):
            yield Flaw((*here, "url"), f"“{system.url}” is neither an address with http:// or https:// nor env:NAME")


def _accounts(plan: Plan) -> Iterator[Flaw]:
    for name, account in plan.accounts.items():
        here: Path = ("accounts", name)
        yield from _unknown(plan.systems, (*here, "system"), account.system, "system")
        system = plan.systems.get(account.system)
        if system is None or system.party != "marketplace":
            continue
        if account.model is None:
            yield Flaw(here, "an account at a marketplace names its model: operator or syndication")
        if "capture" not in account.model_fields_set:
            yield Flaw(here, "an account at a marketplace names its capture policy, such as when-all-decided")
        elif account.capture not in CAPTURES_RUN:
            runs = " or ".join(sorted(CAPTURES_RUN))
            yield Flaw((*here, "capture"), f"{account.capture} is not run by this version yet; write {runs}")
        if account.model == "operator" and account.commission is None:
            yield Flaw(here, "an operator's account needs its agreed commission, or no statement can be checked")


def _sellers(plan: Plan) -> Iterator[Flaw]:
    if "*" not in plan.sellers:
        yield Flaw(("sellers",), 'the default for every seller is missing; write "*": {seller_model: marketplace}')


def _teams(plan: Plan) -> Iterator[Flaw]:
    for name, team in plan.teams.items():
        here: Path = ("teams", name)
        for key, other in (("deputy", team.deputy), ("on_call", team.on_call), ("escalates_to", team.escalates_to)):
            yield from _unknown(plan.teams, (*here, key), other, "team")
        if team.deputy is None:
            yield Flaw(here, "a team needs a deputy: somebody decides when nobody of it can")
        chain = _chain(plan, name)
        if len(chain) > 1 and chain[-1] == name:
            yield Flaw((*here, "escalates_to"), f"escalation goes round in a circle: {' → '.join(chain)}")


def _chain(plan: Plan, name: str) -> list[str]:
    """The teams a case climbs through from one team on, ending where it ends or where it meets itself."""
    chain = [name]
    while (above := plan.teams[chain[-1]].escalates_to) in plan.teams and above is not None:
        chain.append(above)
        if above in chain[:-1]:
            break
    return chain


def _flows(plan: Plan) -> Iterator[Flaw]:
    for name, flow in plan.flows.items():
        here: Path = ("flows", name)
        yield from _unknown(plan.flows, (*here, "part_of"), flow.part_of, "flow")
        yield from _unknown(plan.systems, (*here, "from"), flow.source, "system")
        for i, system in enumerate(flow.to):
            yield from _unknown(plan.systems, (*here, "to", i), system, "system")
        yield from _unknown(plan.teams, (*here, "pause", "owner"), flow.pause.owner, "team")
        for i, mode in enumerate(flow.failures):
            yield from _unknown(plan.failures, (*here, "failures", i), mode, "failure mode")
        yield from _pattern(here, flow)
        yield from _acceptance(plan, flow)
        yield from _times(here, flow)


def _pattern(here: Path, flow: Flow) -> Iterator[Flaw]:
    if flow.latency == "finance-close" and flow.pattern not in ("scheduled-job", "file"):
        yield Flaw(
            (*here, "pattern"),
            f"money that closes by cycle does not move by {flow.pattern}; write scheduled-job or file",
        )
    if flow.pattern == "event" and flow.also is None:
        yield Flaw(here, "events get lost: name the safety check that heals them, also: scheduled-job")


def _acceptance(plan: Plan, flow: Flow) -> Iterator[Flaw]:
    """The operator's window is one number: on the account, where orders are decided, and in the flow, where it is promised."""
    if flow.deadline is None or flow.deadline.obligation != "acknowledge":
        return
    for name, account in plan.accounts.items():
        if account.system == flow.source and account.acceptance_window != flow.deadline.within:
            promised, ours = duration_text(flow.deadline.within), duration_text(account.acceptance_window)
            yield Flaw(
                ("accounts", name, "acceptance_window"),
                f"{ours} here, but flow {flow.name} promises {promised}; write the same in both",
            )


def _times(here: Path, flow: Flow) -> Iterator[Flaw]:
    if flow.deadline and flow.retry.window >= flow.deadline.within:
        yield Flaw(
            (*here, "retry", "window"),
            f"{duration_text(flow.retry.window)} of retries leave a person no time before the deadline of "
            f"{duration_text(flow.deadline.within)}; write a shorter window",
        )
    if not flow.retry.first <= flow.retry.max <= flow.retry.window:
        yield Flaw((*here, "retry"), "needs first ≤ max ≤ window")


def _failures(plan: Plan) -> Iterator[Flaw]:
    for mode in REQUIRED_FAILURES:
        if mode not in plan.failures:
            yield Flaw(
                ("failures",),
                f"the hub can meet {mode}, but nobody owns it here; add it (the default blueprint has one to copy)",
            )
    for name, failure in plan.failures.items():
        here: Path = ("failures", name)
        if failure.flow != ANY_FLOW:
            yield from _unknown(plan.flows, (*here, "flow"), failure.flow, "flow")
        yield from _unknown(plan.teams, (*here, "owner"), failure.owner, "team")
        yield from _unknown(plan.failures, (*here, "when_missed"), failure.when_missed, "failure mode")
        for i, step in enumerate(failure.escalate):
            if step.to != OWNER:
                yield from _unknown(plan.teams, (*here, "escalate", i, "to"), step.to, "team")
            if i and step.at <= failure.escalate[i - 1].at:
                yield Flaw((*here, "escalate", i, "at"), "steps go upwards: each one later than the one before")
        if failure.kind == "business" and failure.may[0] == "retry":
            yield Flaw((*here, "may", 0), "sending refused data again does not mend it; put another verb first")
        if len(set(failure.may)) != len(failure.may):
            yield Flaw((*here, "may"), "names a verb twice")
