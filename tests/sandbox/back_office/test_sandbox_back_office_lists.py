"""The back office's lists: everything that changed, once, oldest first, page by page; its stock, prices and products; its returns."""

from datetime import timedelta
from typing import Any

import pytest
from sandbox.back_office.office import NUMBER, START, Office

LISTS = ("parcels", "cancellations", "returns", "stock", "prices", "products")


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def test_what_was_seeded_is_listed(office: Office) -> None:
    stock = {(one["sku"], one["location"]): one["quantity"] for one in office.listed("stock")}
    assert stock == {("LAMP-1", "main"): 20, ("BELL-1", "main"): 5, ("MAP-1", "main"): 3, ("MAP-1", "north"): 4}
    prices = {(one["sku"], one["channel"]): one["price_minor"] for one in office.listed("prices")}
    assert prices[("MAP-1", "*")] == 1_250
    assert prices[("MAP-1", "ebay-de")] == 1_390
    assert [one["revision"] for one in office.listed("products")] == ["1", "1", "1"]
    assert office.pushed("stock") == []


def test_each_object_is_listed_once_as_it_is_now(office: Office) -> None:
    office.move(seconds=10)
    office.portal.restock("LAMP-1", 5)
    office.portal.count("LAMP-1", 7)
    assert [one["sku"] for one in office.listed("stock")] == ["BELL-1", "MAP-1", "MAP-1", "LAMP-1"]
    lamp = office.listed("stock")[-1]
    assert (lamp["quantity"], lamp["version"]) == (7, 3)


def test_since_takes_the_instant_itself_in(office: Office) -> None:
    office.move(seconds=10)
    office.portal.restock("LAMP-1", 5)
    assert [one["sku"] for one in office.listed("stock", since=stamp(10))] == ["LAMP-1"]
    assert office.listed("stock", since=stamp(10.001)) == []
    assert len(office.listed("stock", since=stamp(0))) == 4


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    office = Office(page_size=2)
    found, cursor = [], ""
    while True:
        page = office.call("GET", "/stock", **({"cursor": cursor} if cursor else {})).json()
        assert len(page["stock"]) <= 2
        found += [(one["sku"], one["location"]) for one in page["stock"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 4


def test_what_changes_while_pages_are_read_comes_at_the_end() -> None:
    office = Office(page_size=3)
    first = office.call("GET", "/stock").json()
    office.portal.restock("LAMP-1", 1)
    rest = office.call("GET", "/stock", cursor=first["next"]).json()
    assert [one["sku"] for one in rest["stock"]] == ["MAP-1", "LAMP-1"]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("cursor", ["", "x", "c", "c-1", "c99999", "c" + "9" * 5000, "c٣"])
def test_a_cursor_nobody_was_given_is_refused(office: Office, name: str, cursor: str) -> None:
    answer = office.call("GET", f"/{name}", cursor=cursor)
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (400, "wrong-cursor", "cursor")


@pytest.mark.parametrize("since", ["soon", "2026-11-02T09:00:00", ""])
def test_an_instant_without_zone_is_refused(office: Office, since: str) -> None:
    assert office.call("GET", "/stock", since=since).json()["field"] == "since"


def test_the_version_is_told(office: Office) -> None:
    assert office.call("GET", "/version").json() == {"version": "1.0"}


# -- stock, prices, products -----------------------------------------------------------------------------------------


def test_pieces_of_open_orders_still_lie_there(office: Office) -> None:
    office.book(("1", "LAMP-1", 2))
    assert office.portal.stock("LAMP-1") == 20
    office.move(days=2)
    assert office.listed("stock")[-1]["quantity"] == 18


def test_selling_out_leaves_what_is_in_boxes() -> None:
    office = Office(pick_after_s=(10, 10), pick_takes_s=(1_000, 1_000))
    office.book(("1", "BELL-1", 2))
    office.move(seconds=20)
    office.portal.sell_out("BELL-1")
    assert office.portal.stock("BELL-1") == 2
    office.move(days=1)
    assert (office.portal.stock("BELL-1"), office.line()["shipped"]) == (0, 2)


def test_goods_are_taken_from_where_they_lie(office: Office) -> None:
    office.book(("1", "MAP-1", 6))
    office.move(days=2)
    stock = {one["location"]: one["quantity"] for one in office.listed("stock") if one["sku"] == "MAP-1"}
    assert sum(stock.values()) == 1
    assert min(stock.values()) >= 0


def test_a_price_of_a_channel_leaves_the_others_alone(office: Office) -> None:
    office.portal.price("LAMP-1", "amazon-de", 5_490)
    last = office.listed("prices")[-1]
    assert (last["channel"], last["price_minor"], last["version"]) == ("amazon-de", 5_490, 1)
    assert office.books()["prices"]["LAMP-1"] == {"*": 4_990, "amazon-de": 5_490}


def test_a_product_is_revised(office: Office) -> None:
    office.portal.revise("LAMP-1", title="Brass lamp, large", attributes={"height": "40 cm"})
    last = office.listed("products")[-1]
    assert (last["revision"], last["title"], last["attributes"]) == ("2", "Brass lamp, large", {"height": "40 cm"})
    assert last["gtin"] == "4006381333931"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda portal: portal.restock("GHOST", 1),
        lambda portal: portal.restock("LAMP-1", 0),
        lambda portal: portal.count("LAMP-1", -1),
        lambda portal: portal.price("LAMP-1", "*", 0),
        lambda portal: portal.state("nobody:1"),
        lambda portal: portal.retrack("PK-1", "x"),
    ],
)
def test_what_cannot_be_is_refused_at_the_portal_too(office: Office, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        wrong(office.portal)


def test_a_corrected_tracking_number_moves_the_parcel_to_the_end(office: Office) -> None:
    office.book(number="a:1")
    office.move(days=1)
    office.book(number="a:2")
    office.move(days=1)
    first, _ = office.listed("parcels")
    office.portal.retrack(first["parcel"], "JD0146")
    last = office.listed("parcels")[-1]
    assert (last["parcel"], last["tracking"]) == (first["parcel"], "JD0146")
    assert last["updated_at"] > last["shipped_at"]


# -- returns ---------------------------------------------------------------------------------------------------------


def shipped(**settings: Any) -> Office:
    office = Office(**settings)
    office.book(("1", "LAMP-1", 3))
    office.move(days=2)
    return office


def test_returned_goods_are_looked_at_later_and_lie_there_again() -> None:
    office = shipped()
    office.portal.receive_return(NUMBER, "RT-1", [("1", 2)])
    assert office.listed("returns") == []
    assert office.portal.waiting()["returns"] == 1
    office.move(days=2)
    [back] = office.listed("returns")
    assert (back["return_id"], back["number"]) == ("RT-1", NUMBER)
    assert (back["accepted"], back["rejected"]) == ([{"line_id": "1", "quantity": 2}], [])
    assert back["refund_minor"] == {"1": 2_000}
    assert office.portal.stock("LAMP-1") == 19


def test_what_is_broken_is_rejected_and_not_refunded() -> None:
    office = shipped(reject_chance=1.0)
    office.portal.receive_return(NUMBER, "RT-1", [("1", 2)])
    office.move(days=2)
    [back] = office.listed("returns")
    assert (back["accepted"], back["rejected"]) == ([], [{"line_id": "1", "quantity": 2}])
    assert back["refund_minor"] == {}
    assert office.portal.stock("LAMP-1") == 17


def test_where_the_channel_decides_no_refund_is_told() -> None:
    office = shipped(decides_refunds=False)
    office.portal.receive_return(NUMBER, "RT-1", [("1", 1)])
    office.move(days=2)
    assert office.listed("returns")[0]["refund_minor"] == {}


def test_the_same_return_again_is_no_news() -> None:
    office = shipped()
    for _ in range(2):
        office.portal.receive_return(NUMBER, "RT-1", [("1", 2)])
    with pytest.raises(ValueError, match="other goods"):
        office.portal.receive_return(NUMBER, "RT-1", [("1", 1)])
    office.move(days=2)
    assert len(office.listed("returns")) == 1


@pytest.mark.parametrize("lines", [[("1", 4)], [("9", 1)], [("1", 0)], []])
def test_no_more_comes_back_than_left(lines: list[tuple[str, int]]) -> None:
    office = shipped()
    with pytest.raises(ValueError, match=r"."):
        office.portal.receive_return(NUMBER, "RT-1", lines)
