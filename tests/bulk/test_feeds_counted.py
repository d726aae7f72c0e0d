"""Who owns a field decides what of a seller's file counts: set-wise, what was fed kept beside it, every refusal written down."""

from pathlib import Path
from typing import Any

import pytest

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.bulk import publish_store
from entrepot.bulk.mapping import by_names
from entrepot.bulk.reading import open_source
from entrepot.bulk.rules import offer_rules
from entrepot.bulk.service import Feed, Report, take_in
from entrepot.kernel.ctx import Ctx, Row
from entrepot.ownership.compile import compile_rules
from entrepot.ownership.model import Act, Write
from entrepot.ownership.rules import decide, scope_of
from entrepot.store.bulk import insert_rows

ACCOUNT, SELLER = "mirakl-fr/operator", "2001"
MANY = 5_000


@pytest.fixture(scope="module")
def dropship() -> Plan:
    """The seller's goods are sold at the operator's price."""
    plan = load()
    return plan.model_copy(update={"sellers": {**plan.sellers, SELLER: plan.sellers["*"].model_copy(update={"seller_model": "dropship"})}})  # fmt: skip


class Desk:
    """Takes a seller's files in; looks at what counts."""

    def __init__(self, ctx: Ctx, folder: Path, plan: Plan) -> None:
        self.ctx, self.folder, self.plan = ctx, folder, plan

    def takes(self, *rows: str) -> Report:
        path = self.folder / "offers.csv"
        path.write_text("\n".join(["sku;title;price;quantity;category", *rows]) + "\n", "utf-8")
        source = open_source(path)
        mapping = by_names(source.layout.header, currency="EUR")
        return take_in(self.ctx, source, Feed(ACCOUNT, SELLER, mapping, offer_rules("EUR"), self.folder, plan=self.plan))  # fmt: skip

    def rows(self, sql: str) -> list[Row]:
        with self.ctx.db.transaction() as conn:
            return conn.execute(sql).fetchall()

    def writes(self, table: str, row: dict[str, Any]) -> None:
        with self.ctx.db.transaction() as conn:
            insert_rows(conn, table, [row])

    def price(self, sku: str) -> tuple[int, int | None]:
        """As fed, and as it counts."""
        [row] = self.rows(
            f"SELECT o.price_minor AS fed, c.price_minor AS counts FROM feed_offer o JOIN feed_counted c USING (account, seller, sku) WHERE o.sku = '{sku}'"
        )
        return row["fed"], row["counts"]

    def knows(self, sku: str, offer_id: str) -> None:
        now = self.ctx.clock.now()
        self.writes("offer_seen", {"account": ACCOUNT, "offer_id": offer_id, "sku": sku, "seller_id": SELLER, "price_minor": 1, "currency": "EUR",
                                   "quantity": 1, "active": True, "changed_at": now, "seen_at": now})  # fmt: skip

    def overrides(self, offer_id: str, field: str, value: Any) -> None:
        from psycopg.types.json import Jsonb

        now = self.ctx.clock.now()
        with self.ctx.db.transaction() as conn:
            conn.execute(
                "INSERT INTO override_value (id, account, object, object_id, field, value, state, author, reason, rule, asked_at, starts_at, ends_at, plan_hash) "
                "VALUES (%s, %s, 'offer', %s, %s, %s, 'live', 'dana', 'why', 'r', %s, %s, %s + interval '1 day', 'p')",
                (f"ovr_{offer_id}_{field}", ACCOUNT, offer_id, field, Jsonb(value), now, now, now),
            )


@pytest.fixture
def desk(ctx: Ctx, tmp_path: Path) -> Desk:
    return Desk(ctx, tmp_path, load())


@pytest.fixture
def dropship_desk(ctx: Ctx, tmp_path: Path, dropship: Plan) -> Desk:
    return Desk(ctx, tmp_path, dropship)


def test_what_the_seller_may_set_counts_as_it_was_fed(desk: Desk) -> None:
    assert desk.takes("A1;Lamp;12.50;3;KITCHEN").kept == 0
    assert desk.price("A1") == (1250, 1250)
    assert desk.rows("SELECT * FROM feed_apart") == desk.rows("SELECT * FROM refused_write") == []


def test_a_price_that_is_the_operators_to_set_stays_out_and_the_refusal_is_written_down(dropship_desk: Desk) -> None:
    report = dropship_desk.takes("A1;Lamp;12.50;3;KITCHEN", "A2;Lamp;9.00;1;KITCHEN")
    assert report.kept == 2
    assert dropship_desk.price("A1") == (1250, None)
    refused = dropship_desk.rows("SELECT * FROM refused_write ORDER BY object_id")
    assert [(one["object_id"], one["field"], one["value"], one["why"], one["channel"]) for one in refused] == [
        ("2001/A1", "price", 1250, "not-owner", "feed"),
        ("2001/A2", "price", 900, "not-owner", "feed"),
    ]
    assert refused[0]["source"] == "file offers.csv, row 2"
    [case] = dropship_desk.rows("SELECT * FROM case_file WHERE mode = 'ownership-refused'")
    assert case["owner"] == "commerce-architect" and "2 offers keep the price that counted" in case["cause_text"]


def test_the_same_refusal_again_is_counted_and_not_doubled(dropship_desk: Desk) -> None:
    dropship_desk.takes("A1;Lamp;12.50;3;KITCHEN")
    dropship_desk.takes("A1;Lamp;12.60;3;KITCHEN")
    [refused] = dropship_desk.rows("SELECT * FROM refused_write")
    assert (refused["count"], refused["value"]) == (2, 1260)


def test_an_override_lies_over_what_was_fed_until_it_ends(desk: Desk) -> None:
    desk.knows("A1", "10")
    desk.overrides("10", "price", 990)
    desk.takes("A1;Lamp;12.50;3;KITCHEN")
    assert desk.price("A1") == (1250, 990)
    with desk.ctx.db.transaction() as conn:
        conn.execute("UPDATE override_value SET state = 'ended', ended_at = now(), ended_by = 'x', ended_why = 'over'")
    desk.takes("A1;Lamp;12.75;3;KITCHEN")
    assert desk.price("A1") == (1275, 1275)


def test_many_offers_are_decided_by_a_handful_of_statements(dropship_desk: Desk) -> None:
    rows = [f"S{n:06d};Lamp;12.50;{n % 90};{('KITCHEN', 'OUTDOOR')[n % 2]}" for n in range(MANY)]
    dropship_desk.ctx.db = counted = Counting(dropship_desk.ctx.db)
    assert dropship_desk.takes(*rows).kept == MANY
    assert counted.statements < 120
    right = compile_rules(dropship_desk.plan)
    one = Write("offer", "", "price", Act.UPDATE, "seller", scope=scope_of(right, ACCOUNT, SELLER, "OUTDOOR"))
    [verdicts] = dropship_desk.rows("SELECT array_agg(DISTINCT words) AS words FROM refused_write")
    assert verdicts["words"] == [getattr(decide(right, one), "words")]  # noqa: B009 - one of two kinds of verdict


class Counting:
    """A database that counts the statements of its transactions."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.statements = inner, 0

    def transaction(self) -> Any:
        return _Counted(self, self.inner.transaction())


class _Counted:
    conn: Any

    def __init__(self, count: Counting, inner: Any) -> None:
        self.count, self.inner = count, inner

    def __enter__(self) -> Any:
        conn = self.inner.__enter__()
        execute, cursor = conn.execute, conn.cursor

        def counted(*given: Any, **named: Any) -> Any:
            self.count.statements += 1
            return execute(*given, **named)

        def opened(*given: Any, **named: Any) -> Any:
            self.count.statements += 1
            return cursor(*given, **named)

        conn.execute, conn.cursor = counted, opened
        self.conn = conn
        return conn

    def __exit__(self, *why: Any) -> Any:
        del self.conn.execute, self.conn.cursor
        return self.inner.__exit__(*why)


def test_what_is_to_go_out_is_chosen_by_lane_for_all_offers_at_once(desk: Desk) -> None:
    desk.takes(*(f"S{n:06d};Lamp;12.50;3;KITCHEN" for n in range(MANY)))
    with desk.ctx.db.transaction() as conn:
        assert publish_store.look(conn, ACCOUNT, SELLER, desk.ctx.clock.now(), MANY // 2) == MANY // 2
        assert publish_store.choose(conn, ACCOUNT, SELLER) == {"offers": MANY // 2}
        assert publish_store.look(conn, ACCOUNT, SELLER, desk.ctx.clock.now(), MANY // 2) == MANY // 2
        assert publish_store.look(conn, ACCOUNT, SELLER, desk.ctx.clock.now(), MANY // 2) == 0
