"""POST /api/v1/events/{system}: stock and prices by the thousand. Requests that come at the same time share a commit; nobody waits for others
to come, so that a lone request is answered after its own commit and a storm pays one for up to EVENTS_TOGETHER events.
"""

from collections.abc import Sequence
from functools import partial

from entrepot.flows.stock_events import Kept, keep_each
from entrepot.flows.tellers import Tellers
from entrepot.inbox.group_commit import Together
from entrepot.kernel.ctx import Ctx
from entrepot.trade.stock.events import Batch

EVENTS_TOGETHER = 10_000  # of one commit, unless a single request tells more
EVENTS_WAITING_MAX = 100_000  # told and not committed yet: about a second's worth


class EventsTogether(Together[Batch, Kept]):
    def __init__(self, ctx: Ctx, tellers: Tellers) -> None:
        super().__init__(partial(keep_each, ctx, tellers))

    def size(self, item: Batch) -> int:
        return item.events

    def room(self) -> int:
        return EVENTS_WAITING_MAX

    def first(self, items: Sequence[Batch]) -> int:
        events, count = 0, 0
        for item in items:
            events += item.events
            if count and events > EVENTS_TOGETHER:
                break
            count += 1
        return count
