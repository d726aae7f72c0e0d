"""How a channel judges our account: kept by measure, told when it nears the channel's limit, over when it is well again."""

from datetime import UTC, datetime

import pytest

from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.listing_content import ListingContent
from entrepot.flows.own_offers import OwnOffers
from entrepot.flows.parts import Parts
from entrepot.flows.tellers import Tellers
from entrepot.kernel.ctx import Ctx
from entrepot.proof.plans import plan_of
from entrepot.trade.listing.model import HealthSeen, Measure

ACCOUNT = "ebay-de/main"
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def content() -> ListingContent:
    channels = SalesChannels(Parts(plan_of("syndication"), {}))
    return ListingContent(channels, OwnOffers(channels, Tellers(channels.parts.owners)))


def judged(content: ListingContent, ctx: Ctx, *measures: Measure) -> tuple[Consequences, dict[str, float]]:
    then = Consequences()
    with ctx.db.transaction() as conn:
        content._health(conn, then, ACCOUNT, HealthSeen("us", AT, "STANDARD", measures))
        rows = conn.execute("SELECT measure, rate FROM account_health ORDER BY measure").fetchall()
    return then, {row["measure"]: row["rate"] for row in rows}


def test_one_measure_told_of_several_calls_is_kept_of_each(content: ListingContent, ctx: Ctx) -> None:
    used = [Measure("quota-used", rate, call, 0.9) for call, rate in (("sell.finances", 0.1), ("sell.account", 0.2))]
    _, kept = judged(content, ctx, *used)
    assert kept == {"quota-used: sell.account": 0.2, "quota-used: sell.finances": 0.1}


@pytest.mark.parametrize(("rate", "told"), [(0.01, False), (0.079, False), (0.081, True), (0.5, True)])
def test_a_rate_that_nears_its_limit_is_told_before_the_channel_acts(content: ListingContent, ctx: Ctx, rate: float, told: bool) -> None:  # fmt: skip
    then, _ = judged(content, ctx, Measure("parcels-lost", rate, "PARCELS_LOST", 0.1))
    assert [case.mode for case in then.cases] == (["account-at-risk"] if told else [])
    assert len(then.gone) == (0 if told else 1)


def test_where_too_little_is_bad_a_rate_under_its_limit_is_told(content: ListingContent, ctx: Ctx) -> None:
    good, _ = judged(content, ctx, Measure("parcels-tracked", 0.999, "PARCELS_TRACKED", 0.95, above=False))
    bad, _ = judged(content, ctx, Measure("parcels-tracked", 0.93, "PARCELS_TRACKED", 0.95, above=False))
    assert (len(good.cases), len(bad.cases)) == (0, 1)
