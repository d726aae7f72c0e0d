"""The doctor looks at everything, changes nothing, and says what to do next."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli.said import Entrepot, Said
from conftest import START
from plan_text import whole

from entrepot.blueprint.files import document_of
from entrepot.blueprint.load import of_content
from entrepot.change import service as plans
from entrepot.change.model import Source
from entrepot.cli.health import machine
from entrepot.engine.leader import LEADER_LOCK
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.proof.world import environment
from entrepot.sandbox.http import serve
from entrepot.sandbox.scenario import stage

Owner = Callable[..., None]
ALWAYS = {
    "python", "programs", "disk", "chromium", "blueprint", "postgres", "schema", "roles", "connections", "environment",
    "clock", "leader", "queues", "work", "flows", "cases", "promises", "ledger", "account", "alerts", "console",
}  # fmt: skip


@pytest.fixture
def real_time(entrepot: Entrepot, owner: Owner) -> Entrepot:
    owner("UPDATE clock SET rate = 1")
    return entrepot


def finding(said: Said, name: str) -> dict[str, Any]:
    [found] = [one for one in said.json["findings"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


def test_everything_is_looked_at(real_time: Entrepot) -> None:
    said = real_time("doctor", "--json")
    assert {one["name"] for one in said.json["findings"]} == ALWAYS
    assert said.json["reached"] is True


def test_everything_that_is_not_well_says_what_to_do_next(real_time: Entrepot) -> None:
    findings = real_time("doctor", "--json").json["findings"]
    assert {one["verdict"] for one in findings} == {"ok", "warn", "fail"}
    assert [one for one in findings if (one["verdict"] == "ok") != (one["next"] is None)] == []


def test_the_page_has_a_line_for_each_with_the_verdict_as_a_word(real_time: Entrepot) -> None:
    said = real_time("doctor")
    lines = [line.split() for line in said.out.splitlines() if line.startswith(("ok ", "warn ", "fail "))]
    assert {name for _, name, *_ in lines} == ALWAYS
    assert said.out.count("→") == len([line for line in lines if line[0] != "ok"])
    assert "wrong, " in said.out.splitlines()[-1]


def test_the_doctor_changes_nothing(real_time: Entrepot, rows: Callable[..., list[Any]]) -> None:
    tables = [
        row["name"] for row in rows("SELECT relname AS name FROM pg_stat_user_tables WHERE schemaname = 'public'")
    ]
    counts = "SELECT " + ", ".join(
        f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {t} t) AS {t}" for t in tables
    )
    before = rows(counts)
    real_time("doctor", "--json")
    assert rows(counts) == before


def test_no_password_is_ever_shown(real_time: Entrepot, database_url: str) -> None:
    password = database_url.split(":")[2].partition("@")[0]
    said = real_time("doctor", "--json")
    assert password not in said.out + said.err


# --- reachable or not -----------------------------------------------------------------------------------------------


def test_where_nothing_runs_the_machine_is_looked_at_all_the_same(outside: Entrepot, home: Path) -> None:
    said = outside("doctor", "--json")
    assert said.code == 4
    assert said.json["reached"] is False
    assert finding(said, "python")["verdict"] == "ok"
    assert "`entrepot up`" in finding(said, "postgres")["next"]
    assert not home.exists()


def test_a_database_that_does_not_answer_is_a_finding_and_exit_4(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", "postgresql://somebody:secret-word@127.0.0.1:1/entrepot")
    said = outside("doctor", "--json")
    assert said.code == 4
    assert finding(said, "postgres")["verdict"] == "fail"
    assert finding(said, "blueprint")["verdict"] == "ok"
    assert "secret-word" not in said.out


def test_a_schema_that_is_behind_is_found_and_nothing_else_is_asked_of_it(real_time: Entrepot, owner: Owner) -> None:
    owner("UPDATE alembic_version SET version_num = '0000'")
    said = real_time("doctor", "--json")
    assert said.code == 3
    assert finding(said, "schema")["next"] == "run `entrepot db upgrade`"
    assert "ledger" not in {one["name"] for one in said.json["findings"]}


def test_a_newer_schema_asks_for_a_newer_entrepot(real_time: Entrepot, owner: Owner) -> None:
    owner("UPDATE alembic_version SET version_num = '9999'")
    assert finding(real_time("doctor", "--json"), "schema")["next"] == "upgrade Entrepot on this machine"


# --- the blueprint --------------------------------------------------------------------------------------------------


def test_every_flaw_of_a_blueprint_is_a_line_of_its_own(
    real_time: Entrepot, blueprint: Callable[[Mapping[str, str]], Path]
) -> None:
    blueprint({"owner: customer-care\n    may": "owner: nobody\n    may", "commission: #": "comission: #"})
    said = real_time("doctor", "--json")
    flaws = [one["words"] for one in said.json["findings"] if one["name"] == "blueprint"]
    assert said.code == 3
    assert len(flaws) >= 1
    assert all(".yaml:" in words for words in flaws)


def test_a_blueprint_of_another_environment_is_wrong(real_time: Entrepot, production: Callable[[], Path]) -> None:
    production()
    found = finding(real_time("doctor", "--json"), "environment")
    assert (found["verdict"], found["words"]) == ("fail", "the database is sandbox, the blueprint production")


def test_processes_under_another_blueprint_are_to_be_looked_at(real_time: Entrepot, owner: Owner) -> None:
    owner("UPDATE installation SET plan_hash = 'feedfeedfeedfeed'")
    said = real_time("doctor", "--json")
    verdicts = [one["verdict"] for one in said.json["findings"] if one["name"] == "blueprint"]
    assert verdicts == ["ok", "warn"]


def in_force(ctx: Ctx, old: str, new: str) -> None:
    """The shipped plan with other words comes into force, whatever the linter says of it."""
    text = whole()
    assert old in text
    text = text.replace(old, new, 1)
    content = document_of(text, "entrepot.yaml").data
    with ctx.db.transaction() as conn:
        plans.first(conn, ctx, Source(of_content(content), {"entrepot.yaml": text}, content))


@pytest.mark.parametrize(
    ("old", "new", "verdict", "code"),
    [
        ("alert: {measure: open-cases, above: 0, for: 4h}", "alert: {measure: open-cases, above: 0, where: full moon}", "warn", "W405"),
        (", offers: 5m,", ", offers: 30s,", "fail", "E309"),  # more calls than the marketplace publishes
        ("mode: act", "mode: act", "ok", ""),
    ],
)  # fmt: skip
def test_the_linter_is_asked_about_the_plan_in_force_and_knows_the_connectors(
    real_time: Entrepot, ctx: Ctx, old: str, new: str, verdict: str, code: str
) -> None:
    in_force(ctx, old, new)
    found = finding(real_time("doctor", "--json"), "plan")
    assert found["verdict"] == verdict
    assert "0 errors" in found["words"] or verdict == "fail"
    assert code in found["words"]


def test_what_check_calls_wrong_upgrades_no_database_and_starts_no_demo(
    entrepot: Entrepot, blueprint: Callable[[Mapping[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    blueprint({", offers: 5m,": ", offers: 30s,"})
    lines = [line for line in entrepot("check").out.splitlines() if " E" in line]
    refused = entrepot("db", "upgrade")
    assert (refused.code, bool(lines)) == (2, True)
    assert all(line in refused.err for line in lines)
    monkeypatch.delenv("ENTREPOT_DATABASE_URL")
    refused = entrepot("demo", "--once")
    assert refused.code == 2 and all(line in refused.err for line in lines)


# --- the database ---------------------------------------------------------------------------------------------------


def test_an_application_role_that_may_edit_the_books_is_wrong(real_time: Entrepot, owner: Owner) -> None:
    owner("GRANT UPDATE ON posting TO entrepot_app")
    said = real_time("doctor", "--json")
    assert finding(said, "roles")["words"] == "entrepot_app may edit the books (journal, posting)"
    assert said.code == 3


def test_more_processes_than_connections_are_wrong(real_time: Entrepot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_WORKERS", "16")
    assert finding(real_time("doctor", "--json"), "connections")["verdict"] == "fail"


def test_production_must_run_in_real_time(real_time: Entrepot, owner: Owner, production: Callable[[], Path]) -> None:
    production()
    owner("UPDATE installation SET environment = 'production'")
    found = finding(real_time("doctor", "--json"), "clock")
    assert (found["verdict"], "production must run in real time" in found["words"]) == ("fail", True)
    owner("UPDATE clock SET business_base = machine_base")
    assert finding(real_time("doctor", "--json"), "clock")["words"] == "business time is real time"


def test_a_server_that_forgets_is_wrong_in_production(
    real_time: Entrepot, owner: Owner, production: Callable[[], Path]
) -> None:
    """The tests' own server runs without fsync."""
    assert finding(real_time("doctor", "--json"), "postgres")["verdict"] == "warn"
    production()
    owner("UPDATE installation SET environment = 'production'")
    assert finding(real_time("doctor", "--json"), "postgres")["verdict"] == "fail"


def test_a_demos_pace_is_told(real_time: Entrepot, owner: Owner) -> None:
    owner("UPDATE clock SET rate = 60")
    found = finding(real_time("doctor", "--json"), "clock")
    assert (found["verdict"], found["facts"]["rate"]) == ("ok", 60)


def test_the_leader_is_the_session_that_holds_the_lock(real_time: Entrepot, database_url: str, owner: Owner) -> None:
    import psycopg

    assert finding(real_time("doctor", "--json"), "leader")["words"].startswith("none")
    with psycopg.connect(database_url) as leading:
        leading.execute("SELECT pg_advisory_lock(%s)", (LEADER_LOCK,))
        lame = finding(real_time("doctor", "--json"), "leader")
        owner("INSERT INTO procrastinate.procrastinate_workers DEFAULT VALUES")
        led = finding(real_time("doctor", "--json"), "leader")
    assert (lame["verdict"], lame["facts"]["worker_loops"]) == ("fail", 0)
    assert (led["verdict"], led["facts"]["worker_loops"]) == ("ok", 1)


# --- the work -------------------------------------------------------------------------------------------------------


def waiting(owner: Owner, age: str) -> None:
    """An outgoing action that has been due and free to be done for so long."""
    owner(
        "UPDATE effect SET state = 'planned', due_at = (SELECT business_base FROM clock) - %s::interval WHERE id = 'eff_1'",
        age,
    )


@pytest.mark.parametrize(
    ("age", "rate", "verdict"), [("10 min", 1, "fail"), ("2 min", 1, "warn"), ("10 min", 60, "ok")]
)
def test_work_that_waits_is_judged_by_how_long_people_wait(
    real_time: Entrepot, owner: Owner, age: str, rate: float, verdict: str
) -> None:
    waiting(owner, age)
    owner("UPDATE clock SET rate = %s, machine_base = clock_timestamp()", rate)
    found = finding(real_time("doctor", "--json"), "queues")
    assert found["verdict"] == verdict
    assert found["facts"]["normal"]["waiting"] == 1


def test_work_of_a_paused_flow_is_not_late(real_time: Entrepot, owner: Owner) -> None:
    waiting(owner, "10 min")
    owner(
        "UPDATE flow SET state = 'paused', reason = 'x', until_at = changed_at + interval '3 days' WHERE name = 'order-acceptance'"
    )
    said = real_time("doctor", "--json")
    assert finding(said, "queues")["words"] == "nothing waits"
    assert "order-acceptance paused" in finding(said, "flows")["words"]


def test_a_flow_paused_past_its_end_is_wrong(real_time: Entrepot, owner: Owner) -> None:
    assert finding(real_time("doctor", "--json"), "flows")["verdict"] == "warn"
    owner("UPDATE flow SET until_at = changed_at + interval '1 second' WHERE name = 'settlement'")
    found = finding(real_time("doctor", "--json"), "flows")
    assert (found["verdict"], "past the agreed end: settlement" in found["words"]) == ("fail", True)


def test_a_queue_that_fails_again_and_again_is_wrong(real_time: Entrepot, owner: Owner) -> None:
    assert finding(real_time("doctor", "--json"), "work")["verdict"] == "warn"
    owner(
        "INSERT INTO lane (account, purpose, queue, failures, last_error) VALUES ('hub', 'watch', 'urgent', 7, 'boom')"
    )
    found = finding(real_time("doctor", "--json"), "work")
    assert found["verdict"] == "fail"
    assert "hub/watch (7 times: boom)" in found["words"]


def test_a_failure_that_nobody_owns_is_wrong(real_time: Entrepot, owner: Owner) -> None:
    assert finding(real_time("doctor", "--json"), "cases")["verdict"] == "ok"
    owner("UPDATE message SET state = 'parked' WHERE id = 'msg_0'")
    found = finding(real_time("doctor", "--json"), "cases")
    assert (found["verdict"], found["facts"]["without_owner"]) == ("fail", 1)


def test_a_promise_broken_in_silence_is_to_be_looked_at(real_time: Entrepot, owner: Owner) -> None:
    owner("UPDATE obligation SET warned_at = NULL WHERE id = 'obl_2'")
    found = finding(real_time("doctor", "--json"), "promises")
    assert (found["verdict"], found["facts"]["missed_without_alert"]) == ("warn", 1)


def test_a_journal_that_does_not_balance_is_wrong(real_time: Entrepot, owner: Owner) -> None:
    """The database refuses such postings; a journal without any is what can still be there."""
    owner(
        "INSERT INTO journal (id, fact, key, account, root, effective_at, posted_at, plan_hash)"
        " VALUES ('jnl_1', 'capture', 'k', 'a', 'basket:C-1', now(), now(), 'p')"
    )
    found = finding(real_time("doctor", "--json"), "ledger")
    assert (found["verdict"], found["facts"]) == ("fail", {"journals": 1, "unbalanced": 1})


# --- the machine and the outside ------------------------------------------------------------------------------------


def test_a_full_disk_is_told_before_the_database_stops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage:
        total, free = 100 * 1024**3, 100 * 1024**2

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    assert machine.disk(tmp_path / "not" / "made" / "yet").verdict == "fail"
    Usage.free = 3 * 1024**3
    assert machine.disk(tmp_path).verdict == "warn"
    Usage.free = 50 * 1024**3
    assert machine.disk(tmp_path).verdict == "ok"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """The sandbox over HTTP, and the references of the default blueprint pointing at it."""
    clock = ManualClock(START)
    world = stage(clock.now, clock.machine, 1, "http://hub.sandbox", orders=1, faults="none", outbound=None).world
    with serve(world, {"mirakl": 0, "gateway": 0, "storefront": 0}, ticking=False) as servers:
        urls = {name: servers.url(name) for name in ("mirakl", "gateway", "storefront")}
        for name, value in environment(urls, "/nowhere", "json://localhost").items():
            monkeypatch.setenv(name, value)
        yield urls


def accounts(said: Said) -> dict[str, str]:
    return {one["facts"]["account"]: one["verdict"] for one in said.json["findings"] if one["name"] == "account"}


def test_accounts_that_let_us_in_are_well(real_time: Entrepot, served: Mapping[str, str]) -> None:
    said = real_time("doctor", "--json")
    assert accounts(said) == {"gateway/main": "ok", "mirakl-fr/operator": "ok", "storefront/main": "ok"}
    assert finding(said, "alerts")["verdict"] == "ok"


def test_a_key_they_refuse_is_wrong_and_a_system_that_is_away_too(
    real_time: Entrepot, served: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_MIRAKL_OPERATOR_KEY", "stolen-key")
    monkeypatch.setenv("ENTREPOT_GATEWAY_URL", "http://127.0.0.1:1")
    said = real_time("doctor", "--json")
    assert accounts(said) == {"gateway/main": "fail", "mirakl-fr/operator": "fail", "storefront/main": "ok"}
    steps = {one["facts"]["account"]: one["next"] for one in said.json["findings"] if one["name"] == "account"}
    assert "make a new key" in steps["mirakl-fr/operator"]
    assert "whether it runs" in steps["gateway/main"]
    assert "stolen-key" not in said.out


def test_a_reference_that_points_nowhere_is_named(real_time: Entrepot, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment({"mirakl": "x", "gateway": "x"}, "x", "x"):
        monkeypatch.delenv(name, raising=False)
    said = real_time("doctor", "--json")
    assert set(accounts(said).values()) == {"fail"}
    words = " ".join(one["words"] for one in said.json["findings"])
    for name in ("ENTREPOT_MIRAKL_FRONT_KEY", "ENTREPOT_GATEWAY_KEY", "ENTREPOT_STOREFRONT_KEY", "ENTREPOT_ALERT_MAIL"):
        assert name in words


def test_a_team_that_hears_through_one_channel_is_no_failure(
    real_time: Entrepot, served: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENTREPOT_ALERT_MAIL")
    assert finding(real_time("doctor", "--json"), "alerts")["verdict"] == "warn"
    monkeypatch.delenv("ENTREPOT_ALERT_WEBHOOK")
    assert finding(real_time("doctor", "--json"), "alerts")["verdict"] == "fail"
