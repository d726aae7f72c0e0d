"""All SQL of the console. Every list is a keyset page over an index; every question is one short transaction."""

from collections.abc import Callable, Iterator
from datetime import datetime

from entrepot.blueprint.draw.risks import Seen
from entrepot.blueprint.model import Plan
from entrepot.bulk.arriving import operated
from entrepot.insight import experience
from entrepot.kernel.ctx import Database
from entrepot.ownership.compile import compile_rules
from entrepot.web.store import (
    cases,
    channel_tables,
    channels,
    disputes,
    feeds,
    find,
    flows,
    joins,
    listings,
    measures,
    offers,
    orders,
    plans,
    questions,
    records,
    settlement,
    today,
)
from entrepot.web.views import (
    ActionDetail,
    BasketDetail,
    BasketFilter,
    BasketPage,
    CaseDetail,
    CaseFilter,
    CasePage,
    CaseRow,
    FindView,
    FlowsView,
    JoinsView,
    MessageDetail,
    PlanChangeDetail,
    PlanView,
    QuestionRow,
    QuestionsView,
    StatementDetail,
    StatementFilter,
    StatementPage,
    TodayView,
)
from entrepot.web.views.channels import ChannelDetail, ChannelFilter, ChannelsView, DisputeRow
from entrepot.web.views.feeds import FeedDetail, FeedFilter, FeedPage
from entrepot.web.views.listings import ListingDetail
from entrepot.web.views.measures import MeasuresView
from entrepot.web.views.offers import (
    CorrectionFilter,
    CorrectionPage,
    CorrectionRow,
    OfferDetail,
    OfferFilter,
    OfferPage,
    OfferRow,
    ReturnedFile,
)


class ConsoleStore:
    """Answers the console's questions from the hub's database and its blueprint."""

    def __init__(self, db: Database, plan: Plan) -> None:
        self._db = db
        self._plan = plan
        self._rules = compile_rules(plan)

    def open_case_count(self) -> int:
        with self._db.transaction() as conn:
            return cases.count_open(conn)

    def today(self, now: datetime) -> TodayView:
        with self._db.transaction() as conn:
            return today.view(conn, self._plan, now)

    def cases(self, wanted: CaseFilter, now: datetime) -> CasePage:
        with self._db.transaction() as conn:
            return cases.page(conn, self._plan, wanted, now)

    def every_case(self, wanted: CaseFilter, now: datetime) -> Iterator[CaseRow]:
        """Page by page, each in its own transaction, so that an export holds no snapshot open."""
        return cases.every(self._db, wanted, now)

    def case(self, case_id: str) -> CaseDetail | None:
        with self._db.transaction() as conn:
            return cases.detail(conn, self._plan, case_id)

    def case_row(self, case_id: str) -> CaseRow | None:
        with self._db.transaction() as conn:
            return cases.row(conn, case_id)

    def baskets(self, wanted: BasketFilter) -> BasketPage:
        with self._db.transaction() as conn:
            return orders.page(conn, self._plan, wanted)

    def basket(self, basket_id: str) -> BasketDetail | None:
        with self._db.transaction() as conn:
            return orders.detail(conn, self._plan, basket_id)

    def message(self, message_id: str) -> MessageDetail | None:
        with self._db.transaction() as conn:
            return records.message(conn, message_id)

    def action(self, effect_id: str) -> ActionDetail | None:
        with self._db.transaction() as conn:
            return records.action(conn, effect_id)

    def statements(self, wanted: StatementFilter) -> StatementPage:
        with self._db.transaction() as conn:
            return settlement.page(conn, self._plan, wanted)

    def statement(self, statement_id: str, line_filter: str, after: str) -> StatementDetail | None:
        with self._db.transaction() as conn:
            return settlement.detail(conn, statement_id, line_filter, after)

    def flows(self) -> FlowsView:
        with self._db.transaction() as conn:
            return FlowsView(flows.rows(conn, self._plan))

    def plan(self) -> PlanView:
        with self._db.transaction() as conn:
            return plans.view(conn)

    def plan_change(self, seq: int) -> PlanChangeDetail | None:
        with self._db.transaction() as conn:
            return plans.change(conn, seq)

    def find(self, query: str) -> FindView:
        with self._db.transaction() as conn:
            return find.view(conn, query)

    def seen(self, now: datetime) -> Seen:
        with self._db.transaction() as conn:
            return experience.seen(conn, now)

    def joins(self, query: str) -> JoinsView:
        with self._db.transaction() as conn:
            return joins.view(conn, query)

    def offers(self, wanted: OfferFilter) -> OfferPage:
        with self._db.transaction() as conn:
            return offers.page(conn, self._plan.accounts, wanted)

    def every_offer(self, wanted: OfferFilter) -> Iterator[OfferRow]:
        return offers.every(self._db, wanted)

    def offer(self, account: str, offer_id: str, places: Callable[[str], str]) -> OfferDetail | None:
        with self._db.transaction() as conn:
            return offers.detail(conn, self._rules, account, offer_id, places)

    def corrections(self, wanted: CorrectionFilter) -> CorrectionPage:
        with self._db.transaction() as conn:
            return offers.corrections(conn, wanted)

    def every_correction(self, wanted: CorrectionFilter) -> Iterator[CorrectionRow]:
        return offers.every_correction(self._db, wanted)

    def returned_file(self, digest_id: str) -> ReturnedFile | None:
        with self._db.transaction() as conn:
            return offers.returned_file(conn, digest_id)

    def questions(self, now: datetime) -> QuestionsView:
        with self._db.transaction() as conn:
            return questions.view(conn, self._plan, now)

    def question(self, number: int) -> QuestionRow | None:
        with self._db.transaction() as conn:
            return questions.one(conn, number)

    def channels(self, now: datetime) -> ChannelsView:
        with self._db.transaction() as conn:
            return channels.view(conn, self._plan, now)

    def channel(self, account: str, wanted: ChannelFilter, now: datetime) -> ChannelDetail:
        with self._db.transaction() as conn:
            return channel_tables.detail(conn, self._plan, account, wanted, now)

    def listing(self, account: str, sku: str, now: datetime) -> ListingDetail | None:
        with self._db.transaction() as conn:
            return listings.detail(conn, self._plan, account, sku, now)

    def dispute(self, dispute_id: str) -> DisputeRow | None:
        with self._db.transaction() as conn:
            return disputes.one(conn, self._plan, dispute_id)

    def feeds(self, wanted: FeedFilter) -> FeedPage:
        with self._db.transaction() as conn:
            return feeds.page(conn, tuple(operated(self._plan)), wanted)

    def feed(self, arrival_id: str, after: str) -> FeedDetail | None:
        with self._db.transaction() as conn:
            return feeds.detail(conn, arrival_id, after)

    def measures(self, period: str, now: datetime) -> MeasuresView:
        with self._db.transaction() as conn:
            return measures.view(conn, self._plan, period, now)
