"""One temporary server for all simulated days."""

from collections.abc import Iterator

import pytest

from entrepot.proof.sim import run


@pytest.fixture(scope="session")
def sim_server() -> Iterator[str]:
    with run.server() as url:
        yield url
