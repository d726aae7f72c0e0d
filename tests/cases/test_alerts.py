"""Alerts reach people: by webhook, by mail file, tried again while a channel is down, and kept."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cases.desk import Desk, DiesAt, Killed, Listener

from entrepot.blueprint.model import Plan
from entrepot.cases import service
from entrepot.cases.channels import Channels
from entrepot.cases.model import Notice
from entrepot.cases.notify import NOTIFY_DUE_SQL, TRIES_MAX
from entrepot.cases.watch import WATCH_DUE_SQL
from entrepot.kernel.ctx import Points
from entrepot.kernel.errors import Overtaken

NOTICE = Notice(
    "case_1:opened",
    "order-desk",
    "Case 7: naïve\nsubject",
    "Line one\nLine two: 12.50 €",
    datetime(2026, 3, 2, 8, tzinfo=UTC),
)


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it got and answers as told."""

    got: ClassVar[list[dict[str, Any]]] = []
    status = 200

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def hook() -> Iterator[tuple[type[Hook], str]]:
    handler = type("FreshHook", (Hook,), {"got": [], "status": 200})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield handler, f"json://127.0.0.1:{server.server_port}/alerts"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_gets_subject_and_body(hook: tuple[type[Hook], str]) -> None:
    handler, address = hook
    assert Channels({"HOOK": address}).send(NOTICE, "env:HOOK") is None
    assert [(m["title"], m["message"]) for m in handler.got] == [("Case 7: naïve\nsubject", NOTICE.body)]


def test_a_webhook_that_refuses_is_called_once_and_its_refusal_names_no_address(hook: tuple[type[Hook], str]) -> None:
    handler, address = hook
    handler.status = 500
    error = Channels({"HOOK": address}).send(NOTICE, "env:HOOK")
    assert error is not None
    assert "500" in error
    assert address not in error
    assert len(handler.got) == 1


def test_a_webhook_nobody_listens_on_is_an_error_and_not_a_crash() -> None:
    assert Channels({"HOOK": "json://127.0.0.1:9/x"}).send(NOTICE, "env:HOOK")


def test_a_reference_that_points_at_nothing_names_the_reference() -> None:
    assert "env:HOOK is not set" in str(Channels({}).send(NOTICE, "env:HOOK"))


def test_an_address_no_service_knows_is_an_error_without_the_address() -> None:
    error = Channels({"HOOK": "nonsense://secret-token"}).send(NOTICE, "env:HOOK")
    assert error is not None
    assert "secret-token" not in error


def test_a_mail_file_is_a_whole_mail_and_the_same_alert_twice_is_one_file(tmp_path: Path) -> None:
    channels = Channels({"MAIL": f"spool:{tmp_path}/mail"})
    assert channels.send(NOTICE, "env:MAIL") is None
    assert channels.send(NOTICE, "env:MAIL") is None
    [file] = (tmp_path / "mail").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Case 7: naïve subject"
    assert mail["To"] == "order-desk <order-desk@localhost>"
    assert mail.get_content().replace("\r\n", "\n") == NOTICE.body + "\n"


def test_a_mail_folder_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in str(Channels({}).send(NOTICE, f"spool:{tmp_path}/file"))


def opened(desk: Desk) -> str:
    with desk.ctx.db.transaction() as conn:
        return service.open_case(
            conn, desk.ctx, desk.plan, "leg-refused", account="mirakl-fr/operator", object="leg", object_id="L"
        )


def test_an_alert_is_sent_once_and_remembers_when(desk: Desk, listener: Listener) -> None:
    opened(desk)
    assert desk.notify() == 2
    assert desk.notify() == 0
    assert {(a["state"], a["sent_at"]) for a in desk.rows("SELECT * FROM alert")} == {("sent", desk.clock.now())}
    assert len(listener.heard) == 2


def test_a_channel_that_is_down_is_tried_again_with_growing_pauses_and_delivers_at_last(
    desk: Desk, listener: Listener
) -> None:
    opened(desk)
    listener.broken = "the channel is down"
    pauses = []
    for _ in range(5):
        before = desk.clock.now()
        assert desk.notify() == 2
        due = desk.rows("SELECT min(due_at) AS at FROM alert")[0]["at"]
        pauses.append((due - before).total_seconds())
        assert desk.notify() == 0
        desk.at(due)
    assert pauses == [30, 60, 120, 240, 480]
    listener.broken = None
    assert desk.notify() == 2
    assert {a["state"] for a in desk.rows("SELECT state FROM alert")} == {"sent"}


def test_a_channel_given_up_on_keeps_its_words_becomes_a_case_and_closes_when_it_works_again(
    desk: Desk, listener: Listener
) -> None:
    opened(desk)
    listener.broken = "the channel is down"
    for _ in range(TRIES_MAX):
        desk.later(hours=2)
        desk.notify()
    failed = desk.rows("SELECT * FROM alert WHERE state = 'failed'")
    assert {a["last_error"] for a in failed} == {"the channel is down"}
    undelivered = desk.rows("SELECT * FROM case_file WHERE mode = 'alert-undelivered' ORDER BY number")
    assert {c["object_id"] for c in undelivered} == {"env:ENTREPOT_ALERT_WEBHOOK", "env:ENTREPOT_ALERT_MAIL"}
    assert all("the channel is down" in c["cause_text"] for c in undelivered)

    listener.broken = None
    desk.later(hours=2)
    desk.notify()
    assert desk.rows("SELECT id FROM case_file WHERE mode = 'alert-undelivered' AND resolved_at IS NULL") == []


@pytest.mark.parametrize("point", ["notify.claimed", "notify.sent"])
def test_a_sender_killed_in_between_leaves_an_alert_that_is_sent_later(
    desk: Desk, listener: Listener, point: str
) -> None:
    opened(desk)
    desk.ctx.points = DiesAt(point)
    with pytest.raises(Killed):
        desk.notify()
    desk.ctx.points = Points()
    desk.later(hours=1)
    desk.notify()
    assert {a["state"] for a in desk.rows("SELECT state FROM alert")} == {"sent"}
    assert len({(n.key, c) for n, c in listener.heard}) == 2


def test_a_sender_that_was_overtaken_changes_nothing(desk: Desk, listener: Listener, plan: Plan) -> None:
    from entrepot.cases.notify import drain_notify

    opened(desk)

    class Lost:
        def hold(self, conn: object) -> None:
            raise Overtaken("the lane moved on")

        def renew(self, ctx: object) -> None:
            raise Overtaken("the lane moved on")

        def time_left(self, ctx: object) -> float:
            return 20.0

    with pytest.raises(Overtaken):
        drain_notify(desk.ctx, Lost(), plan, listener)
    assert listener.heard == []
    assert {a["attempts"] for a in desk.rows("SELECT attempts FROM alert")} == {0}


@pytest.mark.parametrize("sql", [WATCH_DUE_SQL, NOTIFY_DUE_SQL])
def test_nothing_due_starts_no_lane_and_something_due_starts_the_hubs(desk: Desk, sql: str) -> None:
    def due() -> list[str]:
        with desk.ctx.db.transaction() as conn:
            values = {"now": desk.clock.now(), "machine": desk.clock.machine()}
            return [row["account"] for row in conn.execute(sql, values).fetchall()]

    assert due() == []
    opened(desk)
    desk.later(days=2)
    assert due() == ["hub"]
