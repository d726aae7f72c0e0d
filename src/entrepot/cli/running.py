"""up, serve, work: the processes of the hub, and the database under them."""

import json
import logging
import os
from pathlib import Path

from entrepot.connectors.facts import facts
from entrepot.engine.budget import WEB_POOL
from entrepot.engine.supervisor import Supervisor
from entrepot.engine.worker import run_worker
from entrepot.kernel.clock import SystemClock
from entrepot.kernel.errors import WrongSetting
from entrepot.launch import children, server_check
from entrepot.process import (
    EXIT_OTHER_PLAN,
    PlanWatch,
    Settings,
    database_url,
    open_hub,
    settings,
    start_logging,
    upgrade,
    yield_to_the_doors,
)
from entrepot.store import migrate, postgres

log = logging.getLogger(__name__)


def up() -> int:
    """Start PostgreSQL (unless ENTREPOT_DATABASE_URL names one), upgrade the schema, run one web and the workers."""
    chosen = settings()
    start_logging(chosen.log_level)
    from entrepot.blueprint.load import load

    plan = load(chosen.blueprint, facts=facts())  # before anything starts: a wrong blueprint starts nothing
    url = database_url(chosen)
    upgrade(url, plan.environment)
    env = {**os.environ, "ENTREPOT_DATABASE_URL": url}
    print(f"console: http://{chosen.host}:{chosen.port}/", flush=True)
    return Supervisor(children(chosen, env), SystemClock(), checks=server_check(chosen, url)).run()


def serve() -> int:
    """Console on http://ENTREPOT_HOST:ENTREPOT_PORT/, API under /api/v1, webhooks under /hooks."""
    import uvicorn

    from entrepot.site import site

    chosen = settings()
    start_logging(chosen.log_level)
    if chosen.host not in ("127.0.0.1", "localhost", "::1"):
        raise WrongSetting(
            f"ENTREPOT_HOST={chosen.host}: the console has no login yet and listens on this machine only"
        )
    running = open_hub(chosen, name="web", connections=WEB_POOL)
    config = uvicorn.Config(
        site(running.hub),
        host=chosen.host,
        port=chosen.port,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    watch = running.watch(lambda: setattr(server, "should_exit", True))
    server.run()
    watch.stop()
    running.db.close()
    return EXIT_OTHER_PLAN if watch.seen.is_set() else 0


def work() -> int:
    """Drain lanes from the three queues until told to stop."""
    chosen = settings()
    start_logging(chosen.log_level)
    yield_to_the_doors()
    running = open_hub(chosen, name="worker", connections=sum(chosen.threads.values()) + 1)
    watches: list[PlanWatch] = []
    code = run_worker(
        running.hub.room(running.url, lease_s=chosen.lease_s),
        chosen.threads,
        given_stop=lambda stop: watches.append(running.watch(stop)),
    )
    watches[0].stop()
    running.db.close()
    return code or (EXIT_OTHER_PLAN if watches[0].seen.is_set() else 0)


def db_upgrade() -> int:
    """Safe to run again, and while the hub runs."""
    from entrepot.blueprint.load import load

    chosen = settings()
    plan = load(chosen.blueprint, facts=facts())  # a wrong plan upgrades nothing: what `check` says, in the same words
    url = database_url(chosen)
    upgrade(url, plan.environment)
    print(f"the schema is at {migrate.revision(url)}")
    return 0


def db_status(*, json_: bool = False) -> int:
    """Which schema the database has, and which one this Entrepot needs."""
    chosen = settings()
    url = database_url(chosen)
    status = {"revision": migrate.revision(url), "needed": migrate.HEAD}
    print(
        json.dumps(status)
        if json_
        else f"the schema is at {status['revision'] or 'nothing'}; needed is {status['needed']}"
    )
    return 0 if status["revision"] == status["needed"] else 3


def state_folder(chosen: Settings) -> Path:
    return chosen.home or postgres.state_home()
