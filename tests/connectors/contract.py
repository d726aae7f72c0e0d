"""What every write of every connector must do, whatever the other side does: one suite, run on each operation.

A story prepares the world so that the write is due, and says how often the other side has really done it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from connectors.market import Market

from entrepot.kernel.http import HttpAnswer, HttpRequest, HttpResponse
from entrepot.kernel.outcome import Done, Later, NotThere, Refused, Unknown

CREDENTIALS_REFUSED = "credentials-refused"
WRONG_PAYLOAD = "wrong-payload"


@dataclass(frozen=True)
class Story:
    """One write about to be made. `applied`: how often it was really done. `code`: as the fault plan knows it."""

    operation: str
    code: str
    payload: Mapping[str, Any]
    applied: Callable[[], int]
    system: str = "mirakl"
    key: str = "the-key"


Tell = Callable[[Market], Story]


@dataclass
class Scene:
    market: Market
    story: Story
    told: list[Any] = field(default_factory=list)

    def send(self) -> Any:
        outcome, detail = self.market.send(self.story.operation, self.story.payload, self.story.key)
        self.told.append(detail)
        return outcome

    def look(self) -> Any:
        found, detail = self.market.look(self.story.operation, self.story.payload, self.story.key)
        self.told.append(detail)
        return found

    def trouble(self, kind: str, arg: int | None = None) -> None:
        self.market.trouble(self.story.code, kind, arg, self.story.system)

    @property
    def connector(self) -> Any:
        return self.market.connector(self.story.operation)

    @property
    def applied(self) -> int:
        return self.story.applied()


class WriteContract:
    """Subclass, and give a fixture `scene`."""

    def test_what_is_sent_is_done_once(self, scene: Scene) -> None:
        assert isinstance(scene.send(), Done)
        assert scene.applied == 1

    def test_an_answer_lost_after_it_was_done_is_unclear_and_a_look_finds_it(self, scene: Scene) -> None:
        scene.trouble("timeout-after")
        assert isinstance(scene.send(), Unknown)
        found = scene.look()
        assert isinstance(found, Done), found
        assert scene.applied == 1

    def test_a_request_lost_before_it_was_done_is_unclear_and_a_look_does_not_find_it(self, scene: Scene) -> None:
        scene.trouble("timeout-before")
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), NotThere)
        assert scene.applied == 0

    def test_a_look_sees_the_same_receipt_as_the_answer_would_have_told(self, scene: Scene) -> None:
        scene.trouble("timeout-after")
        scene.send()
        found = scene.look()
        assert isinstance(found, Done)
        again = scene.look()
        assert isinstance(again, Done)
        assert found.receipt == again.receipt

    @pytest.mark.parametrize("status", ["500", "502", "503", "504"])
    def test_a_failure_of_their_system_leaves_it_unclear(self, scene: Scene, status: str) -> None:
        scene.trouble(status)
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), NotThere)

    def test_too_many_calls_means_later_and_as_they_said(self, scene: Scene) -> None:
        scene.trouble("429", 17)
        outcome = scene.send()
        assert isinstance(outcome, Later)
        assert outcome.after_s == 17
        assert scene.applied == 0

    def test_a_login_page_in_place_of_an_answer_is_not_taken_for_success(self, scene: Scene) -> None:
        scene.trouble("html")
        assert isinstance(scene.send(), Unknown)
        assert scene.applied == 0

    def test_a_token_that_expired_is_renewed_and_the_call_made_once(self, scene: Scene) -> None:
        scene.trouble("expired-token")
        assert isinstance(scene.send(), Done)
        assert scene.applied == 1

    def test_credentials_that_stay_refused_are_said_to_be(self, scene: Scene) -> None:
        scene.trouble("expired-token")
        scene.market.world.faults.add(scene.market.world.faults.waiting()[0])
        outcome = scene.send()
        assert isinstance(outcome, Refused)
        assert outcome.code == CREDENTIALS_REFUSED
        assert scene.applied == 0

    def test_nothing_leaves_when_the_time_to_send_is_over(self, scene: Scene) -> None:
        before = len(scene.market.http.sent)
        effect = scene.market.effect(scene.story.operation, scene.story.key, scene.story.payload, seconds=0.1)
        outcome, _ = scene.connector.operations[scene.story.operation].send(scene.market.ctx, effect)
        assert isinstance(outcome, Later)
        assert len(scene.market.http.sent) == before

    def test_no_call_may_last_longer_than_the_time_to_send(self, scene: Scene) -> None:
        before = len(scene.market.http.sent)
        effect = scene.market.effect(scene.story.operation, scene.story.key, scene.story.payload, seconds=4)
        scene.connector.operations[scene.story.operation].send(scene.market.ctx, effect)
        calls = scene.market.http.sent[before:]
        assert calls
        assert all(call.total_timeout_s < 4 for call in calls)

    def test_a_payload_that_says_too_little_is_refused_and_nothing_leaves(self, scene: Scene) -> None:
        before = len(scene.market.http.sent)
        outcome, _ = scene.market.send(scene.story.operation, {}, scene.story.key)
        assert isinstance(outcome, Refused)
        assert outcome.code == WRONG_PAYLOAD
        assert len(scene.market.http.sent) == before

    def test_a_look_that_fails_leaves_it_unclear(self, scene: Scene) -> None:
        scene.trouble("timeout-after")
        scene.send()
        look = _operation_of_look(scene)
        for kind in ("timeout-before", "503", "429", "truncated", "html"):
            scene.market.trouble(look, kind, 5, scene.story.system)
            assert isinstance(scene.look(), Unknown), kind
        assert isinstance(scene.look(), Done)

    def test_no_secret_is_told_in_what_a_person_sees(self, scene: Scene) -> None:
        scene.trouble("503")
        scene.send()
        scene.send()
        scene.look()
        told = repr(scene.told)
        assert "front-key" not in told
        assert "operator-key" not in told
        assert "gw-secret" not in told

    def test_what_the_manifest_says_is_what_the_operation_says(self, scene: Scene) -> None:
        operation = scene.connector.operations[scene.story.operation]
        assert operation.name == scene.story.operation
        assert operation.can_read_back
        assert operation.settle_s > 0


class TwiceIsOnce(WriteContract):
    """Writes that the other side protects from being done twice, by its states or by our key."""

    def test_sent_again_it_is_done_still_and_only_once(self, scene: Scene) -> None:
        assert isinstance(scene.send(), Done)
        assert isinstance(scene.send(), Done)
        assert scene.applied == 1

    def test_applied_late_after_we_lost_patience_it_is_done_once(self, scene: Scene) -> None:
        scene.trouble("applied-late", 30)
        assert isinstance(scene.send(), Unknown)
        assert isinstance(scene.look(), NotThere)
        scene.market.move(seconds=31)
        assert isinstance(scene.look(), Done)
        assert isinstance(scene.send(), Done)
        assert scene.applied == 1


def _operation_of_look(scene: Scene) -> str:
    """Which call the look makes, by making it."""
    before = dict(scene.market.world.calls)
    scene.look()
    after = scene.market.world.calls
    made = [
        code
        for (system, code), n in after.items()
        if system == scene.story.system and n > before.get((system, code), 0)
    ]
    assert len(made) == 1
    return made[0]


# -- many in one call ------------------------------------------------------------------------------------------------


@dataclass
class Joint:
    """Writes of one operation about to go in one call. `refused`: one that the other side turns down for itself.

    `applied`: how often one was really done. `unsaid`: their answer without a word of this one, where it has one of each.
    """

    market: Any
    operation: str
    code: str
    payloads: Sequence[Mapping[str, Any]]
    refused: Mapping[str, Any]
    applied: Callable[[Mapping[str, Any]], int]
    unsaid: Callable[[bytes, Mapping[str, Any]], bytes] = lambda body, _payload: body

    def send(self, *payloads: Mapping[str, Any], seconds: float = 15.0) -> list[Any]:
        outcomes, self.detail = self.write.send_together(
            self.market.ctx,
            [self.market.effect(self.operation, f"key-{n}", one, seconds) for n, one in enumerate(payloads)],
        )
        return list(outcomes)

    def alone(self, payload: Mapping[str, Any]) -> Any:
        return self.market.send(self.operation, payload)[0]

    def look(self, payload: Mapping[str, Any]) -> Any:
        return self.market.look(self.operation, payload)[0]

    def trouble(self, kind: str, arg: int | None = None) -> None:
        self.market.trouble(self.code, kind, arg)

    @property
    def write(self) -> Any:
        return self.market.channel.operations[self.operation]

    @property
    def calls(self) -> int:
        made: int = self.market.world.calls.get((self.market.name, self.code), 0)
        return made

    @property
    def done(self) -> list[int]:
        return [self.applied(one) for one in self.payloads]


class JoinedContract:
    """Subclass, and give a fixture `joint` of at least three writes."""

    def test_all_go_in_one_call_and_each_is_done(self, joint: Joint) -> None:
        outcomes = joint.send(*joint.payloads)
        assert [type(one) for one in outcomes] == [Done] * len(joint.payloads)
        assert (joint.calls, set(joint.done)) == (1, {1})
        assert joint.detail["rows"] == len(joint.payloads) <= joint.write.together

    def test_what_is_no_such_write_is_refused_by_itself_and_the_others_go(self, joint: Joint) -> None:
        outcomes = joint.send({}, *joint.payloads)
        assert isinstance(outcomes[0], Refused)
        assert outcomes[0].code == WRONG_PAYLOAD
        assert {type(one) for one in outcomes[1:]} == {Done}
        assert (joint.calls, set(joint.done)) == (1, {1})
        assert isinstance(joint.send({}, {})[1], Refused)
        assert joint.calls == 1

    def test_no_call_names_an_article_twice(self, joint: Joint) -> None:
        first, *others = joint.payloads
        outcomes = joint.send(first, first, *others)
        assert isinstance(outcomes.pop(1), Later)
        assert {type(one) for one in outcomes} == {Done}
        assert set(joint.done) == {1}

    def test_a_lost_answer_leaves_each_unclear_and_each_is_found_by_itself(self, joint: Joint) -> None:
        joint.trouble("timeout-after")
        assert {type(one) for one in joint.send(*joint.payloads)} == {Unknown}
        assert {type(joint.look(one)) for one in joint.payloads} == {Done}
        assert set(joint.done) == {1}

    @pytest.mark.parametrize("kind", ["503", "html", "timeout-before"])
    def test_what_may_not_have_arrived_is_unclear_and_looked_at(self, joint: Joint, kind: str) -> None:
        joint.trouble(kind)
        assert {type(one) for one in joint.send(*joint.payloads)} == {Unknown}
        looked = {type(joint.look(one)) for one in joint.payloads}
        assert looked == ({Done} if set(joint.done) == {1} else {NotThere})

    def test_too_many_calls_means_later_for_each(self, joint: Joint) -> None:
        joint.trouble("429", 17)
        assert {(type(one), one.after_s) for one in joint.send(*joint.payloads)} == {(Later, 17)}
        assert set(joint.done) == {0}

    def test_nothing_leaves_when_the_time_to_send_is_over(self, joint: Joint) -> None:
        assert {type(one) for one in joint.send(*joint.payloads, seconds=0.1)} == {Later}
        assert joint.calls == 0


class RefusedByRow(JoinedContract):
    """What they refuse of a call is known when its outcomes are."""

    def test_one_that_they_refuse_is_refused_by_itself_in_their_words(self, joint: Joint) -> None:
        first, *others = joint.payloads
        outcomes = joint.send(first, joint.refused, *others)
        refusal = outcomes.pop(1)
        assert isinstance(refusal, Refused)
        assert refusal.code != WRONG_PAYLOAD
        assert joint.alone(joint.refused) == refusal
        assert {type(one) for one in outcomes} == {Done}
        assert set(joint.done) == {1}


class AnsweredRowByRow(RefusedByRow):
    """Their answer says of each row what became of it; subclass with a joint that has `unsaid`."""

    def test_a_row_that_is_missing_from_the_answer_is_unclear_alone(self, joint: Joint) -> None:
        first, *others = joint.payloads
        with answers_changed(joint.market, lambda body: joint.unsaid(body, first)):
            outcomes = joint.send(*joint.payloads)
        assert isinstance(outcomes[0], Unknown)
        assert {type(one) for one in outcomes[1:]} == {Done}
        assert len(outcomes) == len(others) + 1
        assert isinstance(joint.look(first), Done)


@contextmanager
def answers_changed(market: Any, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """Their answers reach us changed on the way."""
    real = market.ctx

    class Changing:
        def send(self, request: HttpRequest) -> HttpAnswer:
            answer = real.http.send(request)
            return replace(answer, body=change(answer.body)) if isinstance(answer, HttpResponse) else answer

    market.ctx = replace(real, http=Changing())
    try:
        yield
    finally:
        market.ctx = real
