"""What the pages read. store.py answers from the database; tests answer from memory."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

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
    MessageDetail,
    PlanChangeDetail,
    PlanView,
    StatementDetail,
    StatementFilter,
    StatementPage,
    TodayView,
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
