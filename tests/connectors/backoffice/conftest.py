"""One fresh company per test."""

import pytest
from connectors.backoffice.company import Company


@pytest.fixture
def company() -> Company:
    return Company()
