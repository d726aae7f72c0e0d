"""What a channel takes as a batch is not done by being taken: its item's answer is still to come."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.flows.channels import SalesChannels
from entrepot.flows.listing_content import BatchTaken
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.outbox.port import Effect, Reaction
from entrepot.proof.plans import plan_of

SHIPMENT = Effect("eff_1", "ship:a:1", "amazon-de/main", "amazon.ship", "basket:1", "fulfilment-confirm", "urgent", {}, "sending", 1, 0,
                  datetime(2026, 3, 2, tzinfo=UTC), None)  # fmt: skip


class Confirms(Reaction):
    def __init__(self) -> None:
        self.heard: list[Mapping[str, Any]] = []

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        self.heard.append(receipt)


@pytest.mark.parametrize(("receipt", "confirmed", "batches"), [({"submission_id": "50001"}, 0, 1), ({}, 1, 0)])
def test_a_confirmation_taken_as_a_batch_is_not_confirmed_yet(ctx: Ctx, receipt: dict[str, str], confirmed: int, batches: int) -> None:  # fmt: skip
    then = Confirms()
    with ctx.db.transaction() as conn:
        BatchTaken(SalesChannels(Parts(plan_of("syndication"), {})), then).done(ctx, conn, SHIPMENT, receipt)
        row = conn.execute("SELECT count(*) AS n FROM submission WHERE state = 'taken'").fetchone()
    assert row is not None
    assert (len(then.heard), row["n"]) == (confirmed, batches)
