"""Feeds: batches taken at once and worked off later. The list tells how far each is, and each tells what became of its items.

[guess] the list shows the newest feeds first (it names no order), so that reading stops where all is older than the cursor.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, encoded, instant, sortable, typed
from entrepot.connectors.walmart import shapes, words
from entrepot.connectors.walmart.lists import inner, page_of, unreadable
from entrepot.connectors.walmart.records import Records
from entrepot.connectors.walmart.translate import feed_changed_at
from entrepot.connectors.walmart.units import when
from entrepot.connectors.walmart.wire import Wire
from entrepot.kernel.ctx import Ctx

PATH = "/v3/feeds"


@dataclass(frozen=True, slots=True)
class _Listed:
    raw: msgspec.Raw
    head: shapes.FeedHead
    changed_at: datetime
    sent_at: datetime

    @property
    def over(self) -> bool:
        return self.head.feedStatus in words.FEED_OVER


@dataclass(frozen=True, slots=True)
class Submissions(ByRow):
    """Every feed that moved since the cursor, with its items once it is over. The cursor waits for the oldest unfinished."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    name: str = "submissions"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        since = instant(cursor, "cursor") if cursor else ctx.clock.now() - timedelta(seconds=self.row.first_s)
        found, calls = yield from self._list(ctx, since)
        if found is None:
            return
        fresh = sorted((one for one in found if one.changed_at >= since), key=lambda one: one.changed_at)
        waiting = [one.sent_at for one in found if not one.over]
        for n, one in enumerate(fresh):
            if calls >= self.row.pages_max:
                words_ = f"{len(fresh) - n} feeds wait for the next run"
                yield Page(self.row.code, {}, b"", problem=Problem(ProblemCode.TOO_LONG, words_))
                return
            # all at one instant have been read before the cursor passes it
            shared = n + 1 < len(fresh) and fresh[n + 1].changed_at == one.changed_at
            moves = None if shared else self._after(ctx, since, one.changed_at, waiting)
            read = yield from self._one(ctx, one, moves)
            if read is None:
                return
            calls += read

    def _list(self, ctx: Ctx, since: datetime) -> Generator[Page, None, tuple[list[_Listed] | None, int]]:
        """The list as far as it holds feeds that matter; None after a problem."""
        found: dict[str, _Listed] = {}
        for number in range(self.row.pages_max):
            query = (("offset", str(number * self.row.size)), ("limit", str(self.row.size)))
            page, empty = page_of(self.wire, ctx, self.row, PATH, query)
            if page.problem or empty:
                yield page
                return (None if page.problem else list(found.values())), number + 1
            try:
                raws = elements(page.body, "results", "feed")
            except Unreadable as error:
                yield replace(page, problem=unreadable(error))
                return None, number + 1
            read = [one for raw in raws if (one := _listed(raw)) is not None]
            parked = [self.records.submission(bytes(raw), n) for n, raw in enumerate(raws) if _listed(raw) is None]
            found |= {one.head.feedId: one for one in read}
            yield replace(page, received=tuple(parked))
            if len(raws) < self.row.size or (read and all(one.changed_at < since and one.over for one in read)):
                return list(found.values()), number + 1
        return list(found.values()), self.row.pages_max

    def _after(self, ctx: Ctx, since: datetime, changed_at: datetime, waiting: list[datetime]) -> str:
        """Behind the newest read, and behind every feed that is still in work."""
        behind = min([changed_at, ctx.clock.now(), *waiting]) - timedelta(seconds=self.row.overlap_s)
        return sortable(max(since, behind))

    def _one(self, ctx: Ctx, one: _Listed, cursor: str | None) -> Generator[Page, None, int | None]:
        """One feed: as listed while in work; with all its items when it is over. Says how many calls it took; None: a problem."""
        if not one.over:
            record = self.records.submission(encoded({"feed": one.raw}), 0)
            yield Page(self.row.code, {}, b"", (record,), cursor)
            return 0
        items: list[msgspec.Raw] = []
        path = f"{PATH}/{quote(one.head.feedId, safe='')}"
        for number in range(self.row.pages_max):
            offset = number * self.row.size
            query = (("includeDetails", "true"), ("offset", str(offset)), ("limit", str(self.row.size)))
            page, empty = page_of(self.wire, ctx, self.row, path, query)
            if empty:
                page = replace(page, problem=Problem(ProblemCode.REFUSED, f"feed {one.head.feedId} is not known"))
            if page.problem is None:
                try:
                    more, received = _items(page.body)
                    items += more
                except Unreadable as error:
                    page = replace(page, problem=unreadable(error))
            if page.problem:
                yield page
                return None
            if not more or len(items) >= received:
                whole = encoded({"feed": one.raw, "items": items, "ingestionErrors": _errors(page.body)})
                yield replace(page, received=(self.records.submission(whole, 0),), cursor=cursor)
                return number + 1
            yield page
        words_ = f"feed {one.head.feedId} has more than {self.row.size * self.row.pages_max} items"
        yield Page(self.row.code, {}, b"", problem=Problem(ProblemCode.TOO_LONG, words_))
        return None


def _listed(raw: msgspec.Raw) -> _Listed | None:
    """None for what does not even name itself and its time: it is kept as a record nobody could read."""
    try:
        head = typed(raw, shapes.FeedHead)
        changed_at = feed_changed_at(head)
        if changed_at is None:
            return None
        return _Listed(raw, head, changed_at, when(head.feedDate, "$.feedDate") if head.feedDate else changed_at)
    except Unreadable:
        return None


def _items(body: bytes) -> tuple[list[msgspec.Raw], int]:
    """The items of one page, unread, and how many were received in all. Errors: Unreadable."""
    head = typed(body, shapes.FeedAnswer)
    inside = inner(body, "itemDetails")
    if inside == b"null" or inner(inside, "itemIngestionStatus") == b"null":
        return [], head.itemsReceived
    return elements(inside, "itemIngestionStatus"), head.itemsReceived


def _errors(body: bytes) -> msgspec.Raw:
    try:
        return msgspec.Raw(inner(body, "ingestionErrors"))
    except (Unreadable, *NOT_JSON):
        return msgspec.Raw(b"null")
