"""What every write of every connector must do, whatever the other side does: one suite, run on each operation.

A story prepares the world so that the write is due, and says how often the other side has really done it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from connectors.market import Market

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
