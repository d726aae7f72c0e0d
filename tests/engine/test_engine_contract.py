"""What every carrier of drains must keep, said once and run on both adapters."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from engine.hall import Hall

from entrepot.engine import flows
from entrepot.engine.drain import End, back_off_s
from entrepot.engine.leader import Leader, Restored
from entrepot.engine.lease import Lease, seize
from entrepot.engine.port import JobState
from entrepot.engine.room import FAILING_AFTER, LEASE_S, Room, Work
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import Busy, Overtaken


def test_due_work_is_drained_once_and_the_lane_given_back(hall: Hall) -> None:
    hall.sell(1, 2, 3)
    hall.sell(4, account="acc-2")
    assert [end.handled for end in hall.run_all()] == [3, 1]
    assert hall.tickets() == {1: (1, 1), 2: (1, 1), 3: (1, 1), 4: (1, 1)}
    assert hall.lane()["lease_until"] is None and hall.lane()["drained_at"] == hall.clock.machine()
    assert hall.look() == 0


def test_nothing_due_starts_nothing(hall: Hall) -> None:
    assert hall.look() == 0
    assert hall.fetch_if_any() is None


def test_a_lane_under_a_live_lease_is_left_alone(hall: Hall) -> None:
    hall.sell(1)
    assert hall.look() == 1
    hall.clock.advance(LEASE_S - 0.1)
    assert hall.look() == 0


def test_a_look_that_rolled_back_deferred_nothing(hall: Hall) -> None:
    hall.sell(1)
    with pytest.raises(ZeroDivisionError), hall.db.transaction() as conn:
        assert hall.leader.look(conn) == 1
        raise ZeroDivisionError
    assert hall.fetch_if_any() is None
    assert [end.handled for end in hall.run_all()] == [1]
    assert hall.tickets() == {1: (1, 1)}


def test_a_killed_drain_is_done_by_the_next_one_after_its_lease(hall: Hall) -> None:
    hall.sell(1, 2, 3)
    hall.look()
    job = hall.fetch()
    lease = Lease(job.account, job.purpose, job.epoch, hall.ctx.incarnation, hall.clock.machine(), LEASE_S)
    punch_two(hall, lease)  # a batch is committed, then the worker is killed: nobody says that the job ended
    assert hall.look() == 0
    hall.clock.advance(LEASE_S)
    assert hall.look() == 1
    assert hall.run(hall.fetch()).end is End.EMPTIED
    assert hall.tickets() == {1: (1, 1), 2: (1, 1), 3: (2, 1)}


def punch_two(hall: Hall, lease: Lease) -> None:
    with hall.db.transaction() as conn:
        lease.hold(conn)
        conn.execute("UPDATE ticket SET punched_by = %s, punches = punches + 1 WHERE id IN (1, 2)", (lease.epoch,))


def test_a_frozen_drain_that_wakes_late_changes_nothing(hall: Hall) -> None:
    hall.sell(1, 2)
    hall.look()
    asleep = hall.fetch()

    def freeze_then_punch(ctx: Ctx, lease: Lease) -> int:
        hall.clock.advance(LEASE_S + 1)
        assert hall.look() == 1
        assert hall.run(hall.fetch()).handled == 2  # somebody else did it meanwhile
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            conn.execute("UPDATE ticket SET punches = punches + 100")
        return 2

    assert hall.run(asleep, hall.with_drain(freeze_then_punch)).end is End.OVERTAKEN
    assert hall.tickets() == {1: (2, 1), 2: (2, 1)}
    assert hall.lane()["failures"] == 0


def test_a_lane_is_not_taken_over_under_an_open_transaction(hall: Hall) -> None:
    hall.sell(1)
    hall.look()
    job = hall.fetch()
    lease = Lease(job.account, job.purpose, job.epoch, hall.ctx.incarnation, hall.clock.machine(), LEASE_S)
    with hall.db.transaction() as conn:
        lease.hold(conn)
        hall.clock.advance(LEASE_S + 1)
        assert hall.look() == 0  # its commit may still come: the epoch cannot move before that
        conn.execute("UPDATE ticket SET punched_by = 1, punches = 1")
    assert hall.tickets() == {1: (1, 1)}


def test_a_transaction_frozen_longer_than_allowed_is_ended_by_the_database(hall: Hall) -> None:
    lease = replace(seize(hall.ctx, "acc-1", "punch"), idle_max_s=0.2)
    with pytest.raises(Exception, match="idle-in-transaction timeout"), hall.db.transaction() as conn:
        lease.hold(conn)
        threading.Event().wait(0.6)
        conn.execute("SELECT 1")
    hall.clock.advance(LEASE_S)
    hall.sell(1)
    assert hall.look() == 1


def test_renewing_goes_past_the_transactions_of_its_own_senders(hall: Hall) -> None:
    lease = seize(hall.ctx, "acc-1", "punch")
    with hall.db.transaction() as first, hall.db.transaction() as second:
        lease.hold(first)
        lease.hold(second)
        hall.clock.advance(5)
        lease.renew(hall.ctx)
    hall.sell(1)
    hall.clock.advance(LEASE_S - 1)
    assert hall.look() == 0


def test_a_long_step_keeps_the_lane_for_as_long_as_it_said(hall: Hall) -> None:
    hall.sell(1)
    lease = seize(hall.ctx, "acc-1", "punch")
    lease.renew(hall.ctx, for_s=60)
    lease.renew(hall.ctx)  # never shortens
    hall.clock.advance(59)
    assert hall.look() == 0
    hall.clock.advance(1)
    assert hall.look() == 1


def test_a_finished_drain_cannot_commit_any_more(hall: Hall) -> None:
    kept: list[Lease] = []

    def keep(ctx: Ctx, lease: Lease) -> int:
        kept.append(lease)
        return 1

    hall.sell(1)
    hall.look()
    assert hall.run(hall.fetch(), hall.with_drain(keep)).end is End.EMPTIED
    with pytest.raises(Overtaken), hall.db.transaction() as conn:
        kept[0].hold(conn)
    with pytest.raises(Overtaken):
        kept[0].renew(hall.ctx)


def test_a_drain_that_always_fails_backs_off_and_is_told_to_a_person(hall: Hall) -> None:
    def broken(_ctx: Ctx, _lease: Lease) -> int:
        raise KeyError("colour")

    hall.sell(1)
    hall.use(hall.with_drain(broken))
    waits = []
    for _ in range(FAILING_AFTER):
        began = hall.clock.machine()
        while not hall.look():
            hall.clock.advance(0.5)
        waits.append((hall.clock.machine() - began).total_seconds())
        assert hall.run(hall.fetch()).end is End.FAILED
    assert waits == [0, 1, 2, 4, 8]
    assert hall.lane()["failures"] == FAILING_AFTER and hall.lane()["last_error"] == "KeyError: 'colour'"
    told = hall.desk.heard_of("failing")
    assert [(row["account"], row["purpose"], row["failures"]) for row in told] == [("acc-1", "punch", FAILING_AFTER)]


def test_a_drain_that_works_again_is_said_to_have_recovered(hall: Hall) -> None:
    hall.sell(1)
    hall.look()
    with hall.db.transaction() as conn:
        conn.execute("UPDATE lane SET failures = %s, last_error = 'x'", (FAILING_AFTER,))
    hall.run(hall.fetch())
    assert len(hall.desk.heard_of("recovered")) == 1
    assert hall.lane()["failures"] == 0 and hall.lane()["last_error"] is None


def test_back_off_grows_to_a_minute_and_no_further() -> None:
    assert [back_off_s(n) for n in (1, 2, 3, 6, 7, 8, 10_000)] == [1, 2, 4, 32, 60, 60, 60]


def test_a_busy_drain_comes_again_soon_and_counts_no_failure(hall: Hall) -> None:
    def busy(_ctx: Ctx, _lease: Lease) -> int:
        raise Busy("basket:1 is being decided by another transaction")

    hall.sell(1)
    hall.look()
    assert hall.run(hall.fetch(), hall.with_drain(busy)).end is End.BUSY
    assert hall.lane()["failures"] == 0
    hall.clock.advance(0.5)
    assert hall.look() == 1


def test_due_rows_that_nobody_can_handle_do_not_spin(hall: Hall) -> None:
    hall.sell(1)
    hall.look()
    assert hall.run(hall.fetch(), hall.with_drain(lambda _ctx, _lease: 0)).end is End.IDLE
    hall.clock.advance(0.1)
    assert hall.look() == 0
    hall.clock.advance(0.5)
    assert hall.look() == 1


def test_a_purpose_this_process_does_not_know_is_a_failure_of_its_lane(hall: Hall) -> None:
    hall.sell(1)
    hall.look()
    assert hall.run(hall.fetch(), hall.with_drain(lambda _ctx, _lease: 0, purpose="else")).end is End.FAILED
    assert "knows no work “punch”" in hall.lane()["last_error"]


def test_rows_of_a_paused_flow_start_no_drain_until_it_is_resumed(hall: Hall) -> None:
    hall.sell(1)
    until = hall.clock.now().replace(hour=12)
    with hall.db.transaction() as conn:
        flows.pause(conn, hall.ctx, "tickets", "ada", "the printer is on fire", until)
    assert hall.look() == 0
    with hall.db.transaction() as conn:
        flows.resume(conn, hall.ctx, "tickets", "ada", "it is out")
    assert [end.handled for end in hall.run_all()] == [1]


def test_a_drain_stops_between_batches_when_its_flow_is_paused(hall: Hall) -> None:
    hall.sell(1, 2, 3, 4)
    until = hall.clock.now().replace(hour=12)

    def punch_then_pause(ctx: Ctx, lease: Lease) -> int:
        punch_two(hall, lease)
        with ctx.db.transaction() as conn:
            flows.pause(conn, ctx, "tickets", "ada", "stop now", until)
        return 2 + hall.room.works["punch"].drain(ctx, lease)

    hall.look()
    assert hall.run(hall.fetch(), hall.with_drain(punch_then_pause)).handled == 2
    assert {number for number, (epoch, _) in hall.tickets().items() if epoch} == {1, 2}


def test_two_leaders_at_once_start_one_drain_per_lane(hall: Hall) -> None:
    for number in range(12):
        hall.sell(number, account=f"acc-{number}")
    other = Leader(hall.room, hall.carrier.engine)
    gate = threading.Barrier(2)

    def look(leader: Leader) -> int:
        gate.wait()
        with hall.db.transaction() as conn:
            return leader.look(conn)

    with ThreadPoolExecutor(2) as pool:
        started = sum(pool.map(look, [hall.leader, other]))
    assert started == 12
    with hall.db.transaction() as conn:
        jobs = hall.carrier.engine.list(conn)
    assert sorted(job.account for job in jobs) == sorted(f"acc-{n}" for n in range(12))
    assert {job.epoch for job in jobs} == {1}


def test_a_restored_database_refuses_every_commit_of_the_time_before(hall: Hall) -> None:
    hall.sell(1)
    hall.look()
    job = hall.fetch()
    lease = seize(hall.ctx, "acc-1", "other")
    with hall.db.transaction() as conn:
        conn.execute("RESET ROLE")
        conn.execute("UPDATE installation SET incarnation = 'after-the-restore'")
        conn.execute("SET LOCAL ROLE entrepot_app")
    assert hall.run(job).end is End.OVERTAKEN
    with pytest.raises(Overtaken), hall.db.transaction() as conn:
        lease.hold(conn)
    with pytest.raises(Restored):
        hall.look()
    assert hall.tickets() == {1: (None, 0)}


def test_a_job_that_waits_longer_than_its_lease_is_not_overtaken_by_another(hall: Hall) -> None:
    hall.sell(1)
    hall.look()
    for _ in range(5):  # every thread is busy
        hall.clock.advance(LEASE_S + 1)
        assert hall.look() == 0
    job = hall.fetch()
    assert job.epoch == 1
    assert hall.run(job).handled == 1


def test_senders_of_one_drain_hold_the_lane_together(hall: Hall) -> None:
    lease = seize(hall.ctx, "acc-1", "punch")
    gate = threading.Barrier(4)

    def send(_: int) -> bool:
        with hall.db.transaction() as conn:
            lease.hold(conn)
            gate.wait()  # all four are in their transactions at the same time
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(send, range(4)))


def test_ended_and_abandoned_jobs_are_pruned_and_waiting_ones_kept(hall: Hall) -> None:
    hall.sell(1)
    hall.sell(2, account="acc-2")
    hall.look()
    hall.fetch()  # its worker dies
    with hall.db.transaction() as conn:
        if conn.execute("SELECT count(*) AS n FROM procrastinate.procrastinate_workers").fetchone() != {"n": 0}:
            conn.execute(
                "UPDATE procrastinate.procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour'"
            )
        assert hall.carrier.engine.prune(conn) == 1
        assert [(job.account, job.state) for job in hall.carrier.engine.list(conn)] == [("acc-2", JobState.WAITING)]


def test_lanes_are_started_in_the_order_of_the_works(hall: Hall) -> None:
    due = hall.room.works["punch"].due_sql
    works = Room.works_by_purpose(*[Work(purpose, "normal", due, lambda _c, _l: 1) for purpose in ("zeta", "alpha")])
    hall.use(Room(hall.ctx, works))
    hall.sell(1)
    assert hall.look() == 2
    assert [hall.fetch().purpose, hall.fetch().purpose] == ["zeta", "alpha"]


def test_kill_points_of_a_drain_register_themselves(hall: Hall) -> None:
    hall.sell(1)
    hall.run_all()
    assert {"leader.lanes-taken", "drain.started", "drain.worked", "drain.ended"} <= set(hall.ctx.points.hits)


def test_the_lane_table_can_be_read_by_the_application_role_alone(tickets_url: str) -> None:
    with psycopg.connect(tickets_url) as conn:
        conn.execute("SET ROLE entrepot_app")
        conn.execute("SELECT FROM lane")
        conn.execute("SELECT FROM procrastinate.procrastinate_jobs")
