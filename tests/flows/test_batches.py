"""What a channel takes as a batch is not done by being taken: its item's answer is still to come."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.listing_content import BatchTaken, ListingContent
from entrepot.flows.own_offers import OwnOffers
from entrepot.flows.parts import Parts
from entrepot.flows.tellers import Tellers
from entrepot.inbox.model import Decided, Ignored, Message, NotYet, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent, plan_effects
from entrepot.proof.plans import plan_of
from entrepot.trade.listing import store
from entrepot.trade.listing.model import SubmissionSeen
from entrepot.trade.listing.states import SubmissionState

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


# ── batches that nobody here submitted ───────────────────────────────────────────────────────────────────────

AMAZON = "amazon-de/main"


def told(ctx: Ctx, submission: str, state: SubmissionState = SubmissionState.DONE) -> Verdict:
    """Amazon's list shows a batch; what we make of it."""
    channels = SalesChannels(Parts(plan_of("syndication"), {}))
    message = Message(
        "msg_1",
        1,
        AMAZON,
        "submission",
        submission,
        "",
        f"submission:{submission}",
        "listing-offer",
        b"{}",
        ctx.clock.now(),
        0,
    )
    with ctx.db.transaction() as conn:
        then = Consequences()
        seen = SubmissionSeen(submission, state, "theirs", ctx.clock.now(), "", 1)
        return ListingContent(channels, OwnOffers(channels, Tellers(channels.parts.owners)))._submission(
            ctx, conn, then, message, seen
        )


def promised(ctx: Ctx, operation: str, state: str, account: str = AMAZON) -> None:
    """One outgoing action that stands in a state. `tried`: planned again after an attempt."""
    intent = Intent(key=f"{operation}:{state}", account=account, operation=operation, root="basket:1", flow="listing-offer", queue="normal",
                    payload={}, window_s=60)  # fmt: skip
    with ctx.db.transaction() as conn:
        plan_effects(conn, ctx, [intent])
        conn.execute(
            "UPDATE effect SET state = %(state)s, attempts = %(attempts)s, send_until = %(at)s, incarnation = 'x', outcome = '{}' WHERE key = %(key)s",
            {
                "state": "planned" if state == "tried" else state,
                "attempts": int(state != "planned"),
                "at": ctx.clock.now(),
                "key": intent.key,
            },
        )


def test_a_batch_of_another_tool_or_environment_is_noted_and_bothers_nobody(ctx: Ctx) -> None:
    promised(ctx, "amazon.refund", "done")
    promised(ctx, "amazon.refund", "planned")
    promised(ctx, "amazon.submit-listing", "unknown")  # no batch
    promised(ctx, "mirakl-seller.set-price", "unknown", "mirakl-shop/main")
    for state in (SubmissionState.TAKEN, SubmissionState.WORKING, SubmissionState.DONE, SubmissionState.FAILED):
        verdict = told(ctx, "50001", state)
        assert isinstance(verdict, Ignored)
        assert "50001" in verdict.why


@pytest.mark.parametrize("state", ["sending", "unknown", "parked", "tried"])
def test_a_batch_that_may_be_the_one_whose_receipt_we_wait_for_comes_again(ctx: Ctx, state: str) -> None:
    promised(ctx, "amazon.refund", state)
    assert isinstance(told(ctx, "50001"), NotYet)


def test_a_batch_of_ours_is_decided(ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        store.take_submission(conn, ctx, AMAZON, "50001", "amazon.refund", "refund:1")
    assert isinstance(told(ctx, "50001"), Decided)
