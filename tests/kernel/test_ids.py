"""Our own ids: sortable by time, the same from the same seed, and spelt as a plain reading of the alphabet spells them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.ids import ALPHABET, Ids, _base32


@given(value=st.integers(min_value=0, max_value=2**320), width=st.integers(min_value=1, max_value=64))
def test_two_letters_at_a_time_spell_what_one_at_a_time_does(value: int, width: int) -> None:
    assert _base32(value, width) == "".join(ALPHABET[(value >> (5 * i)) & 31] for i in range(width - 1, -1, -1))


def test_an_id_made_later_sorts_later_and_says_what_it_names() -> None:
    ticks = iter([1_000, 1_001])
    ids = Ids(lambda: next(ticks), Random(1))
    first, second = ids.new("case"), ids.new("case")
    assert first.startswith("case_") and len(first) == len("case_") + 26
    assert first < second


def test_the_same_seed_makes_the_same_ids() -> None:
    assert [Ids(lambda: 5, Random(3)).new("x") for _ in range(2)] == [Ids(lambda: 5, Random(3)).new("x")] * 2
