"""One fresh back office per test."""

import pytest
from sandbox.back_office.office import Office


@pytest.fixture
def office() -> Office:
    return Office()
