"""Reading cases: pages that neither lose nor repeat, the whole story of one, and the figures that must be zero."""

from cases.desk import Desk

from entrepot.cases import queries, service
from entrepot.cases.model import CaseAsked
from entrepot.cases.queries import CaseFilter


def open_many(desk: Desk, count: int) -> list[str]:
    asked = [
        CaseAsked(
            "poison-message" if i % 2 else "leg-refused",
            "mirakl-fr/operator",
            "order",
            f"ORD-{i}",
            root=f"basket:{i // 2}",
        )
        for i in range(count)
    ]
    with desk.ctx.db.transaction() as conn:
        return service.open_cases(conn, desk.ctx, desk.plan, asked)


def test_pages_follow_the_due_time_and_every_case_comes_once(desk: Desk) -> None:
    ids = open_many(desk, 23)
    seen, after = [], None
    with desk.ctx.db.transaction() as conn:
        while page := queries.list_cases(conn, after=after, limit=5):
            seen += page
            after = (page[-1]["due_at"], page[-1]["id"])
    assert sorted(row["id"] for row in seen) == sorted(ids)
    assert [row["due_at"] for row in seen] == sorted(row["due_at"] for row in seen)


def test_the_two_dead_letters_never_share_a_list(desk: Desk) -> None:
    open_many(desk, 10)
    with desk.ctx.db.transaction() as conn:
        business = queries.list_cases(conn, CaseFilter(kind="business"))
        system = queries.list_cases(conn, CaseFilter(kind="system"))
    assert {row["mode"] for row in business} == {"leg-refused"}
    assert {row["mode"] for row in system} == {"poison-message"}


def test_a_list_can_be_narrowed_by_owner_state_and_any_identifier(desk: Desk) -> None:
    ids = open_many(desk, 6)
    service.suppress(desk.ctx, desk.plan, ids[0], "Ada", "agreed")
    number = desk.case(ids[1])["number"]
    with desk.ctx.db.transaction() as conn:
        assert {r["owner"] for r in queries.list_cases(conn, CaseFilter(owner="on-call"))} == {"on-call"}
        assert [r["id"] for r in queries.list_cases(conn, CaseFilter(state="ended"))] == [ids[0]]
        assert len(queries.list_cases(conn, CaseFilter(state="all"))) == 6
        assert [r["id"] for r in queries.list_cases(conn, CaseFilter(find=f"#{number}"))] == [ids[1]]
        assert [r["id"] for r in queries.list_cases(conn, CaseFilter(find="ORD-4"))] == [ids[4]]
        assert len(queries.list_cases(conn, CaseFilter(root="basket:2"))) == 2


def test_one_case_comes_with_its_story_its_message_its_action_and_its_neighbours(desk: Desk) -> None:
    message_id = desk.message(b'{"id": "ORD-1-A"}')
    effect_id = desk.effect()
    with desk.ctx.db.transaction() as conn:
        case_id = service.open_case(
            conn, desk.ctx, desk.plan, "effect-refused", account="gateway/main", object="capture", object_id="C",
            root="basket:ORD-1", message_id=message_id, effect_id=effect_id,
        )  # fmt: skip
        service.open_case(
            conn,
            desk.ctx,
            desk.plan,
            "leg-refused",
            account="mirakl-fr/operator",
            object="leg",
            object_id="L",
            root="basket:ORD-1",
        )
        conn.execute(
            "INSERT INTO attempt (effect_id, number, kind, started_at, outcome) VALUES (%s, 1, 'send', %s, 'refused')",
            (effect_id, desk.clock.now()),
        )
        detail = queries.case_detail(conn, case_id)
    assert detail is not None
    assert [e["what"] for e in detail.events] == ["opened"]
    assert [a["state"] for a in detail.alerts] == ["planned", "planned"]
    assert detail.message is not None
    assert (bytes(detail.message["body"]), detail.message["envelope_route"]) == (b'{"id": "ORD-1-A"}', "OR11")
    assert detail.effect is not None
    assert (detail.effect["key"], [a["outcome"] for a in detail.attempts]) == ("capture:ORD-1-A", ["refused"])
    assert [r["mode"] for r in detail.related] == ["leg-refused"]


def test_a_case_that_does_not_exist_has_no_detail(desk: Desk) -> None:
    with desk.ctx.db.transaction() as conn:
        assert queries.case_detail(conn, "case_nothing") is None


def test_a_parked_failure_that_no_case_speaks_of_is_counted_as_without_owner(desk: Desk) -> None:
    desk.message(b"{}")
    desk.effect(state="parked")
    with desk.ctx.db.transaction() as conn:
        assert queries.without_owner(conn) == 2


def test_open_cases_are_summed_per_owner_and_currency_and_never_across(desk: Desk) -> None:
    asked = [
        CaseAsked("leg-refused", "mirakl-fr/operator", "leg", "A", money_minor=100),
        CaseAsked("leg-refused", "mirakl-fr/operator", "leg", "B", money_minor=50),
        CaseAsked("leg-refused", "mirakl-fr/operator", "leg", "C", money_minor=7000, currency="JPY"),
    ]
    with desk.ctx.db.transaction() as conn:
        service.open_cases(conn, desk.ctx, desk.plan, asked)
        counts = [(r["currency"], r["cases"], r["money_minor"]) for r in queries.open_counts(conn)]
    assert counts == [("EUR", 2, 150), ("JPY", 1, 7000)]
