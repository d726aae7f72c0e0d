"""Sellers' files on their way in: what is still growing waits, what is whole is kept and read once, what can never be read says why."""

import gzip
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from entrepot.blueprint.load import load
from entrepot.blueprint.model import FeedRule, Plan
from entrepot.bulk.arrival import keeping, service
from entrepot.bulk.arrival.lane import LOOK, TRIES_MAX, Arrivals
from entrepot.bulk.arrival.model import MOVES, Arrival, Refusal, Sent, State
from entrepot.engine.lease import seize
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.store.locks import lock_root

ACCOUNT, SELLER = "mirakl-fr/operator", "2001"
TEXT = "sku;ean;title;category;price;quantity\n"
GOOD = TEXT + "A1;;Lamp;OUTDOOR;12.50;3\nA2;;Lamp;OUTDOOR;13.00;4\n"


@cache
def plan() -> Plan:
    return load()


class Dock:
    """A folder that is looked at, and what the hub makes of it."""

    def __init__(self, ctx: Ctx, clock: ManualClock, folder: Path, **feed: Any) -> None:
        self.ctx, self.clock = ctx, clock
        self.drop, self.home = folder / "drop", folder / "state"
        self.drop.mkdir(exist_ok=True)
        rule = {"name": "lamps", "account": ACCOUNT, "seller": SELLER, "source": str(self.drop)} | feed
        self.plan = plan().model_copy(update={"feeds": {"lamps": FeedRule.model_validate(rule)}})
        self.refusals: list[Refusal] = []
        self.arrivals = Arrivals(self.plan, lambda: self.home, self._refused)

    def _refused(self, ctx: Ctx, conn: Conn, arrival: Arrival, why: Refusal) -> None:
        self.refusals.append(why)

    def lies(self, name: str, content: str | bytes) -> Path:
        path = self.drop / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def looks(self, times: int = 1) -> None:
        for _ in range(times):
            lease = seize(self.ctx, ACCOUNT, "sweep")
            self.arrivals.runs()[f"{LOOK}lamps"](self.ctx, lease, ACCOUNT)
            self.clock.advance(300)

    def works(self) -> int:
        return self.arrivals.drain(self.ctx, seize(self.ctx, ACCOUNT, "feeds"))

    def sends(self, name: str, content: bytes | str, *, seller: str = SELLER, complete: bool = False) -> str:
        sent = Sent(ACCOUNT, seller, "api", name, complete, "the seller")
        receiving = service.receive(self.ctx, self.home, sent, keeping.FILE_MAX)
        receiving.incoming.write(content.encode() if isinstance(content, str) else content)
        self.clock.advance(1)
        return service.keep(self.ctx, receiving)

    def rows(self, query: str = "SELECT * FROM feed_arrival ORDER BY seen_at, id") -> list[Row]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(query).fetchall()

    def states(self) -> list[tuple[str, str]]:
        return [(row["name"], row["state"]) for row in self.rows()]

    def live(self) -> dict[str, int]:
        return {
            row["sku"]: row["price_minor"]
            for row in self.rows("SELECT * FROM feed_offer WHERE state = 'live' ORDER BY sku")
        }

    def kept(self) -> list[str]:
        place = keeping.folder(self.home)
        return sorted(path.name for path in place.rglob("*") if path.is_file()) if place.is_dir() else []


@pytest.fixture
def dock(ctx: Ctx, clock: ManualClock, tmp_path: Path) -> Dock:
    return Dock(ctx, clock, tmp_path)


def test_every_state_of_an_arrival_has_its_moves() -> None:
    assert set(MOVES) == set(State)
    assert {to for moves in MOVES.values() for to in moves} <= set(State)


def test_a_file_is_read_when_two_looks_find_it_the_same_and_once_only(dock: Dock) -> None:
    dock.lies("offers.csv", GOOD)
    dock.looks()
    assert (dock.states(), dock.works()) == ([("offers.csv", "arriving")], 0)
    dock.looks()
    assert dock.states() == [("offers.csv", "found")]
    assert dock.works() == 2  # fetched, then read
    assert dock.states() == [("offers.csv", "applied")]
    dock.looks(3)
    assert (dock.works(), len(dock.rows())) == (0, 1)
    assert dock.live() == {"A1": 1250, "A2": 1300}
    assert (dock.kept(), (dock.drop / "offers.csv").is_file()) == (["offers.csv"], True)


def test_a_file_that_grows_between_looks_waits_and_names_of_unfinished_files_are_not_seen(dock: Dock) -> None:
    for name in ("offers.csv.part", "offers.csv.tmp", ".offers.csv", "offers.csv.filepart"):
        dock.lies(name, GOOD)
    for lines in range(1, 4):
        dock.lies("offers.csv", TEXT + "A1;;Lamp;OUTDOOR;12.50;3\n" * lines)
        dock.looks()
        assert (dock.states(), dock.works()) == ([("offers.csv", "arriving")], 0)
    dock.lies("offers.csv", GOOD)
    dock.looks(2)
    dock.works()
    assert dock.live() == {"A1": 1250, "A2": 1300}


def test_an_archive_without_its_end_waits_for_it_and_is_refused_after_an_hour(dock: Dock) -> None:
    whole = gzip.compress(GOOD.encode(), mtime=0)
    dock.lies("offers.csv.gz", whole[:-6])
    dock.looks(2)
    dock.works()
    assert dock.states() == [("offers.csv.gz", "arriving")]
    dock.looks(3)
    assert dock.works() == 0  # looked at, and not fetched again and again
    dock.lies("offers.csv.gz", whole)
    dock.looks(2)
    dock.works()
    assert (dock.states(), dock.live()) == ([("offers.csv.gz", "applied")], {"A1": 1250, "A2": 1300})
    dock.lies("late.zip", b"PK\x03\x04 and no list of contents")
    dock.looks(2)
    dock.works()
    dock.looks(13)
    dock.works()
    assert dock.states()[1] == ("late.zip", "refused")
    assert [(one.code, one.whose) for one in dock.refusals] == [("cut-short", "seller")]


def test_a_file_taken_away_before_it_was_fetched_is_forgotten(dock: Dock) -> None:
    path = dock.lies("offers.csv", GOOD)
    dock.looks(2)
    path.unlink()
    dock.looks()
    assert (dock.states(), dock.works()) == ([("offers.csv", "replaced")], 0)


def test_a_folder_that_is_away_holds_up_no_file_that_came_by_another_door(dock: Dock) -> None:
    dock.lies("offers.csv", GOOD)
    dock.looks(2)
    dock.sends("sent.csv", GOOD.replace("A1", "C1"))
    away = dock.drop.rename(dock.drop.with_name("away"))
    dock.works()
    assert dock.states() == [("offers.csv", "arriving"), ("sent.csv", "applied")]
    away.rename(dock.drop)
    dock.looks()
    dock.works()
    assert dock.states() == [("offers.csv", "applied"), ("sent.csv", "applied")]
    assert set(dock.live()) == {"A1", "A2", "C1"}


def test_a_name_issued_again_is_a_new_version_and_the_same_content_is_recognised(dock: Dock) -> None:
    dock.lies("offers.csv", GOOD)
    dock.looks(2)
    dock.works()
    dock.lies("offers.csv", GOOD.replace("12.50", "14.00"))
    dock.lies("copy.csv", GOOD.replace("12.50", "14.00"))
    dock.looks(2)
    dock.works()
    found = {(row["name"], row["state"], row["same_as"]) for row in dock.rows()[1:]}
    assert found in (
        {("copy.csv", "applied", ""), ("offers.csv", "same", "copy.csv, version 1")},
        {("offers.csv", "applied", ""), ("copy.csv", "same", "offers.csv, version 2")},
    )
    assert dock.live()["A1"] == 1400
    assert len(dock.kept()) == 1  # what counts is kept whole; what does not leaves the disk


def bent(packed: bytes) -> bytes:
    """Whole, and not what was packed."""
    return packed[:-8] + bytes([packed[-8] ^ 0xFF]) + packed[-7:]


@pytest.mark.parametrize(
    ("name", "content", "code", "whose"),
    [
        ("empty.csv", "\n\n", "empty", "seller"),
        ("other.csv", "a;b\n1;2\n", "no-sku-column", "operator"),
        ("twice.csv", "sku;price;sku\n", "two-columns", "seller"),
        ("bent.csv.gz", bent(gzip.compress(GOOD.encode(), mtime=0)), "damaged", "seller"),
        ("cut.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:-5], "cut-short", "seller"),
        ("book.xlsx", "no workbook", "no-workbook", "seller"),
    ],
    ids=lambda one: one if isinstance(one, str) and one.isprintable() else "",
)  # fmt: skip
def test_a_file_that_can_never_be_read_says_what_where_and_whose_and_stops_no_other(
    dock: Dock, name: str, content: str | bytes, code: str, whose: str
) -> None:
    dock.sends(name, content)
    dock.sends("offers.csv", GOOD)
    dock.works()
    assert dock.states() == [(name, "refused"), ("offers.csv", "applied")]
    row = dock.rows()[0]
    assert (row["refused_code"], row["refused_whose"], bool(row["refused_what"]), bool(row["refused_where"])) == (
        code,
        whose,
        True,
        True,
    )
    assert [(one.code, one.whose) for one in dock.refusals] == [(code, whose)]
    assert dock.live()


def test_a_zip_of_several_files_is_refused(dock: Dock, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", GOOD)
        archive.writestr("b.csv", GOOD)
    dock.sends("two.zip", (tmp_path / "two.zip").read_bytes())
    dock.works()
    assert [(one.code, one.where) for one in dock.refusals] == [("several-files", "two.zip")]


def test_files_of_one_seller_are_applied_in_the_order_they_came_and_another_sellers_does_not_wait(dock: Dock) -> None:
    dock.sends("first.csv", GOOD)
    dock.sends("second.csv", GOOD.replace("12.50", "15.00"))
    dock.sends("other.csv", GOOD.replace("A1", "B1"), seller="2002")
    with dock.ctx.db.transaction() as conn:  # somebody imports by hand
        lock_root(conn, f"feed {ACCOUNT} {SELLER}")
        dock.works()
    assert [state for _, state in dock.states()] == ["reading", "kept", "applied"]
    dock.clock.advance(60)
    dock.works()
    assert [state for _, state in dock.states()] == ["applied", "applied", "applied"]
    assert dock.live()["A1"] == 1500
    assert dock.rows()[0]["tries"] == 1


@pytest.mark.parametrize(
    "point",
    ["arrival.looked", "arrival.fetched", "arrival.reading", "bulk.staged", "bulk.before-commit", "arrival.applied"],
)
def test_a_hub_that_dies_anywhere_ends_the_same_when_it_runs_again(
    dock: Dock, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock.lies("offers.csv", GOOD)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ctx, "point", lambda self, name: _die(name == point))
        dock.looks(2)
        dock.works()
    dock.looks(2)
    dock.works()
    assert (dock.states(), dock.live()) == ([("offers.csv", "applied")], {"A1": 1250, "A2": 1300})
    assert [row["version"] for row in dock.rows("SELECT * FROM feed_file")] == [1]
    assert dock.kept() == ["offers.csv"]


def _die(now: bool) -> None:
    if now:
        raise KeyboardInterrupt


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from bulk.test_arrivals import Dock, GOOD
from conftest import INCARNATION, START, NoNetwork
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.ids import Ids
from entrepot.store.db import Db
Ctx.point = lambda self, name: os.kill(os.getpid(), signal.SIGKILL) if name == "bulk.before-commit" else None
clock = ManualClock(START)
ctx = Ctx(db=Db({url!r}, max_size=4, name="killed"), clock=clock, ids=Ids(clock.millis), http=NoNetwork(), incarnation=INCARNATION)
dock = Dock(ctx, clock, Path({folder!r}))
dock.sends("offers.csv", GOOD)
dock.works()
"""


@pytest.mark.processes
def test_a_worker_killed_before_its_commit_leaves_a_file_that_is_read_again(
    dock: Dock, database_url: str, tmp_path: Path
) -> None:
    code = KILLED.format(tests=str(Path(__file__).parent.parent), url=database_url, folder=str(tmp_path))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == -signal.SIGKILL
    assert (dock.states(), dock.live()) == ([("offers.csv", "reading")], {})
    dock.clock.advance(60)
    dock.works()
    assert (dock.states(), dock.live()) == ([("offers.csv", "applied")], {"A1": 1250, "A2": 1300})


def test_a_file_that_breaks_its_reader_again_and_again_is_refused_and_lets_the_next_one_pass(
    dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock.sends("poison.csv", GOOD)
    dock.sends("offers.csv", GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(Ctx, "point", lambda self, name: _die(name == "bulk.compared"))
        for _ in range(TRIES_MAX):
            with pytest.raises(KeyboardInterrupt):
                dock.works()
    dock.works()
    assert dock.states() == [("poison.csv", "refused"), ("offers.csv", "applied")]
    assert [(one.code, one.whose) for one in dock.refusals] == [("failed", "hub")]


def test_a_kept_file_that_is_gone_is_looked_for_and_then_called_lost(dock: Dock) -> None:
    keeping.remove(dock.home, [dock.sends("offers.csv", GOOD)])
    for _ in range(TRIES_MAX + 1):
        dock.works()
        dock.clock.advance(60)
    assert [(one.code, one.whose) for one in dock.refusals] == [("lost", "hub")]


def test_a_refused_file_is_read_again_when_its_mapping_was_mended(dock: Dock) -> None:
    from entrepot.bulk import mapping_store
    from entrepot.bulk.mapping import mapping_of

    arrival = dock.sends("waren.csv", "Nr;Name;Preis;Bestand\n1;Lampe;12,50;3\n")
    dock.works()
    content: Mapping[str, Any] = {
        "columns": {"Nr": "sku", "Name": "title", "Preis": "price", "Bestand": "quantity"},
        "decimal": ",",
    }
    with dock.ctx.db.transaction() as conn:
        version = mapping_store.save(
            conn,
            ACCOUNT,
            SELLER,
            content,
            mapping_of(content, "").hash,
            by="Mari",
            reason="his words",
            at=dock.clock.now(),
        )
    service.again(dock.ctx, arrival)
    dock.works()
    row = dock.rows()[0]
    assert (row["state"], row["mapping_version"], row["refused_code"], dock.live()) == (
        "applied",
        version,
        "",
        {"1": 1250},
    )


def test_names_are_made_safe_and_keep_their_ending() -> None:
    assert keeping.file_name("../../etc/passwd") == "passwd"
    assert keeping.file_name("C:\\Users\\me\\Offers Été.csv") == "Offers Été.csv"
    assert keeping.file_name(".bashrc\x00") == "bashrc"
    assert keeping.file_name("") == "unnamed"
    long = keeping.file_name("x" * 400 + ".csv")
    assert (len(long) <= 200, long.endswith(".csv")) == (True, True)


def test_a_file_above_the_cap_is_refused_while_it_comes_in(tmp_path: Path) -> None:
    incoming = keeping.Incoming(tmp_path, "arr_1", "big.csv", most=10)
    incoming.write(b"12345")
    with pytest.raises(Exception, match=r"big\.csv is larger than 10 bytes"):
        incoming.write(b"678901")
    assert list(keeping.folder(tmp_path).iterdir()) == []
