"""How the days differ, so that a run of seeds meets both capture policies, other currencies, wrong commissions and bouncing payouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from entrepot.blueprint.model import Capture, Plan
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.scenario import Options

SPAN = timedelta(minutes=40)  # in which all baskets are bought
PACE_PERCENT = 6  # of the people's own pace
ACCEPTANCE_WINDOW = timedelta(hours=2)
FAULT_RATE = 0.12  # of every (operation, kind of fault)
SWEEP_S = {"orders": 600, "debits": 600, "refunds": 900, "shops": 3_600, "returns": 1_200, "shipments": 1_200,
           "cycles": 1_800, "transactions": 1_800, "offers": 900, "offer-details": 1_800, "threads": 900, "settlements": 1_800}  # fmt: skip
OTHER_CURRENCIES: Sequence[str] = ("JPY", "KWD")  # no minor units, and three digits of them
FIRST_SHOP, SHOPS = 2_001, 6


@dataclass(frozen=True, slots=True)
class Variety:
    """One seed's kind of day."""

    capture: Capture
    currencies: tuple[str, ...]
    money_faults: bool  # a wrong commission, a manual credit, a subscription
    bouncing: frozenset[int]  # shops whose bank sends the payout back

    @property
    def options(self) -> Options:
        return Options(
            span=SPAN,
            pace=Pace().scaled(PACE_PERCENT),
            acceptance_window=ACCEPTANCE_WINDOW,
            extra_currencies=self.currencies,
            planted_money_faults=self.money_faults,
            bouncing=self.bouncing,
            random_fault_rate=FAULT_RATE,
        )

    def plan(self, plan: Plan) -> Plan:
        """The blueprint with this day's policy, a shorter acceptance window and rarer safety checks: a cheaper day, the same rules."""
        changed = {
            "acceptance_window": ACCEPTANCE_WINDOW,
            "sweeps": {source: timedelta(seconds=every) for source, every in SWEEP_S.items()},
        }
        accounts = {
            name: account.model_copy(
                update=changed
                if account.capture is Capture.NONE
                else {**changed, "capture": self.capture, "also_sells_in": self.currencies}
            )
            for name, account in plan.accounts.items()
        }
        return plan.model_copy(update={"accounts": accounts})


def variety(seed: int) -> Variety:
    return Variety(
        capture=Capture.PER_LEG if seed % 2 else Capture.WHEN_ALL_DECIDED,
        currencies=tuple(OTHER_CURRENCIES) if seed % 5 == 0 else (),
        money_faults=seed % 3 == 0,
        bouncing=frozenset({FIRST_SHOP + seed % SHOPS}) if seed % 4 == 0 else frozenset(),
    )
