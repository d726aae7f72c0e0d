"""The gateway's settlement reports: one record per closed settlement, whole with its lines; it never changes again."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import msgspec

from entrepot.connectors.bearer import Wire
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import (
    NOT_JSON,
    Unreadable,
    as_text,
    canonical,
    elements,
    encoded,
    instant,
    sortable,
    text_or_none,
    total,
    typed,
)
from entrepot.connectors.roots import statement_root
from entrepot.kernel.ctx import Ctx
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen, gateway_line_type

KIND = "gateway-settlement"
CLOSED = "closed"


class _Settlement(msgspec.Struct):
    id: str
    currency: str
    opened_at: str
    closed_at: str | None
    state: str
    line_count: int
    gross_minor: int
    fee_minor: int
    net_minor: int
    opening_balance_minor: int | None = None
    closing_balance_minor: int | None = None


class _Line(msgspec.Struct):
    line_no: int
    type: str
    operation_id: str
    reference: str | None
    amount_minor: int
    fee_minor: int
    currency: str
    created_at: str


class _Whole(msgspec.Struct):
    """The record: the settlement and its lines, as they were."""

    settlement: msgspec.Raw
    lines: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class StatementSeen:
    """A whole statement: who paid what to whom, in canonical words."""

    cycle: CycleSeen
    lines: tuple[StatementLineSeen, ...]


@total
def settlement(body: bytes) -> StatementSeen:
    """One closed settlement. A fee inside a line becomes a line of its own; missing lines make it Malformed."""
    whole = typed(body, _Whole)
    seen = typed(whole.settlement, _Settlement)
    if len(whole.lines) != seen.line_count:
        raise Unreadable(f"{seen.line_count} lines were promised, {len(whole.lines)} came", "$.lines")
    lines = tuple(part for raw in whole.lines for part in _parts(seen, raw))
    return StatementSeen(
        CycleSeen(
            author=Author.GATEWAY,
            kind=KIND,
            external_id=seen.id,
            currency=seen.currency,
            their_total_minor=seen.net_minor,
            announced_at=instant(seen.closed_at or seen.opened_at, "$.settlement.closed_at"),
            period_from=instant(seen.opened_at, "$.settlement.opened_at"),
            period_to=instant(seen.closed_at or seen.opened_at, "$.settlement.closed_at"),
            line_count=len(lines),
            summary=_summary(seen),
        ),
        lines,
    )


def _summary(seen: _Settlement) -> dict[str, int]:
    named = {
        "gross_minor": seen.gross_minor,
        "fee_minor": seen.fee_minor,
        "net_minor": seen.net_minor,
        "opening_balance_minor": seen.opening_balance_minor,
        "closing_balance_minor": seen.closing_balance_minor,
    }
    return {name: amount for name, amount in named.items() if amount is not None}


def _parts(seen: _Settlement, raw: msgspec.Raw) -> Iterator[StatementLineSeen]:
    line = typed(raw, _Line)
    if line.currency != seen.currency:
        raise Unreadable(f"line {line.line_no} is in {line.currency}, the settlement in {seen.currency}", "$.lines")
    kept: Mapping[str, Any] = as_text(bytes(raw))
    main = StatementLineSeen(
        external_id=f"{seen.id}:{line.line_no}",
        type=line.type,
        line_type=gateway_line_type(line.type),
        amount_minor=line.amount_minor,
        currency=line.currency,
        posted_at=instant(line.created_at, f"$.lines[{line.line_no}].created_at"),
        cycle_id=seen.id,
        line_no=line.line_no,
        reference=line.operation_id,
        raw=kept,
    )
    yield main
    if line.fee_minor:
        yield replace(
            main,
            external_id=f"{main.external_id}:fee",
            type="fee",
            line_type=LineType.GATEWAY_FEE,
            amount_minor=-line.fee_minor,
        )


@dataclass(frozen=True, slots=True)
class Settlements(ByRow):
    """The closed settlements since the cursor, each with all its lines; the cursor moves after each whole one."""

    row: SourceRow
    wire: Wire
    limit: Limit | None
    account: str
    name: str = "settlements"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        """The list, then pages of lines; the last page of a settlement brings its record and the cursor."""
        query = (("created_after", sortable(instant(cursor, "cursor"))),) if cursor else ()
        page = self._get(ctx, "/v1/settlements", query)
        try:
            found = [] if page.problem else self._closed(page.body)
        except Unreadable as error:
            page = replace(page, problem=Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})"))
            found = []
        yield page
        for number, (head, raw) in enumerate(found):
            shared = number + 1 < len(found) and found[number + 1][0].closed_at == head.closed_at
            ended = yield from self._lines(ctx, head, raw, moves=not shared)
            if not ended:
                return

    @staticmethod
    def _closed(body: bytes) -> list[tuple[_Settlement, msgspec.Raw]]:
        """Oldest first. Errors: Unreadable."""
        read = [(typed(raw, _Settlement), raw) for raw in elements(body, "data")]
        closed = [(head, raw) for head, raw in read if head.state == CLOSED and head.closed_at]
        return sorted(closed, key=lambda one: (instant(one[0].closed_at or "", "$.closed_at"), one[0].id))

    def _lines(self, ctx: Ctx, head: _Settlement, raw: msgspec.Raw, *, moves: bool) -> Generator[Page, None, bool]:
        """Pages of one settlement's lines; says whether the whole was read. `moves`: it is the last of its instant."""
        lines: list[msgspec.Raw] = []
        token: str | None = None
        path = f"/v1/settlements/{quote(head.id, safe='')}/lines"
        for _ in range(self.row.pages_max):
            query = [("limit", str(self.row.size)), *([("page_token", token)] if token else [])]
            page = self._get(ctx, path, query)
            before = token
            try:
                if page.problem is None:
                    lines += elements(page.body, "data")
                    token = text_or_none(page.body, "next_page_token")
            except Unreadable as error:
                page = replace(page, problem=Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})"))
            if page.problem is None and token is None:
                yield self._whole(page, head, raw, lines, moves)
                return True
            if page.problem is None and token == before:
                page = replace(page, problem=Problem(ProblemCode.UNREADABLE, "their page tokens go round in a circle"))
            yield page
            if page.problem:
                return False
        words = f"settlement {head.id} has more than {self.row.size * self.row.pages_max} lines"
        yield Page(self.row.code, {}, b"", problem=Problem(ProblemCode.TOO_LONG, words))
        return False

    def _whole(self, page: Page, head: _Settlement, raw: msgspec.Raw, lines: list[msgspec.Raw], moves: bool) -> Page:
        try:
            body = canonical(encoded({"settlement": raw, "lines": lines}))
        except NOT_JSON as error:
            return replace(page, problem=Problem(ProblemCode.UNREADABLE, f"not JSON: {error}"))
        closed_at = instant(head.closed_at or "", "$.closed_at")
        root = statement_root(self.account, head.id)
        received = (Received(KIND, head.id, sortable(closed_at), body, 0, root, self.flow),)
        return replace(page, received=received, cursor=sortable(closed_at) if moves else None)

    def _get(self, ctx: Ctx, path: str, query: Any) -> Page:
        answer, _ = self.wire.call(ctx, self.row.role, Call("GET", path, tuple(query)))
        if not isinstance(answer, Good):
            return Page(self.row.code, {}, b"", problem=problem_of(answer))
        return Page(self.row.code, answer.response.headers, answer.response.body)
