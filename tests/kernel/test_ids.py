"""Our own ids: sortable by time, the same from the same seed, and spelt as a plain reading of the alphabet spells them."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
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


def test_ids_made_by_many_threads_at_once_are_all_different() -> None:
    ids = Ids(lambda: 1)
    with ThreadPoolExecutor(8) as pool:
        made = [one for some in pool.map(lambda _: [ids.new("x") for _ in range(2_000)], range(8)) for one in some]
    assert len(set(made)) == 16_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_draws_chance_of_its_own() -> None:
    ids = Ids(lambda: 1)
    ids.new("x")  # some chance is drawn ahead
    child = "import os,sys; from entrepot.kernel.ids import Ids; ids = Ids(lambda: 1); ids.new('x')\npid = os.fork()\nsys.stdout.write(ids.new('x') + chr(10)); sys.stdout.flush()\nif pid: os.waitpid(pid, 0)"
    said = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True).stdout.split()
    assert len(said) == 2 and said[0] != said[1]
