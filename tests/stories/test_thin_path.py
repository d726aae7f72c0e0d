"""One basket, two sellers, one refusal, one refund, one closed cycle: through the whole house."""

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


def test_a_day_ends_with_closed_books_and_nothing_left_to_do(open_day: Callable[..., House]) -> None:
    house = open_day(orders=4)
    house.run_for(hours=3)
    house.finish()
    states = house.rows("SELECT state, count(*) AS n FROM leg GROUP BY state ORDER BY state")
    print(states)
    for sql in (
        "SELECT kind, state, count(*) AS n FROM message GROUP BY kind, state ORDER BY 1, 2",
        "SELECT operation, state, count(*) AS n FROM effect GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT number, mode, state, owner, object, effect_text, cause_text FROM case_file ORDER BY number",
        "SELECT kind, state, count(*) AS n FROM obligation GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT author, kind, state, count(*) AS n FROM statement GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        "SELECT cause, state, amount_minor, explanation FROM variance ORDER BY id",
        "SELECT state, amount_minor FROM payout",
        "SELECT name, account, failures, last_error FROM periodic WHERE failures > 0",
        "SELECT matched, witness, count(*) AS n FROM statement_line GROUP BY 1, 2 ORDER BY 1, 2",
    ):
        for row in house.rows(sql):
            print(row)
    assert house.rows("SELECT * FROM message WHERE state = 'new'") == []
    assert house.rows("SELECT * FROM effect WHERE state NOT IN ('done', 'void', 'refused')") == []
    assert 0
