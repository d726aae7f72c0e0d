"""What `entrepot up` keeps running: our own processes, and our own PostgreSQL server under them."""

import sys
from collections.abc import Mapping, Sequence

from entrepot.engine.budget import connection_budget
from entrepot.engine.supervisor import Check, Child, postgres_check
from entrepot.process import Settings
from entrepot.store import postgres


def entrepot(*arguments: str) -> list[str]:
    """The command line of one of our own processes: the same Python, whatever the PATH says."""
    return [sys.executable, "-m", "entrepot.cli", *arguments]


def children(chosen: Settings, env: Mapping[str, str]) -> list[Child]:
    """One web and the workers; the sum of their connections fits the server."""
    connection_budget([sum(chosen.threads.values())] * chosen.workers)
    web = Child("web", entrepot("serve"), env)
    return [web, *(Child(f"worker-{n}", entrepot("work"), env) for n in range(1, chosen.workers + 1))]


def server_check(chosen: Settings, url: str) -> Sequence[Check]:
    """Our own server is revived when it dies; a configured one is somebody else's to revive."""
    if chosen.database_url:
        return []
    return [postgres_check(url, lambda: postgres.start(chosen.home, chosen.cluster))]
