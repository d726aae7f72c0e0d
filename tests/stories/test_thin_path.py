"""One basket, two sellers, one refusal: charged for what was accepted, the rest of the hold given back."""

from collections.abc import Callable

from entrepot.proof.house import House


def test_a_basket_of_two_sellers_is_charged_for_the_one_that_accepted(open_day: Callable[..., House]) -> None:
    house = open_day(orders=1)
    house.run_for(hours=10)
    legs = {r["order_id"][-1]: r["state"] for r in house.rows("SELECT order_id, state FROM leg ORDER BY order_id")}
    assert legs == {"A": "shipped", "B": "refused"}
    [basket] = house.rows("SELECT * FROM basket")
    [leg] = house.rows("SELECT * FROM leg WHERE state = 'shipped'")
    assert basket["captured_minor"] == leg["accepted_minor"] == leg["debited_minor"] > 0
    assert basket["captured_minor"] + basket["released_minor"] == basket["authorised_minor"]
