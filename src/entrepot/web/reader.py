"""What the pages read. store.py answers from the database; tests answer from memory."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from entrepot.blueprint.draw.risks import Seen
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


class Reader(Protocol):
    """Read-only questions of the console.  Shape: `now` is business time; None means there is no such record."""

    def open_case_count(self) -> int: ...

    def today(self, now: datetime) -> TodayView: ...

    def cases(self, wanted: CaseFilter, now: datetime) -> CasePage: ...

    def every_case(self, wanted: CaseFilter, now: datetime) -> Iterator[CaseRow]:
        """All cases of a filter, page by page, for an export."""
        ...

    def case(self, case_id: str) -> CaseDetail | None: ...

    def case_row(self, case_id: str) -> CaseRow | None: ...

    def baskets(self, wanted: BasketFilter) -> BasketPage: ...

    def basket(self, basket_id: str) -> BasketDetail | None: ...

    def message(self, message_id: str) -> MessageDetail | None: ...

    def action(self, effect_id: str) -> ActionDetail | None: ...

    def statements(self, wanted: StatementFilter) -> StatementPage: ...

    def statement(self, statement_id: str, line_filter: str, after: str) -> StatementDetail | None: ...

    def flows(self) -> FlowsView: ...

    def plan(self) -> PlanView: ...

    def plan_change(self, seq: int) -> PlanChangeDetail | None: ...

    def find(self, query: str) -> FindView: ...

    def seen(self, now: datetime) -> Seen:
        """What the hub has met of each failure mode."""
        ...

    def joins(self, query: str) -> JoinsView: ...

    def offers(self, wanted: OfferFilter) -> OfferPage: ...

    def every_offer(self, wanted: OfferFilter) -> Iterator[OfferRow]:
        """All offers of a filter, page by page, for an export."""
        ...

    def offer(self, account: str, offer_id: str, places: Callable[[str], str]) -> OfferDetail | None:
        """`places`: where in its files a path of the plan stands."""
        ...

    def corrections(self, wanted: CorrectionFilter) -> CorrectionPage: ...

    def every_correction(self, wanted: CorrectionFilter) -> Iterator[CorrectionRow]: ...

    def returned_file(self, digest_id: str) -> ReturnedFile | None: ...

    def questions(self, now: datetime) -> QuestionsView: ...

    def question(self, number: int) -> QuestionRow | None: ...

    def channels(self, now: datetime) -> ChannelsView:
        """Every account on which the plan sells."""
        ...

    def channel(self, account: str, wanted: ChannelFilter, now: datetime) -> ChannelDetail: ...

    def listing(self, account: str, sku: str, now: datetime) -> ListingDetail | None: ...

    def dispute(self, dispute_id: str) -> DisputeRow | None: ...

    def feeds(self, wanted: FeedFilter) -> FeedPage:
        """Sellers' files, the newest first."""
        ...

    def feed(self, arrival_id: str, after: str) -> FeedDetail | None:
        """`after`: the last reject of the page before."""
        ...

    def measures(self, period: str, now: datetime) -> MeasuresView:
        """Of offers, over one of `PERIODS` until now."""
        ...
