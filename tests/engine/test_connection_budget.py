"""The connection budget: what the processes may hold together."""

import pytest

from entrepot.engine.budget import connection_budget
from entrepot.engine.worker import DEFAULT_THREADS
from entrepot.kernel.errors import WrongSetting


def test_one_web_and_two_default_workers_fit() -> None:
    threads = sum(DEFAULT_THREADS.values())
    budget = connection_budget([threads, threads])
    assert [(share.process, share.connections) for share in budget.shares] == [
        ("worker-1", threads + 4),
        ("worker-2", threads + 4),
        ("web-1", 24),
        ("leader", 2),
    ]
    assert budget.total == 2 * (threads + 4) + 26


def test_the_last_connection_is_granted_and_one_more_is_refused_by_name() -> None:
    assert connection_budget([50]).total == 80
    with pytest.raises(WrongSetting, match=r"81 .*worker-1 55, web-1 24, leader 2.*80 is the limit"):
        connection_budget([51])
