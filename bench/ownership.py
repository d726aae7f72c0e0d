"""Who may write what: decided record by record, and as a frame; and what a look at offers costs when nothing has changed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

from bench.ground import Ground, Stopwatch, hub_on
from bench.table import Result, at_least
from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.blueprint.owning import ObjectRule
from entrepot.ownership import plane, service
from entrepot.ownership.compile import RuleSet, compile_rules
from entrepot.ownership.model import Act, Observed, Value, Write
from entrepot.ownership.rules import decide, scope_of

RECORDS, FRAME = 50_000, 1_000_000
OFFERS, BATCH = 5_000, 500
FRAME_MIN = 10.0  # × record by record
ACTORS = ("seller@mirakl-fr", "operator@mirakl-fr", "erp@sap", "pim@akeneo")
FIELDS = ("price", "quantity", "title", "category", "description")
OFFER = {
    "create": ["seller"],
    "fields": {
        "price": [
            {"where": {"seller_model": "dropship"}, "update": ["erp"], "hold": ["operator"], "correct": ["erp"]},
            {"update": ["seller"], "hold": ["operator"], "correct": ["seller"], "request": ["operator"]},
        ],
        "title": {"update": ["pim", "seller"], "precedence": ["pim", "seller"], "correct": ["seller"]},
        "category": {"update": ["seller"], "override": ["operator"], "correct": ["seller"]},
        "*": {"update": ["seller"], "correct": ["seller"], "request": ["operator"]},
    },
}


def run(ground: Ground, rounds: int) -> Sequence[Result]:
    plan = load()
    plan = plan.model_copy(update={"ownership": {"offer": ObjectRule.model_validate({"name": "offer", **OFFER})}})
    rules, account = compile_rules(plan), sorted(plan.accounts)[0]
    singly = _record_plane(rules, account, rounds)
    return [singly, _bulk_plane(rules, account, rounds, singly.per_second), *_observed(ground, plan, rules, account)]


def _writes(rules: RuleSet, account: str, count: int) -> list[Write]:
    scopes = [scope_of(rules, account, f"20{n:02}", ("TOYS", "BOOKS", "GARDEN")[n % 3]) for n in range(50)]
    return [
        Write("offer", str(n), FIELDS[n % 5], Act.UPDATE, ACTORS[n % 4], n, scopes[n % 50], ACTORS[n % 3])
        for n in range(count)
    ]


def _record_plane(rules: RuleSet, account: str, rounds: int) -> Result:
    writes, times = _writes(rules, account, RECORDS), []
    for _ in range(rounds):
        with Stopwatch() as watch:
            for write in writes:
                decide(rules, write)
        times.append(watch.seconds)
    return Result("ownership: record by record", RECORDS, round(median(times), 3))


def _bulk_plane(rules: RuleSet, account: str, rounds: int, singly_per_s: float) -> Result:
    """The frame is there already, as a file's is; making it from records is another job."""
    part = plane.frame(_writes(rules, account, RECORDS))
    whole = part.clone()
    for _ in range(FRAME // RECORDS - 1):
        whole = whole.vstack(part)
    times = []
    for _ in range(rounds):
        with Stopwatch() as watch:
            plane.verdicts(rules, whole.lazy()).collect()
        times.append(watch.seconds)
    seconds = median(times)
    bar = at_least("× record by record", FRAME / seconds / singly_per_s, FRAME_MIN)
    return Result("ownership: as a frame", FRAME, round(seconds, 3), bars=(bar,))


def _observed(ground: Ground, plan: Plan, rules: RuleSet, account: str) -> list[Result]:
    """Offers looked at in batches: all new, then all as they were."""
    with ground.fresh() as url, hub_on(url) as hub:
        seconds = []
        for look in range(2):
            at = datetime(2026, 3, 2, 8, look, tzinfo=UTC)
            seen = [_offer(rules, account, n, at) for n in range(OFFERS)]
            with Stopwatch() as watch:
                for start in range(0, OFFERS, BATCH):
                    with hub.ctx.db.transaction() as conn:
                        service.observe(conn, hub.ctx, plan, rules, seen[start : start + BATCH])
            seconds.append(watch.seconds)
    new, same = seconds
    return [
        Result("ownership: offers observed, new", OFFERS, round(new, 3)),
        Result("ownership: offers observed, unchanged", OFFERS, round(same, 3), notes={"× as fast as new": new / same}),
    ]


def _offer(rules: RuleSet, account: str, n: int, at: datetime) -> Observed:
    values: Mapping[str, Value] = {
        "price": 2500 + n,
        "quantity": n,
        "category": "TOYS",
        "description": "A lamp",
        "currency": "EUR",
    }
    return Observed("offer", str(n), ACTORS[0], scope_of(rules, account, f"20{n % 50:02}"), values, at, f"m{n}")
