"""Plans come into force in the database: kept whole, each with who and why, and never without a history."""

from functools import cache
from typing import Any

import psycopg
import pytest
from plan_text import source, whole

from entrepot.change import service, store
from entrepot.change.mapping import Use
from entrepot.change.model import ChangeKind, PlanRefused, Source, UnknownPlan, Version
from entrepot.change.source import plan_of, read_source
from entrepot.engine.drain import End, run_drain
from entrepot.engine.lease import OtherPlan, seize
from entrepot.engine.port import Job
from entrepot.engine.room import Room, Work
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting
from entrepot.outbox.store import Intent, plan_effects

TEXT = whole()


@cache
def older() -> Source:
    return read_source()


@cache
def newer() -> Source:
    return source(TEXT.replace("window: 6h}", "window: 3h}", 1))


@pytest.fixture
def began(ctx: Ctx) -> Ctx:
    with ctx.db.transaction() as conn:
        assert service.first(conn, ctx, older())
    return ctx


def apply(ctx: Ctx, source: Source, reason: str = "less patience", by: str = "Mari") -> bool:
    with ctx.db.transaction() as conn:
        return service.apply(conn, ctx, source, by=by, reason=reason)


def test_the_first_file_is_the_plan_and_no_later_file_is_by_itself(began: Ctx) -> None:
    with began.db.transaction() as conn:
        assert not service.first(conn, began, newer())
        assert service.plan_in_force(conn) == older().plan


def test_a_plan_read_back_from_the_database_is_the_plan_that_was_written(began: Ctx) -> None:
    with began.db.transaction() as conn:
        version = store.version(conn, older().hash)
    assert version is not None
    assert (plan_of(version), list(version.files.items())) == (older().plan, list(older().files.items()))


def test_an_applied_plan_is_in_force_at_once_and_the_older_one_can_come_back(began: Ctx) -> None:
    assert apply(began, newer())
    with began.db.transaction() as conn:
        assert service.plan_in_force(conn) == newer().plan
        assert [change.hash for change in service.since(conn, older().hash)] == [newer().hash]
        assert service.roll_back(conn, began, service.find(conn, older().hash[:5]), by="Ann", reason="too short")
        assert service.since(conn, older().hash) == ()
        kinds = [change.kind for change in store.changes(conn)]
    assert kinds == [ChangeKind.ROLLBACK, ChangeKind.APPLY, ChangeKind.FIRST]


def test_the_same_plan_twice_is_one_line(began: Ctx) -> None:
    assert [apply(began, newer()), apply(began, newer(), "once more")] == [True, False]
    with began.db.transaction() as conn:
        assert len(store.changes(conn)) == 2


@pytest.mark.parametrize(("by", "reason"), [("Mari", " "), ("", "because")])
def test_nobody_changes_the_plan_without_a_name_and_a_reason(began: Ctx, by: str, reason: str) -> None:
    with pytest.raises(PlanRefused):
        apply(began, newer(), reason, by)


def test_a_plan_of_another_environment_is_refused(began: Ctx) -> None:
    production = source(
        TEXT.replace("environment: sandbox", "environment: production").replace("mode: act", "mode: observe")
    )
    with pytest.raises(PlanRefused, match="one of them is wrong"):
        apply(began, production)


@pytest.mark.parametrize(
    "sql", ["UPDATE plan_change SET reason = 'x'", "DELETE FROM plan_change", "UPDATE plan_version SET content = '{}'"]
)
def test_the_history_of_plans_can_only_grow(began: Ctx, sql: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), began.db.transaction() as conn:
        conn.execute(sql)


def test_a_beginning_that_names_no_plan_or_two_is_no_name(began: Ctx) -> None:
    apply(began, newer())
    with began.db.transaction() as conn:
        for beginning in ("zz", "", " "):
            with pytest.raises(UnknownPlan):
                service.find(conn, beginning)
        assert service.find(conn, newer().hash).content == newer().content


def test_content_of_another_version_says_what_it_does_not_understand(began: Ctx) -> None:
    with began.db.transaction() as conn:
        version = store.version(conn, older().hash)
    assert version is not None
    content = {**version.content, "flows": {**version.content["flows"], "capture": {"object": "leg"}}}
    with pytest.raises(WrongSetting, match=r"another version: flows\.capture"):
        plan_of(Version(version.hash, version.files, content, version.first_seen_at))


# ── the fence ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_process_of_the_older_plan_begins_nothing_more_once_another_is_in_force(began: Ctx) -> None:
    began.plan_hash = older().hash
    lease = seize(began, "gateway/main", "send-urgent", "urgent")
    apply(began, newer())
    with began.db.transaction() as conn:
        lease.hold(conn)  # the outcome of what it had sent is still written
    with pytest.raises(OtherPlan):
        lease.renew(began)


def test_a_drain_that_meets_another_plan_gives_its_lane_back(began: Ctx) -> None:
    began.plan_hash = older().hash
    done: list[str] = []

    def drain(ctx: Ctx, lease: Any) -> int:
        done.append(lease.account)
        return 1

    room = Room(began, Room.works_by_purpose(Work("decide", "urgent", "SELECT 'a' AS account", drain)))
    lease = seize(began, "a", "decide", "urgent")
    apply(began, newer())
    assert run_drain(room, Job("urgent", "a", "decide", lease.epoch)).end is End.BUSY
    with began.db.transaction() as conn:
        [lane] = conn.execute("SELECT lease_until, failures FROM lane").fetchall()
    assert (done, lane) == ([], {"lease_until": None, "failures": 0})


# ── uses ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_use_is_recorded_once_however_often_its_message_is_read(began: Ctx) -> None:
    now = began.clock.now()
    use = Use("t", "f", "x", "out", "EXP", "express", "m1", "basket", "C-1", "create:C-1")
    with began.db.transaction() as conn:
        conn.execute(
            "INSERT INTO envelope (id, account, channel, route, body, digest, received_at, machine_at, plan_hash) VALUES ('e', 'a', 'api', '/', '', 'd', %s, %s, 'p')",
            (now, now),
        )
        conn.execute(
            "INSERT INTO message (id, envelope_id, account, kind, external_id, digest, root, flow, body, due_at, received_at, plan_hash) "
            "VALUES ('m1', 'e', 'a', 'basket', 'C-1', 'd', 'r', 'f', '', %s, %s, 'p')",
            (now, now),
        )
        store.record_uses(conn, began, [use, use])
        store.record_uses(conn, began, [use])
        store.record_uses(conn, began, [])
        [row] = store.uses_under(conn, [began.plan_hash], now, 10)
    assert (row["theirs"], row["ours"], row["plan_hash"], row["effect_key"]) == ("EXP", "express", "test", "create:C-1")


def test_an_effect_carries_the_plan_of_whoever_promised_it(began: Ctx) -> None:
    began.plan_hash = newer().hash
    with began.db.transaction() as conn:
        plan_effects(conn, began, [Intent("k", "a", "o", "r", "f", {}, 60)])
        [row] = conn.execute("SELECT plan_hash FROM effect").fetchall()
    assert row == {"plan_hash": newer().hash}
