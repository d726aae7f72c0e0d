"""Folders of sellers elsewhere: an SFTP server and an object store that are really spoken to."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from bulk.far_places import PASSWORD, object_store, sftp_server
from bulk.test_arrivals import GOOD, Dock

from entrepot.blueprint.model import FeedRule
from entrepot.bulk.arrival import places
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import NotNow, WrongSetting


def rule(source: str, credentials: Mapping[str, str], pattern: str = "*.csv") -> FeedRule:
    return FeedRule.model_validate(
        {
            "name": "lamps",
            "account": "mirakl-fr/operator",
            "seller": "2001",
            "source": source,
            "credentials": credentials,
            "pattern": pattern,
        }
    )


def seen(feed: FeedRule) -> list[tuple[str, int]]:
    with places.at(feed) as place:
        return [(one.name, one.size_bytes) for one in place.files()]


def test_files_on_an_sftp_server_are_seen_fetched_and_read(
    ctx: Ctx, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / "far" / "lamps"
    far.mkdir(parents=True)
    (far / "old").mkdir()
    (far / "offers.csv").write_text(GOOD, "utf-8")
    (far / "offers.csv.part").write_text(GOOD, "utf-8")
    with sftp_server(tmp_path / "far") as (port, key):
        monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
        monkeypatch.setenv("SFTP_KEY", f"ecdsa-sha2-nistp256 {key}")
        given: dict[str, Any] = {"username": "lamps", "password": "env:SFTP_PASSWORD", "host_key": "env:SFTP_KEY"}
        source = f"sftp://127.0.0.1:{port}/lamps"
        dock = Dock(ctx, clock, tmp_path, source=source, pattern="*.csv*", credentials=given)
        dock.looks(2)
        dock.works()
        assert (dock.states(), dock.live()) == ([("offers.csv", "applied")], {"A1": 1250, "A2": 1300})
        (far / "offers.csv").write_text(GOOD.replace("12.50", "14.00"), "utf-8")
        os.utime(far / "offers.csv", (2_000_000_000, 2_000_000_000))  # SFTP tells whole seconds
        dock.looks(2)
        dock.works()
        assert dock.live()["A1"] == 1400
        monkeypatch.setenv("SFTP_KEY", "ecdsa-sha2-nistp256 AAAAanother")
        with pytest.raises(NotNow, match="another host key than the plan names"):
            seen(rule(source, given))
        with pytest.raises(WrongSetting, match="needs credentials host_key"):
            seen(rule(source, {"username": "lamps", "password": "env:SFTP_PASSWORD"}))
        monkeypatch.setenv("SFTP_KEY", key)
        monkeypatch.setenv("SFTP_PASSWORD", "wrong")
        with pytest.raises(NotNow, match="cannot be reached or read"):
            seen(rule(source, given))


def test_files_in_an_object_store_are_seen_fetched_and_read_and_a_new_version_by_its_tag(
    ctx: Ctx, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = {"shop/lamps/offers.csv": GOOD.encode(), "shop/other/secret.csv": b"x"}
    with object_store(objects, "AKLAMPS") as address:
        for name, value in (("S3_ID", "AKLAMPS"), ("S3_SECRET", "s"), ("S3_AT", address)):
            monkeypatch.setenv(name, value)
        given = {"access_key_id": "env:S3_ID", "secret_access_key": "env:S3_SECRET", "endpoint": "env:S3_AT"}
        dock = Dock(ctx, clock, tmp_path, source="s3://shop/lamps", credentials=given)
        dock.looks(2)
        dock.works()
        assert (dock.states(), dock.live()) == ([("offers.csv", "applied")], {"A1": 1250, "A2": 1300})
        objects["shop/lamps/offers.csv"] = GOOD.replace("12.50", "14.00").encode()  # as long, and as old
        dock.looks(2)
        dock.works()
        assert dock.live()["A1"] == 1400
        monkeypatch.setenv("S3_ID", "AKOTHER")
        with pytest.raises(NotNow, match="cannot be reached or read"):
            seen(rule("s3://shop/lamps", given))


def test_a_folder_that_is_not_there_is_said_and_comes_later(tmp_path: Path) -> None:
    with pytest.raises(NotNow, match=r"feed lamps: .*/nowhere cannot be reached or read"):
        seen(rule(str(tmp_path / "nowhere"), {}))


def test_a_local_folder_may_be_named_as_an_address(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x", "utf-8")
    (tmp_path / "b.txt").write_text("x", "utf-8")
    assert seen(rule(f"file://{tmp_path}", {})) == [("a.csv", 1)]
