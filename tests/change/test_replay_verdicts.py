"""What a replay does with each record: what is done is never done again, what differs there is a person's."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from entrepot.change.mapping import Missing
from entrepot.change.replaying import Verdict, counted, digest_of, judge_effect, judge_message

STATES = ("planned", "sending", "done", "refused", "unknown", "parked", "void", "observed", "advised")
NOT_GONE = ("planned", "refused", "parked", "advised")
OLD, NEW = {"type": "STD"}, {"type": "EXP"}
CONTENT = st.sampled_from([None, OLD, NEW, Missing("shipping-type", "pickup")])


def judged(state: str, now: Any = None, **more: Any) -> Any:
    given_ = {"record_id": "e1", "key": "create:C-1", "attempts": 0, "note": "", "payload": OLD, **more}
    return judge_effect(state=state, now=now, **given_)


@given(st.sampled_from(STATES), CONTENT, st.integers(0, 3), st.booleans())
def test_only_what_has_not_left_the_house_is_ever_sent_again(state: str, now: Any, attempts: int, gone: bool) -> None:
    verdict = judged(state, now, attempts=attempts, money_gone=gone).verdict
    assert verdict is not Verdict.SEND or state in NOT_GONE
    assert verdict is not Verdict.DECIDE


@given(st.sampled_from(STATES), st.integers(0, 3))
def test_other_content_at_their_side_is_a_persons_and_in_our_house_is_replaced(state: str, attempts: int) -> None:
    verdict = judged(state, NEW, attempts=attempts).verdict
    expected = {
        "done": Verdict.REVIEW,
        "sending": Verdict.REVIEW,
        "unknown": Verdict.REVIEW,
        "void": Verdict.SKIP,
        "observed": Verdict.SKIP,
    }
    assert verdict is expected.get(state, Verdict.SEND)


@given(st.sampled_from(STATES), st.sampled_from([None, OLD]))
def test_the_same_content_is_sent_again_only_where_it_stands_still(state: str, now: Any) -> None:
    row = judged(state, now)
    assert (row.verdict is Verdict.SEND) == (state in ("refused", "parked"))
    assert row.before is row.after is None


@given(st.sampled_from(STATES))
def test_a_word_the_plan_does_not_know_is_never_sent(state: str) -> None:
    assert judged(state, Missing("shipping-type", "pickup")).verdict is not Verdict.SEND


def test_a_refused_deed_whose_money_went_back_is_not_done_again() -> None:
    assert judged("refused", NEW, money_gone=True).verdict is Verdict.REVIEW
    assert judged("refused", None, money_gone=True).verdict is Verdict.REVIEW


def test_a_parked_message_is_read_again_and_a_decided_one_only_shown_when_its_words_differ() -> None:
    words = [("ON_THE_VAN", "SHIPPED", "STAGING")]

    def verdict(state: str, said: list[tuple[str, str, str]]) -> Verdict:
        return judge_message(record_id="m", name="order C-1-A", state=state, note="unknown-word", words=said).verdict

    assert verdict("parked", []) is Verdict.DECIDE
    assert verdict("decided", words) is Verdict.REVIEW
    assert verdict("decided", []) is verdict("new", words) is verdict("suppressed", words) is Verdict.SKIP


def test_a_digest_names_what_was_seen_and_nothing_else() -> None:
    rows = [judged("planned", NEW), judged("done", NEW)]
    assert digest_of(rows) == digest_of(list(rows))
    assert digest_of(rows) != digest_of(rows[:1])
    assert digest_of(rows) != digest_of([judged("planned", OLD), rows[1]])
    assert counted(rows) == {"send": 1, "decide": 0, "skip": 0, "review": 1}
