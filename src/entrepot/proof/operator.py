"""`python -m entrepot.proof.operator`: a person at the operator's desk during the demo, who uses two levers and lets go of them.

In the morning she lays another category over a seller's, for a few hours; then a better description over an offer that the
seller's channel manager looks after. Besides, she takes in the offer files that sellers put into a folder. Started again, she goes
on where the database says she stopped.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from entrepot.app import Hub
from entrepot.flows.offer_shelf import OFFER
from entrepot.kernel.errors import EntrepotError, NotNow
from entrepot.ownership.service import Person
from entrepot.process import open_hub, settings
from entrepot.proof.clerk import Clerk
from entrepot.sandbox.scenario import CATEGORY_DISPUTED, CHANNEL_MANAGED

OPERATOR = Person("dana@operator.example", "supplier-operations")
PAUSE_S = 0.5  # machine
CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Lever:
    """One override: when it begins and ends, as shares of the trading day in percent."""

    offer_id: str
    field: str
    value: str
    reason: str
    from_percent: int
    to_percent: int


DAY = (
    Lever(str(CATEGORY_DISPUTED), "category", "OUTDOOR", "Sold for camping, searched for there", 10, 45),
    Lever(str(CHANNEL_MANAGED), "description", "Spice mill, beech, 21 cm, ceramic grinder", "Buyers ask for the size", 5, 280),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operator:
    """Pulls every lever once, when its time has come."""

    hub: Hub
    begins_at: datetime
    span: timedelta

    def act(self) -> int:
        """Pull what is due and was not pulled yet; returns how many levers are still to come."""
        now, left = self.hub.ctx.clock.now(), 0
        for lever in DAY:
            if now < self._at(lever.from_percent):
                left += 1
            elif now < self._at(lever.to_percent) and not self._pulled(lever):
                left += not self._pull(lever)
        return left

    def _at(self, percent: int) -> datetime:
        return self.begins_at + self.span * percent / 100

    def _pulled(self, lever: Lever) -> bool:
        with self.hub.ctx.db.transaction() as conn:
            row = conn.execute(
                "SELECT 1 FROM override_value WHERE object_id = %s AND field = %s AND author = %s",
                (lever.offer_id, lever.field, OPERATOR.name),
            ).fetchone()
        return row is not None

    def _pull(self, lever: Lever) -> bool:
        """False: not now; the offer is not known yet, or somebody else is deciding it."""
        account, until = self.hub.parts.marketplace, self._at(lever.to_percent)
        try:
            self.hub.offer_desk.override(
                self.hub.ctx, account, lever.offer_id, lever.field, lever.value, by=OPERATOR, reason=lever.reason, until=until
            )  # fmt: skip
        except EntrepotError:
            return False
        print(f"operator: {OFFER} {lever.offer_id}, {lever.field}: {lever.value} ({lever.reason})", flush=True)
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="operator", description=__doc__)
    parser.add_argument("--begins-at", type=datetime.fromisoformat, required=True)
    parser.add_argument("--span-minutes", type=int, required=True)
    parser.add_argument("--feeds", type=Path, required=True, help="where sellers put their offer files")
    given = parser.parse_args(arguments)
    running = open_hub(settings(), name="operator", connections=CONNECTIONS)
    operator = Operator(running.hub, given.begins_at, timedelta(minutes=given.span_minutes))
    clerk = Clerk(running.hub, given.feeds, given.feeds)
    while True:
        with suppress(NotNow):  # the database is away for a moment
            operator.act()
            for report in clerk.act():
                print(f"operator: {report.name}: {report.read} rows, {report.rejected} rejected", flush=True)
        running.hub.ctx.clock.sleep(PAUSE_S)


if __name__ == "__main__":
    sys.exit(main())
