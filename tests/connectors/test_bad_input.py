"""What every channel must make of bad input, found by its sources and readers: one suite, asked of each.

A word nobody published is Unrecognised; a field that cannot be is Malformed, with its path; an answer that is none is a Problem that
moves no cursor; a refused token is renewed; what a batch rejects has its key and its words. Nothing is lost by any of it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from connectors.channel import ChannelMarket
from connectors.channel_days import DAYS, SOURCES
from connectors.market import Sweep
from connectors.totality import copy, paths, put

from entrepot.connectors.port import Malformed, Problem, ProblemCode, Received, Translator
from entrepot.inbox.model import MALFORMED
from entrepot.kernel.http import HttpAnswer, HttpRequest, HttpResponse
from entrepot.kernel.outcome import Refused, Unrecognised
from entrepot.money.settlement.model import LineType
from entrepot.trade.listing.model import SubmissionSeen
from entrepot.trade.listing.states import SubmissionState

RUNS_MAX = 8
Path = tuple[Any, ...]
Spoil = Callable[[HttpResponse], HttpResponse]

# -- reading, with one answer spoilt -----------------------------------------------------------------------------------


class SpoiltAnswer:
    """The channel's answers as they are, but for those that are to be spoilt. Answers without a body have nothing to spoil."""

    def __init__(self, market: ChannelMarket, nth: int, spoil: Spoil, every: bool = False) -> None:
        self._inner, self._nth, self._spoil, self._every = market.http, nth, spoil, every
        self._heard = 0
        self.spoilt = 0

    def send(self, request: HttpRequest) -> HttpAnswer:
        answer = self._inner.send(request)
        self._heard += 1
        if not isinstance(answer, HttpResponse) or not (self._every or self._heard == self._nth):
            return answer
        if not answer.body and not self._every:
            return answer
        self.spoilt += 1
        return self._spoil(answer)


@dataclass
class Read:
    """What several runs of one source brought, each from where the one before ended."""

    records: dict[tuple[str, str], Received]
    problems: list[Problem]
    malformed: list[Received]

    @property
    def names(self) -> set[tuple[str, str]]:
        return set(self.records)


def read(market: ChannelMarket, source: str) -> Read:
    """Until a run moves nothing any more and had no problem. A problem must not have moved the cursor past its page."""
    found, cursor = Read({}, [], []), None
    for _ in range(RUNS_MAX):
        sweep = market.sweep(source, cursor)
        for record in sweep.records:
            if record.kind == MALFORMED or isinstance(market.seen(record), Malformed):
                found.malformed.append(record)
            else:
                found.records[record.kind, record.external_id] = record
        if sweep.problem:
            assert all(page.cursor is None for page in sweep.pages if page.problem)
            found.problems.append(sweep.problem)
            market.move(minutes=3)  # what was taken out of a queue comes back into it
        elif sweep.cursor in (None, cursor):
            break
        cursor = sweep.cursor or cursor
    return found


def day_of(channel: str) -> ChannelMarket:
    """Its day, with the token fetched: the first answer to come is one of a list."""
    market = DAYS[channel].day()
    assert market.channel.check(market.ctx) is None
    return market


@cache
def undisturbed(channel: str, source: str) -> tuple[frozenset[tuple[str, str]], tuple[tuple[int, str], ...]]:
    """What a source brings when all goes well, and the number and address of the first answer of each kind it reads."""
    market = day_of(channel)
    before = len(market.http.sent)
    names = frozenset(read(market, source).names)
    kinds: dict[str, tuple[int, str]] = {}
    for n, request in enumerate(market.http.sent[before:], 1):
        like = "/".join(part for part in request.url.split("/") if not re.search(r"\d{3}|\d-|%", part))
        kinds.setdefault(f"{request.method} {like}", (n, request.url))
    return names, tuple(kinds.values())


def with_body(body: bytes, content_type: str = "application/json") -> Spoil:
    return lambda answer: replace(answer, status=200, body=body, headers={"content-type": content_type})


NO_ANSWERS: Mapping[str, Spoil] = {
    "a web page with status 200": with_body(b"<!doctype html><html><body>Sign in</body></html>", "text/html"),
    "half a body": lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
    "an empty object": with_body(b"{}"),
    "an empty list": with_body(b"[]"),
    "null": with_body(b"null"),
    "nothing with status 200": with_body(b""),
}
LIKELY = frozenset(
    {"a web page with status 200", "half a body", "an empty object"}
)  # the others: of the first answer only
# What is an answer there all the same, and why nothing is lost by it.
ANSWERS: Mapping[tuple[str, str, str], str] = {
    ("amazon", "notifications", "an empty object"): "so a queue answers that is empty; what it holds stays in it",
    ("mirakl-seller", "submissions", "half a body"): "a report of rows: how many are missing is told, see below",
}


@pytest.mark.parametrize(("channel", "source"), SOURCES)
def test_an_answer_that_is_none_is_a_problem_and_nothing_is_lost(channel: str, source: str) -> None:
    names, answers = undisturbed(channel, source)
    for what, spoil in NO_ANSWERS.items():
        for nth, url in answers if what in LIKELY else answers[:1]:
            market = day_of(channel)
            market.ctx.http = spoilt = SpoiltAnswer(market, nth, spoil)
            found = read(market, source)
            if not spoilt.spoilt:
                continue
            market.ctx.http = market.http
            if (channel, source, what) not in ANSWERS:
                told = [problem.code for problem in found.problems]
                wanted = ProblemCode.NOT_REACHED if is_for_a_token(url) else ProblemCode.UNREADABLE
                assert told == [wanted] or (not told and found.malformed), (what, url, told)
                assert all(problem.words for problem in found.problems)
            market.move(minutes=3)
            assert found.names | read(market, source).names >= names, (what, url)


TOKEN_REFUSED: Spoil = lambda answer: replace(answer, status=401, body=b'{"message":"token expired"}')  # noqa: E731
NO_TOKEN_HOSTS = frozenset(
    {"documents.example", "sqs.example"}
)  # addresses and queues that are signed, not entered by a token


@pytest.mark.parametrize(("channel", "source"), SOURCES)
def test_a_token_refused_in_the_middle_is_renewed_once_and_the_page_read_again(channel: str, source: str) -> None:
    names, answers = undisturbed(channel, source)
    for nth, url in answers:
        market = day_of(channel)
        market.ctx.http = spoilt = SpoiltAnswer(market, nth, TOKEN_REFUSED)
        found = read(market, source)
        entered = urlsplit(url).netloc not in NO_TOKEN_HOSTS and not is_for_a_token(url)
        assert len(found.problems) == (0 if entered else spoilt.spoilt), (url, found.problems)
        assert found.names == names


def is_for_a_token(url: str) -> bool:
    """A second kind of token, fetched when it is first needed: without it there is nothing to renew."""
    return "/token" in url


@pytest.mark.parametrize(("channel", "source"), SOURCES)
def test_a_token_that_stays_refused_is_a_problem_that_says_so(channel: str, source: str) -> None:
    market = day_of(channel)
    market.ctx.http = SpoiltAnswer(market, 0, TOKEN_REFUSED, every=True)
    sweep = market.sweep(source)
    assert sweep.problem is not None
    assert (sweep.problem.code, sweep.cursor, sweep.records) == (ProblemCode.CREDENTIALS_REFUSED, None, [])


# -- lists and reports in which something is missing -------------------------------------------------------------------

COUNTERS = frozenset({"total", "TotalCount", "total_count", "totalCount"})


def without(name: str) -> Spoil:
    """The answer as it was before something was in it: without the element that speaks of it, and counted so."""

    def less(value: Any) -> Any:
        if isinstance(value, list):
            return [less(one) for one in value if name not in json.dumps(one)]
        if isinstance(value, dict):
            shorter = {key: less(one) for key, one in value.items()}
            gone = shorter != value
            return {key: one - 1 if gone and key in COUNTERS else one for key, one in shorter.items()}
        return value

    def spoil(answer: HttpResponse) -> HttpResponse:
        return replace(answer, body=json.dumps(less(json.loads(answer.body))).encode())

    return spoil


@pytest.mark.parametrize("channel", DAYS)
def test_what_a_list_left_out_is_found_by_the_next_run(channel: str) -> None:
    """It was there, but not readable yet, while something later was: the cursor must not have passed it."""
    told = DAYS[channel]
    market = day_of(channel)
    late = told.news(market)
    market.move(seconds=60)
    later = told.news(market)
    lost = _without_it(market, told.source, late)
    assert later in lost.ids
    assert late not in lost.ids
    assert late in market.sweep(told.source, lost.cursor).ids


def _without_it(market: ChannelMarket, source: str, name: str) -> Sweep:
    market.ctx.http = SpoiltAnswer(market, 0, without(name.partition("@")[0]), every=True)
    found = market.sweep(source)
    market.ctx.http = market.http
    return found


def test_amazons_own_report_names_an_order_its_list_left_out() -> None:
    """Made apart from the list: an order that is missing there is a hint here, and the other way round."""
    market = day_of("amazon")
    order_id = DAYS["amazon"].news(market)
    assert order_id not in _without_it(market, "orders", order_id).ids
    hinted = read(market, "order-report").records
    assert ("hint", order_id) in {(kind, market.seen(one).external_id) for (kind, _), one in hinted.items()}


def test_a_report_of_rejects_that_names_fewer_than_were_rejected_says_how_many_are_missing() -> None:
    market = day_of("mirakl-seller")
    (record,) = [one for one in market.sweep("submissions").records if market.seen(one).rejected]
    header = json.loads(record.body)["report"].partition("\n")[0]
    seen = market.channel.translators[record.kind](put(copy(record.body), ("report",), header + "\n"))
    assert isinstance(seen, SubmissionSeen)
    assert seen.rejected == 1
    assert [(one.accepted, one.message) for one in seen.results] == [
        (False, "1 of 1 refused rows are not named in their report")
    ]


# -- batches that are done, and hold rejects ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "source"), [one for one in SOURCES if one[1] in ("submissions", "content-submissions")]
)
def test_a_batch_that_is_done_tells_what_it_rejected_by_our_keys_and_in_their_words(channel: str, source: str) -> None:
    market = day_of(channel)
    seen = [market.seen(record) for record in read(market, source).records.values()]
    done = [one for one in seen if isinstance(one, SubmissionSeen) and one.state is SubmissionState.DONE]
    bad = [result for one in done for result in one.results if not result.accepted]
    assert len(bad) == sum(one.rejected for one in done) == 1
    assert bad[0].key
    assert bad[0].message


@pytest.mark.parametrize(
    ("channel", "operation", "payload"),
    [
        ("channelengine", "channelengine.stock", {"sku": "NOWHERE", "quantity": 3}),
        ("channelengine", "channelengine.price", {"sku": "NOWHERE", "price_minor": 100, "currency": "EUR"}),
        ("ebay", "ebay.set-stock", {"sku": "NOWHERE", "quantity": 3, "their_id": "1"}),
        ("ebay", "ebay.set-price", {"sku": "NOWHERE", "price_minor": 100, "currency": "EUR", "their_id": "1"}),
    ],
)
def test_a_bulk_call_that_went_well_and_refused_our_row_is_refused(
    channel: str, operation: str, payload: Mapping[str, Any]
) -> None:
    outcome, _ = day_of(channel).send(operation, payload)
    assert isinstance(outcome, Refused), outcome
    assert outcome.words


# -- records -----------------------------------------------------------------------------------------------------------


@cache
def records_of(channel: str) -> Mapping[str, tuple[bytes, ...]]:
    """Different records of every kind that the day brings, by kind; hints come by the door, where there is one."""
    market = day_of(channel)
    market.move(minutes=1)
    found: dict[str, list[bytes]] = {}
    pushed: list[Received] = []
    if market.channel.webhook is not None:
        for request in market.webhooks:
            pushed += market.channel.webhook.split(request.body)
    swept = [one for source in market.channel.sources for one in read(market, source).records.values()]
    for record in [*swept, *pushed]:
        if record.kind != MALFORMED:
            found.setdefault(record.kind, []).append(record.body)
    return {kind: tuple(bodies[:3]) for kind, bodies in found.items()}


def understood(channel: str, kind: str, body: bytes) -> Any:
    return readers_of(channel)[kind](body)


@cache
def readers_of(channel: str) -> Mapping[str, Translator]:
    return DAYS[channel].day().channel.translators


KINDS = [(name, kind) for name, one in DAYS.items() for kind in sorted(one.manifest.flows)]


def test_the_days_bring_every_kind_of_record_there_is() -> None:
    for channel in DAYS:
        kinds = {kind for name, kind in KINDS if name == channel}
        assert set(readers_of(channel)) == kinds == set(records_of(channel)), channel


def spots(channel: str, kind: str, wanted: Callable[[Path, Any], bool]) -> Iterator[tuple[bytes, Path, Any]]:
    """Places of a kind's records, once per place whatever its position in a list."""
    met: set[tuple[bytes, Path]] = set()
    for body in records_of(channel)[kind]:
        whole = copy(body)
        for path in paths(whole):
            value = whole
            for key in path:
                value = value[key]
            like = tuple("*" if isinstance(key, int) else key for key in path)
            if wanted(path, value) and (body, like) not in met:
                met.add((body, like))
                yield body, path, value


def is_a_status(path: Path, value: Any) -> bool:
    names = [key for key in path if isinstance(key, str)]
    return isinstance(value, str) and bool(re.search(r"(status|state)$", names[-1], re.IGNORECASE) and value)


# Told as they say it, and no decision hangs on it.
VERBATIM: Mapping[tuple[str, str, str], str] = {
    ("amazon", "account-health", "report.accountStatuses.status"): "whatever is not NORMAL is at risk",
    ("amazon", "hint", "status"): "a hint is read again whatever it says",
    ("ebay", "channel-statement-line", "transaction.transactionStatus"): "the line counts with its payout",
    ("mirakl-seller", "channel-statement-line", "payment_state"): "the line counts with its cycle",
    ("walmart", "channel-statement-line", "row.Ship to State"): "a part of an address",
}


def of(path: Path) -> str:
    return ".".join(key for key in path if isinstance(key, str))


def meant(seen: Any) -> Any:
    """What is decided by: states, and whether we are at risk."""
    lines = tuple(meant(line) for line in getattr(seen, "lines", ()) if is_dataclass(line))
    results = tuple(result.accepted for result in getattr(seen, "results", ()))
    told = tuple(
        getattr(seen, name, None) for name in ("state", "payout_state", "fulfilled_by", "at_risk", "line_type")
    )
    return type(seen), told, lines, results


def says_it_knows_not(seen: Any) -> bool:
    if isinstance(seen, Unrecognised) or seen is LineType.UNRECOGNISED:
        return True
    if isinstance(seen, tuple):
        return any(says_it_knows_not(one) for one in seen)
    return is_dataclass(seen) and any(says_it_knows_not(getattr(seen, field.name)) for field in fields(seen))


@cache
def statuses(channel: str) -> Sequence[tuple[str, bytes, Path, str]]:
    """Every place of its records where a status stands: kind, record, place, word."""
    kinds = [kind for name, kind in KINDS if name == channel]
    return [(kind, *spot) for kind in kinds for spot in spots(channel, kind, is_a_status)]


STATED = frozenset({"channel-order", "channel-return", "listing", "submission", "dispute", "cancellation"})


def test_every_kind_that_has_states_is_asked_for_a_word_nobody_published() -> None:
    unknown = {
        (channel, kind)
        for channel in DAYS
        for kind, body, path, _ in statuses(channel)
        if says_it_knows_not(understood(channel, kind, put(copy(body), path, "ON_ICE")))
    }
    stated = {(channel, kind) for channel, kind in KINDS if kind in STATED}
    assert stated - unknown == {("mirakl-seller", "listing")}  # it has no word but a yes or no, and reasons


def test_a_back_offices_reason_nobody_published_is_not_understood() -> None:
    for body, path, _ in spots("backoffice", "cannot-deliver", lambda path, _value: path == ("reason",)):
        assert understood("backoffice", "cannot-deliver", put(copy(body), path, "ON_ICE")) == Unrecognised(
            "reason", "ON_ICE"
        )


@pytest.mark.parametrize("channel", DAYS)
def test_a_status_nobody_published_is_never_understood(channel: str) -> None:
    for kind, body, path, _ in statuses(channel):
        seen, as_it_is = understood(channel, kind, put(copy(body), path, "ON_ICE")), understood(channel, kind, body)
        not_read = seen == as_it_is or (channel, kind, of(path)) in VERBATIM
        assert not isinstance(seen, Malformed), (kind, path)
        assert says_it_knows_not(seen) or not_read, (kind, path)


def camel_case(word: str) -> str:
    return "".join(part.capitalize() for part in word.lower().split("_"))


def upper_snake(word: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).upper()


@pytest.mark.parametrize("channel", DAYS)
def test_a_status_spelt_another_way_means_the_same_or_nothing(channel: str) -> None:
    for kind, body, path, word in statuses(channel):
        as_it_is = understood(channel, kind, body)
        for spelt in (camel_case(word), upper_snake(word)):
            seen = understood(channel, kind, put(copy(body), path, spelt))
            known = meant(seen) == meant(as_it_is) or (channel, kind, of(path)) in VERBATIM
            assert known or says_it_knows_not(seen), (kind, path, spelt)


BOTH = [("walmart", "channel-order"), ("amazon", "channel-order")]


@pytest.mark.parametrize(("channel", "kind"), BOTH)
def test_where_a_channel_spells_an_orders_status_both_ways_both_are_known(channel: str, kind: str) -> None:
    """Walmart's lists and events; Amazon's old and new interface."""
    at = {
        "walmart": "orderLines.orderLine.orderLineStatuses.orderLineStatus.status",
        "amazon": "fulfillment.fulfillmentStatus",
    }
    words = [
        (body, path, word) for one, body, path, word in statuses(channel) if (one, of(path)) == (kind, at[channel])
    ]
    assert words
    for body, path, word in words:
        for spelt in (camel_case(word), upper_snake(word)):
            assert meant(understood(channel, kind, put(copy(body), path, spelt))) == meant(
                understood(channel, kind, body)
            )


def is_an_instant(_path: Path, value: Any) -> bool:
    return isinstance(value, str) and bool(re.match(r"\d{4}-\d\d-\d\dT\d\d:", value))


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_a_date_that_is_a_number_is_malformed_with_its_path_or_the_same_instant(channel: str, kind: str) -> None:
    for body, path, value in spots(channel, kind, is_an_instant):
        as_it_is = understood(channel, kind, body)
        number = int(datetime.fromisoformat(value).timestamp() * 1000)
        seen = understood(channel, kind, put(copy(body), path, number))
        _named(seen, as_it_is, path)
        _named(understood(channel, kind, put(copy(body), path, 10**30)), as_it_is, path)
        _named(understood(channel, kind, put(copy(body), path, "yesterday")), as_it_is, path)


def _named(seen: Any, as_it_is: Any, path: Path) -> None:
    """Malformed at that place, or at what it is part of; or a place that nobody reads."""
    if isinstance(seen, Malformed):
        where = re.sub(r"\[[^\]]*\]", "", seen.where).removeprefix("$.")
        assert where != "$" and of(path).startswith(where), (path, seen)
    else:
        assert meant(seen) == meant(as_it_is), (path, seen)


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_an_empty_object_in_place_of_a_list_or_of_a_text_is_malformed_with_its_path(channel: str, kind: str) -> None:
    def is_read(_path: Path, value: Any) -> bool:
        return isinstance(value, list | str)

    for body, path, _ in spots(channel, kind, is_read):
        seen = understood(channel, kind, put(copy(body), path, {}))
        assert is_dataclass(seen)
        if isinstance(seen, Malformed):
            _named(seen, None, path)


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_an_empty_object_in_place_of_an_object_is_an_answer_too(channel: str, kind: str) -> None:
    assert isinstance(understood(channel, kind, b"{}"), Malformed)
    for body, path, _ in spots(channel, kind, lambda _path, value: isinstance(value, dict)):
        assert is_dataclass(understood(channel, kind, put(copy(body), path, {})))


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_what_is_no_record_is_malformed(channel: str, kind: str) -> None:
    for body in records_of(channel)[kind]:
        for cut in range(0, len(body), max(1, len(body) // 12)):
            assert isinstance(understood(channel, kind, body[:cut]), Malformed)
    for none in (b"", b"[]", b"null", b"<!doctype html><html></html>", b'"ON_ICE"', b"\xff\xfe"):
        assert isinstance(understood(channel, kind, none), Malformed), none
