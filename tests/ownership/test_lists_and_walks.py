"""Lists of offers that need a look; and a long random walk after which the books must still agree."""

from random import Random

import pytest
from ownership.land import ANA, ERP, MARKET, OPERATOR, Land, wants

from entrepot.kernel.errors import OwnerDecides
from entrepot.ownership import service
from entrepot.ownership.explain import explained, listing
from entrepot.ownership.explain_store import Wanted, written_under
from entrepot.ownership.model import Judged


@pytest.fixture
def shelf(land: Land) -> Land:
    for n in range(6):
        land.known(f"O-{n}")
    land.shows("O-1", price=1500)
    land.shows("O-2", actor=ERP, price=2400)
    land.pull(service.override, land.key("O-3"), "category", "BOOKS", by=ANA, reason="a book", until=land.until(days=1))
    land.pull(service.request, land.key("O-4"), "category", "BOOKS", by=ANA, reason="a book")
    return land


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("all", ["O-0", "O-1", "O-2", "O-3", "O-4", "O-5"]),
        ("held", ["O-1"]),
        ("overridden", ["O-3"]),
        ("asked", ["O-1", "O-4"]),
        ("refused", ["O-1", "O-2"]),
    ],
)
def test_a_list_holds_what_needs_a_look(shelf: Land, wanted: Wanted, found: list[str]) -> None:
    with shelf.ctx.db.transaction() as conn:
        page = listing(conn, "offer", wanted)
        none = listing(conn, "offer", wanted, account="elsewhere")
    assert ([row.object_id for row in page.rows], page.after, none.rows) == (found, None, ())


def test_a_list_goes_on_where_the_page_before_ended(shelf: Land) -> None:
    pages, after = [], None
    with shelf.ctx.db.transaction() as conn:
        while True:
            page = listing(conn, "offer", "all", after, 4)
            pages.append([row.object_id for row in page.rows])
            after = page.after
            if after is None:
                break
    assert pages == [["O-0", "O-1", "O-2", "O-3"], ["O-4", "O-5"]]


def test_what_was_let_in_under_one_plan_can_be_listed_for_a_rollback(shelf: Land) -> None:
    since = shelf.clock.now()
    shelf.shows("O-5", price=2600)
    with shelf.ctx.db.transaction() as conn:
        assert [(r["object_id"], r["value"]) for r in written_under(conn, "plan-1", since, 10)] == [("O-5", 2600)]
        assert written_under(conn, "plan-0", since, 10) == []


def test_of_a_field_nobody_ever_touched_there_is_nothing_to_tell(shelf: Land) -> None:
    with shelf.ctx.db.transaction() as conn:
        assert explained(conn, shelf.rules, MARKET, "offer", "O-1", "colour") is None
        assert explained(conn, shelf.rules, MARKET, "offer", "O-404", "price") is None


# --- a long walk -----------------------------------------------------------------------------------------------------

STEPS = 80
PRICES = (2500, 2600, 1500, 1600, 90000, 700)


def step(land: Land, random: Random) -> Judged:
    offer = random.choice(("O-1", "O-2"))
    match random.choice(
        ("seller", "seller", "seller", "erp", "operator", "feed", "again", "override", "end", "lift", "time", "expire")
    ):
        case "seller":
            return land.shows(offer, price=random.choice(PRICES))
        case "erp":
            return land.shows(offer, actor=ERP, price=random.choice(PRICES))
        case "operator":
            return land.shows(offer, actor=OPERATOR, price=random.choice(PRICES), active=random.random() < 0.8)
        case "feed":
            land.write(wants("price", random.choice(PRICES), offer=offer))
        case "again":
            return land.observe(land.seen(offer, price=random.choice(PRICES)))
        case "override":
            return pulled(
                land,
                service.override,
                land.key(offer),
                "category",
                random.choice(("BOOKS", "GAMES")),
                until=land.until(hours=5),
            )
        case "end":
            rows = land.rows("SELECT id FROM override_value WHERE state = 'live' ORDER BY id")
            return pulled(land, service.end_override, rows[0]["id"]) if rows else Judged()
        case "lift":
            rows = land.rows("SELECT id FROM hold WHERE lifted_at IS NULL AND field = 'price' ORDER BY id")
            return pulled(land, service.lift_hold, rows[0]["id"]) if rows else Judged()
        case "time":
            land.later(hours=random.randint(1, 12))
        case "expire":
            return land.expire()
    return Judged()


def pulled(land: Land, lever: object, *what: object, **how: object) -> Judged:
    try:
        return land.pull(lever, *what, by=ANA, reason="walk", **how).judged  # type: ignore[arg-type]  # one of the levers
    except OwnerDecides:
        return Judged()


@pytest.mark.parametrize("seed", range(4))
def test_after_any_walk_every_value_is_its_owners_and_every_end_is_once(land: Land, seed: int) -> None:
    random = Random(seed)
    land.known("O-1")
    land.known("O-2")
    ended: list[str] = []
    for _ in range(STEPS):
        judged = step(land, random)
        ended += [f.id for f in judged.freed]
        for offer in ("O-1", "O-2"):
            agrees(land, offer)
    assert len(ended) == len(set(ended))
    assert land.rows("SELECT id FROM correction WHERE state = 'applied'")
    versions = land.rows(
        "SELECT field, object_id, count(*)::int AS n, max(version) AS last FROM value_change GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [row for row in versions if row["n"] != row["last"]] == []


def agrees(land: Land, offer: str) -> None:
    [value] = land.rows("SELECT actor, value FROM owned_value WHERE object_id = %s AND field = 'price'", offer)
    assert value["actor"].startswith("seller")
    assert land.offer(offer).values["price"] == value["value"]
    held = {
        r["reason"]
        for r in land.rows(
            "SELECT reason FROM hold WHERE object_id = %s AND lifted_at IS NULL AND field = 'price'", offer
        )
    }
    refused = {
        r["why"]
        for r in land.rows(
            "SELECT why FROM refused_write WHERE object_id = %s AND ended_at IS NULL AND field = 'price'", offer
        )
    }
    assert held - {"ownership-fight"} <= refused  # no hold without its cause
    open_ = land.rows("SELECT c.id FROM correction c LEFT JOIN refused_write r ON r.id = c.refused_id AND r.ended_at IS NULL "
                      "WHERE c.object_id = %s AND c.ended_at IS NULL AND r.id IS NULL", offer)  # fmt: skip
    assert open_ == []  # nobody is asked about what is settled
