"""A worker process for tests: punches tickets slowly, two at a time. argv: database URL, incarnation, lease in seconds, stuck?"""

import logging
import sys
import threading
from random import SystemRandom

from entrepot.engine.lease import Lease
from entrepot.engine.room import Room, Work
from entrepot.engine.worker import run_worker
from entrepot.kernel.clock import SystemClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.http import HttpAnswer, HttpRequest, NotReached
from entrepot.kernel.ids import Ids
from entrepot.store.db import Db

DUE = "SELECT DISTINCT account FROM ticket WHERE punched_by IS NULL"
NEXT = "SELECT id FROM ticket WHERE account = %s AND punched_by IS NULL ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED"


STUCK = threading.Event()


class NoNetwork:
    def send(self, request: HttpRequest) -> HttpAnswer:
        return NotReached(request.url)


def punch_slowly(ctx: Ctx, lease: Lease) -> int:
    handled = 0
    while lease.time_left(ctx) > 0:
        lease.renew(ctx)
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            ids = [row["id"] for row in conn.execute(NEXT, (lease.account,)).fetchall()]
            conn.execute("SELECT pg_sleep(0.02)")
            if STUCK.is_set():
                threading.Event().wait()  # one step that never ends
            conn.execute(
                "UPDATE ticket SET punched_by = %s, punches = punches + 1 WHERE id = ANY(%s)", (lease.epoch, ids)
            )
        if not ids:
            break
        handled += len(ids)
    return handled


def main() -> int:
    url, incarnation, lease_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
    if sys.argv[4:] == ["stuck"]:
        STUCK.set()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(name)s %(message)s")
    clock = SystemClock()
    db = Db(url, max_size=6, name="ticket-worker")
    ctx = Ctx(db, clock, Ids(lambda: int(clock.machine().timestamp() * 1000), SystemRandom()), NoNetwork(), incarnation)
    room = Room(
        ctx, Room.works_by_purpose(Work("punch", "normal", DUE, punch_slowly)), database_url=url, lease_s=lease_s
    )
    try:
        return run_worker(room, {"urgent": 1, "normal": 3}, stop_within_s=1.0 if STUCK.is_set() else 8.0)
    finally:
        db.close()


if __name__ == "__main__":
    sys.exit(main())
