"""docs/back-office-api.md names every path, every field and every refusal that the back office serves, and every field it is sent."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandbox.back_office.office import NUMBER, Office, order, refund

from entrepot.sandbox.back_office.settings import REASONS, TOPICS
from entrepot.sandbox.back_office.system import ROUTES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "back-office-api.md").read_text("utf-8")
SOURCE = ROOT / "src" / "entrepot" / "sandbox" / "back_office"
OPEN = {"attributes", "refund_minor"}  # objects whose keys are the company's own
PATHS = {
    "cancel-order": "POST /orders/{number}/cancellations",
    "import-order": "PUT /orders/{number}",
    "order": "GET /orders/{number}",
    "book-refund": "PUT /refunds/{refund}",
    "refund": "GET /refunds/{refund}",
}


def section(heading: str) -> str:
    """What stands under a heading, up to the next one of any kind."""
    found = re.search(rf"^##+ {re.escape(heading)}$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def fields_of(value: Any, at: str = "") -> Iterator[str]:
    """Every field, as the page writes it: `lines[].line_id`."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield f"{at}{name}"
            if name not in OPEN:
                yield from fields_of(inside, f"{at}{name}.")
    elif isinstance(value, list):
        for one in value:
            yield from fields_of(one, f"{at.removesuffix('.')}[].")


def told(office: Office) -> dict[str, Any]:
    """One answer or body of each kind, by the heading it stands under. Everything that can be there is there."""
    office.book(("1", "LAMP-1", 3), ("2", "BELL-1", 6))
    office.portal.give_up(NUMBER, [("2", 1)])
    answers: dict[str, Any] = {"POST /orders/{number}/cancellations": office.cancel(("1", 1)).json()}
    office.move(days=2)
    office.portal.receive_return(NUMBER, "RT-1", [("1", 2), ("2", 2)])
    office.move(days=2)
    answers["PUT /orders/{number}"] = office.book(("1", "LAMP-1", 3), ("2", "BELL-1", 6)).json()
    answers["GET /orders/{number}"] = office.order()
    answers["PUT /refunds/{refund}"] = office.call("PUT", "/refunds/R-1", refund()).json()
    answers["GET /refunds/{refund}"] = office.call("GET", "/refunds/R-1").json()
    answers["GET /version"] = office.call("GET", "/version").json()
    return answers


@pytest.fixture(scope="module")
def seasoned() -> tuple[Office, dict[str, Any]]:
    office = Office(reject_chance=0.5)
    return office, told(office)


def test_every_path_has_its_section() -> None:
    for _, _, operation in ROUTES:
        assert section(PATHS.get(operation, f"GET /{operation}"))


def test_every_field_of_every_answer_is_named_under_its_path(seasoned: tuple[Office, dict[str, Any]]) -> None:
    for heading, answer in seasoned[1].items():
        for name in fields_of(answer):
            if isinstance(answer.get(name), list):
                continue  # named with what is in it
            assert f"`{name}`" in section(heading), (heading, name)


@pytest.mark.parametrize("name", ["parcels", "cancellations", "returns", "stock", "prices", "products"])
def test_every_field_of_every_list_is_named(seasoned: tuple[Office, dict[str, Any]], name: str) -> None:
    body = seasoned[0].call("GET", f"/{name}").json()
    assert body[name], "an empty list proves nothing"
    assert set(body) == {name, "next"}
    assert "`next`" in section("Lists of changes")
    page = section(f"GET /{name}")
    assert f"`{name}`" in page
    for one in body[name]:
        for field in fields_of(one):
            if one.get(field) != [] and not (isinstance(one.get(field), list) and isinstance(one[field][0], dict)):
                assert f"`{field}`" in page, (name, field)


def test_returns_with_accepted_and_rejected_goods_were_looked_at(seasoned: tuple[Office, dict[str, Any]]) -> None:
    [back] = seasoned[0].listed("returns")
    assert back["accepted"]
    assert back["rejected"]
    assert back["refund_minor"]


@pytest.mark.parametrize(
    ("heading", "body"),
    [
        ("PUT /orders/{number}", order()),
        ("PUT /refunds/{refund}", refund()),
        (
            "POST /orders/{number}/cancellations",
            {"cancellation": "K", "reason": "other", "lines": [{"line_id": "1", "quantity": 1}]},
        ),
    ],
)
def test_every_field_that_is_sent_is_named(heading: str, body: dict[str, Any]) -> None:
    for name in fields_of(body):
        assert f"`{name}`" in section(heading), name


def test_every_field_of_a_push_is_named(seasoned: tuple[Office, dict[str, Any]]) -> None:
    import json

    page = section("Telling us at once")
    office = seasoned[0]
    office.world.tick()
    for request in office.heard:
        assert all(f"`{name}`" in page for name in json.loads(request.body))
    assert {json.loads(request.body)["type"] for request in office.heard} >= {
        "parcel",
        "cancellation",
        "return",
        "stock",
    }
    assert all(f"`{topic}`" in page for topic in TOPICS)


def test_every_refusal_is_named_with_its_status() -> None:
    raised = set()
    for path in SOURCE.glob("*.py"):
        raised |= set(re.findall(r'Refusal\(\s*(\d{3}),\s*(?:"([\w-]+)"|OUT_OF_STOCK)', path.read_text("utf-8")))
    assert len(raised) >= 12
    for status, code in raised:
        assert f"| `{code or 'out-of-stock'}` | {status} |" in PAGE, code
    assert all(f"`{name}`" in PAGE for name in ("code", "message", "field"))


def test_every_reason_is_named() -> None:
    assert all(f"`{reason}`" in PAGE for reason in REASONS)
