"""The writes to the back office against its sandbox: each under the contract of all writes, then what only a back office does."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from connectors.backoffice.company import NUMBER, SYSTEM, Company, cancellation, order, refund
from connectors.contract import Scene, Story, TwiceIsOnce
from connectors.market import Answers, make_ctx, said

from entrepot.connectors.port import Access
from entrepot.connectors.registry import connect
from entrepot.connectors.writes import WRONG_PAYLOAD
from entrepot.kernel.errors import WrongSetting
from entrepot.kernel.outcome import Done, NotThere, Refused, Unknown
from entrepot.outbox.http import OutboundHttp
from entrepot.sandbox.http import serve

IMPORT, CANCEL, REFUND = "backoffice.import-order", "backoffice.cancel-order", "backoffice.book-refund"
Tell = Callable[[Company], Story]


def story(company: Company, operation: str, name: str, payload: dict[str, Any]) -> Story:
    code = operation.partition(".")[2]
    return Story(operation, code, payload, lambda: company.applied(code, name), system=SYSTEM)


def import_order(company: Company) -> Story:
    return story(company, IMPORT, NUMBER, order())


def cancel_order(company: Company) -> Story:
    company.book()
    return story(company, CANCEL, "K-1", cancellation())


def book_refund(company: Company) -> Story:
    company.book()
    return story(company, REFUND, "R-1", refund())


class TestWritesToTheBackOffice(TwiceIsOnce):
    @pytest.fixture(params=[import_order, cancel_order, book_refund], ids=lambda tell: tell.__name__)
    def scene(self, request: pytest.FixtureRequest, company: Company) -> Scene:
        tell: Tell = request.param
        return Scene(company, tell(company))  # type: ignore[arg-type]  # a channel's market stands in for the marketplace's

    def test_no_secret_is_told_in_what_a_person_sees(self, scene: Scene) -> None:
        super().test_no_secret_is_told_in_what_a_person_sees(scene)
        assert "backoffice-key" not in repr(scene.told)


# -- orders ----------------------------------------------------------------------------------------------------------


def test_the_receipt_is_the_companys_document_number(company: Company) -> None:
    outcome, _ = company.send(IMPORT, order())
    assert outcome == Done({"document_number": "SO-100001"})
    assert company.look(IMPORT, order())[0] == outcome


@pytest.mark.parametrize("number", ["a/b:1", "a:ü ß?#%2F", "a:.."])
def test_any_number_travels_in_the_path(company: Company, number: str) -> None:
    payload = order(number)
    assert isinstance(company.send(IMPORT, payload)[0], Done)
    assert isinstance(company.look(IMPORT, payload)[0], Done)
    assert company.applied("import-order", number) == 1
    sent = urlsplit(company.http.sent[0].url).path
    assert sent.isascii()
    assert sent.count("/") == 2


def test_what_is_sent_is_the_published_body_and_nothing_else(company: Company) -> None:
    company.send(IMPORT, {**order(), "root": "basket:303", "buyer": "Ada"})
    assert msgspec.json.decode(company.http.sent[0].body) == order()


@pytest.mark.parametrize(
    "changed",
    [
        {"number": ""},
        {"lines": []},
        {"currency": None},
        {"lines": [{**order()["lines"][0], "quantity": 0}]},
        {"lines": [{**order()["lines"][0], "price_minor": -1}]},
        {"lines": [{**order()["lines"][0], "price_minor": "10.00"}]},
    ],
)
def test_an_order_that_cannot_be_does_not_leave(company: Company, changed: dict[str, Any]) -> None:
    outcome, _ = company.send(IMPORT, {**order(), **changed})
    assert isinstance(outcome, Refused)
    assert outcome.code == WRONG_PAYLOAD
    assert company.http.sent == []


def test_an_article_nobody_knows_is_refused_in_their_words(company: Company) -> None:
    outcome, _ = company.send(IMPORT, order(of=(("1", "LAMP-1", 1), ("2", "GHOST", 1))))
    assert outcome == Refused("unknown-sku", "no article GHOST", "lines[1].sku")
    assert isinstance(company.look(IMPORT, order())[0], NotThere)


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"refuse_chance": 1.0}, "no-capacity"), ({"backorders": False}, "out-of-stock")],
)
def test_what_they_do_not_take_is_refused_in_their_words(settings: dict[str, Any], code: str) -> None:
    outcome, _ = Company(**settings).send(IMPORT, order(of=(("1", "LAMP-1", 61),)))
    assert isinstance(outcome, Refused)
    assert outcome.code == code


def test_our_number_with_another_content_is_refused_and_the_first_order_stands(company: Company) -> None:
    company.book()
    outcome, _ = company.send(IMPORT, order(of=(("1", "LAMP-1", 3),)))
    assert isinstance(outcome, Refused)
    assert outcome.code == "other-content"
    assert company.applied("import-order", NUMBER) == 1


def test_a_look_does_not_take_an_order_with_other_lines_for_ours(company: Company) -> None:
    company.book()
    found, _ = company.look(IMPORT, order(of=(("1", "LAMP-1", 3),)))
    assert isinstance(found, Refused)
    assert found.code == "other-content"


def test_an_order_that_was_shipped_meanwhile_is_found(company: Company) -> None:
    company.trouble("import-order", "timeout-after")
    assert isinstance(company.send(IMPORT, order())[0], Unknown)
    company.move(days=2)
    assert company.look(IMPORT, order())[0] == Done({"document_number": "SO-100001"})


# -- cancellations ---------------------------------------------------------------------------------------------------


def test_in_time_and_too_late_are_both_answers(company: Company) -> None:
    company.book()
    assert company.send(CANCEL, cancellation())[0] == Done({"state": "cancelled"})
    company.portal.pick(NUMBER)
    late = cancellation("K-2", of=(("2", 1),))
    assert company.send(CANCEL, late)[0] == Done({"state": "too-late"})
    assert company.look(CANCEL, late)[0] == Done({"state": "too-late"})
    assert company.look(CANCEL, cancellation())[0] == Done({"state": "cancelled"})


def test_a_cancellation_nobody_asked_for_is_not_there(company: Company) -> None:
    assert isinstance(company.look(CANCEL, cancellation())[0], NotThere)
    company.book()
    assert isinstance(company.look(CANCEL, cancellation())[0], NotThere)


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"number": "a:none"}, "not-found"), ({"lines": [{"line_id": "9", "quantity": 1}]}, "unknown-line")],
)
def test_a_cancellation_of_what_is_not_there_is_refused(company: Company, changed: dict[str, Any], code: str) -> None:
    company.book()
    outcome, _ = company.send(CANCEL, {**cancellation(), **changed})
    assert isinstance(outcome, Refused)
    assert outcome.code == code


# -- refunds ---------------------------------------------------------------------------------------------------------


def test_the_receipt_of_a_refund_is_the_credit_note(company: Company) -> None:
    company.book()
    assert company.send(REFUND, refund())[0] == Done({"document_number": "CN-100001"})
    assert company.look(REFUND, refund())[0] == Done({"document_number": "CN-100001"})


def test_a_look_does_not_take_another_refund_for_ours(company: Company) -> None:
    company.book()
    company.send(REFUND, refund())
    found, _ = company.look(REFUND, refund(amount_minor=501))
    assert isinstance(found, Refused)
    outcome, _ = company.send(REFUND, refund(amount_minor=501))
    assert isinstance(outcome, Refused)
    assert outcome.code == found.code == "other-content"


def test_a_refund_of_an_order_they_never_booked_is_refused(company: Company) -> None:
    outcome, _ = company.send(REFUND, refund())
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.field) == ("not-found", "number")


# -- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "payload", "made"),
    [
        (IMPORT, order(), {"number": "a:other", "document_number": "SO-1", "state": "accepted"}),
        (IMPORT, order(), {"number": NUMBER, "document_number": "", "state": "accepted"}),
        (IMPORT, order(), {"number": NUMBER}),
        (IMPORT, order(), None),
        (CANCEL, cancellation(), {"state": "maybe"}),
        (CANCEL, cancellation(), {}),
        (REFUND, refund(), {"refund": "R-2", "document_number": "CN-1"}),
        (REFUND, refund(), []),
    ],
)
def test_an_answer_about_something_else_is_not_taken_for_ours(
    company: Company, operation: str, payload: dict[str, Any], made: Any
) -> None:
    ctx = make_ctx(Answers(said(200, msgspec.json.encode(made))), company.clock)
    outcome, _ = company.channel.operations[operation].send(ctx, company.effect(operation, "k", payload))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    "found", [{"number": "a:other", "document_number": "SO-1", "lines": []}, {"number": NUMBER, "lines": 3}, {}]
)
def test_a_look_that_finds_something_unreadable_leaves_it_unclear(company: Company, found: Any) -> None:
    ctx = make_ctx(Answers(said(200, msgspec.json.encode(found))), company.clock)
    effect = company.effect(IMPORT, "k", order())
    assert isinstance(company.channel.operations[IMPORT].read_back(ctx, effect)[0], Unknown)


def test_a_path_that_does_not_exist_does_not_count_as_an_order_that_does_not(company: Company) -> None:
    ctx = make_ctx(Answers(said(404, '{"code":"no-such-call","message":"x","field":null}')), company.clock)
    effect = company.effect(IMPORT, "k", order())
    assert isinstance(company.channel.operations[IMPORT].read_back(ctx, effect)[0], Unknown)


# -- the account -----------------------------------------------------------------------------------------------------


def test_the_check_needs_a_key_that_is_let_in(company: Company) -> None:
    assert company.channel.check(company.ctx) is None
    wrong = connect(SYSTEM, Access("erp", company.access.base_url, {"key": lambda: "guess"}))
    problem = wrong.check(company.ctx)
    assert problem is not None
    assert problem.code == "credentials-refused"


def test_an_account_without_a_key_is_no_account() -> None:
    with pytest.raises(WrongSetting):
        connect(SYSTEM, Access("erp", "http://erp.example"))


@pytest.mark.parametrize("number", [NUMBER, "a/b:1", "a:ü ß?#%2F&=+", "a:.."])
def test_what_holds_in_process_holds_on_the_wire(company: Company, number: str) -> None:
    with serve(company.world, {SYSTEM: 0}, hang_s=0.3, ticking=False) as servers:
        http = OutboundHttp([servers.url(SYSTEM)], loopback=True)
        ctx = make_ctx(http, company.clock)
        access = Access(company.account, servers.url(SYSTEM), company.access.secrets)
        wired = connect(SYSTEM, access)
        effect = company.effect(IMPORT, "k", order(number))
        assert isinstance(wired.operations[IMPORT].send(ctx, effect)[0], Done)
        assert isinstance(wired.operations[IMPORT].read_back(ctx, effect)[0], Done)
        asked = company.effect(CANCEL, "c", cancellation(number=number))
        assert wired.operations[CANCEL].send(ctx, asked)[0] == Done({"state": "cancelled"})
        [page] = wired.sources["stock"].fetch(ctx, None)
        assert len(page.received) == 4
        assert page.cursor is not None
        [again] = wired.sources["stock"].fetch(ctx, page.cursor)
        assert again.problem is None
        http.close()
    assert company.applied("import-order", number) == 1
