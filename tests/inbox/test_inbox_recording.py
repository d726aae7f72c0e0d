"""What arrives is kept whole and once: counted when it comes again, beside the old when it says something else."""

from collections.abc import Sequence
from typing import Any

import pytest

from entrepot.inbox.model import Arrival, Received, Recorded
from entrepot.inbox.service import record
from entrepot.inbox.store import NEVER_KEPT, cursor
from entrepot.kernel.ctx import Ctx, Points

ACCOUNT = "mirakl-fr/operator"


def one(external_id: str = "O-1", body: bytes = b'{"price": 1}', position: int = 0) -> Received:
    return Received("order", external_id, "", body, position, "basket:C-1", "order-acceptance")


def page(
    *received: Received, account: str = ACCOUNT, to: str | None = None, headers: dict[str, str] | None = None
) -> Arrival:
    return Arrival(
        account, "page", "/api/orders", b"the page", received, headers or {}, ("orders", to) if to is not None else None
    )


def rows(ctx: Ctx, sql: str) -> list[dict[str, Any]]:
    with ctx.db.transaction() as conn:
        return conn.execute(sql).fetchall()


def messages(ctx: Ctx) -> list[tuple[str, bytes, int]]:
    found = rows(ctx, "SELECT external_id, body, seen FROM message ORDER BY seq")
    return [(row["external_id"], bytes(row["body"]), row["seen"]) for row in found]


def at(ctx: Ctx, account: str = ACCOUNT) -> str | None:
    with ctx.db.transaction() as conn:
        return cursor(conn, account, "orders")


def news(recorded: Sequence[Recorded]) -> list[bool]:
    return [message.is_new for message in recorded]


def test_the_same_order_sent_twice_is_one_message_counted_twice(ctx: Ctx) -> None:
    [first] = record(ctx, [page(one())])
    [again] = record(ctx, [page(one())])
    assert messages(ctx) == [("O-1", b'{"price": 1}', 2)]
    assert (first.is_new, again.is_new, again.message_id) == (True, False, first.message_id)


def test_both_requests_that_brought_the_same_order_are_kept_whole(ctx: Ctx) -> None:
    record(ctx, [page(one())])
    record(ctx, [page(one())])
    envelopes = rows(ctx, "SELECT body, plan_hash FROM envelope")
    assert [(bytes(row["body"]), row["plan_hash"]) for row in envelopes] == [(b"the page", "test")] * 2


def test_the_same_order_with_other_content_stands_beside_the_first(ctx: Ctx) -> None:
    record(ctx, [page(one())])
    [other] = record(ctx, [page(one(body=b'{"price": 2}'))])
    assert other.is_new
    assert messages(ctx) == [("O-1", b'{"price": 1}', 1), ("O-1", b'{"price": 2}', 1)]


def test_a_page_that_overlaps_itself_holds_each_order_once(ctx: Ctx) -> None:
    recorded = record(ctx, [page(one(), one("O-2"), one(position=2))])
    assert news(recorded) == [True, True]
    assert sorted(messages(ctx)) == [("O-1", b'{"price": 1}', 2), ("O-2", b'{"price": 1}', 1)]


def test_two_marketplaces_that_use_one_order_id_do_not_share_a_message(ctx: Ctx) -> None:
    recorded = record(ctx, [page(one()), page(one(), account="mirakl-de/operator")])
    assert news(recorded) == [True, True]
    assert len(messages(ctx)) == 2


def test_an_order_decided_already_is_not_asked_for_again_when_it_comes_again(ctx: Ctx) -> None:
    record(ctx, [page(one())])
    with ctx.db.transaction() as conn:
        conn.execute("UPDATE message SET state = 'decided', decided_at = received_at")
    record(ctx, [page(one())])
    assert rows(ctx, "SELECT state, seen FROM message") == [{"state": "decided", "seen": 2}]


def test_the_cursor_moves_with_its_page(ctx: Ctx) -> None:
    record(ctx, [page(one(), to="2026-03-02T08:00:00Z")])
    assert at(ctx) == "2026-03-02T08:00:00Z"
    record(ctx, [page(one("O-2"), to="2026-03-02T09:00:00Z")])
    assert (at(ctx), at(ctx, "mirakl-de/operator")) == ("2026-03-02T09:00:00Z", None)


def test_a_page_without_a_cursor_leaves_it_where_it_was(ctx: Ctx) -> None:
    record(ctx, [page(one(), to="2026-03-02T08:00:00Z")])
    record(ctx, [page(one("O-2"))])
    assert at(ctx) == "2026-03-02T08:00:00Z"


def test_a_page_that_was_not_kept_moves_no_cursor(ctx: Ctx) -> None:
    record(ctx, [page(one(), to="2026-03-02T08:00:00Z")])

    class Killed(BaseException):
        pass

    class DiesBeforeCommit(Points):
        def reach(self, name: str) -> None:
            if name == "record.before-commit":
                raise Killed

    ctx.points = DiesBeforeCommit()
    with pytest.raises(Killed):
        record(ctx, [page(one("O-2"), to="2026-03-02T09:00:00Z")])
    assert at(ctx) == "2026-03-02T08:00:00Z"
    assert [external_id for external_id, _, _ in messages(ctx)] == ["O-1"]


@pytest.mark.parametrize("name", sorted(NEVER_KEPT))
def test_a_header_that_opens_doors_is_not_kept_however_it_is_spelt(ctx: Ctx, name: str) -> None:
    record(ctx, [page(one(), headers={name: "x", name.title(): "x", name.upper(): "x", "X-Request-Id": "r-1"})])
    assert rows(ctx, "SELECT headers FROM envelope") == [{"headers": {"X-Request-Id": "r-1"}}]


def test_no_credential_in_a_header_is_ever_kept(ctx: Ctx) -> None:
    assert {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"} <= NEVER_KEPT


@pytest.mark.parametrize("name", ["O-\0", "O" * 5000], ids=["nul", "endless"])
def test_an_order_whose_id_cannot_be_written_down_is_kept_and_stops_no_neighbour(ctx: Ctx, name: str) -> None:
    recorded = record(ctx, [page(one(), one(name, b"theirs"), one("O-2"), to="2026-03-02T08:00:00Z")])
    assert (len(recorded), at(ctx)) == (3, "2026-03-02T08:00:00Z")
    kept = rows(ctx, "SELECT kind, body, flow FROM message WHERE external_id NOT IN ('O-1', 'O-2')")
    assert [(r["kind"], bytes(r["body"]), r["flow"]) for r in kept] == [("malformed", b"theirs", "order-acceptance")]
