"""The database as a server: is it durable, is its schema ours, may the application only do what it should."""

from dataclasses import dataclass
from datetime import timedelta

from entrepot.blueprint.files import examined
from entrepot.blueprint.finding import Severity
from entrepot.blueprint.model import Plan
from entrepot.change.store import in_force
from entrepot.cli.health.report import Finding, fail, ok, warn
from entrepot.connectors.facts import facts
from entrepot.engine.budget import connection_budget
from entrepot.engine.leader import LEADER_LOCK
from entrepot.flows.runs import RUNS
from entrepot.kernel.clock import Pace, SystemClock
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.errors import WrongSetting
from entrepot.store.db import APP_ROLE
from entrepot.store.migrate import HEAD

CONNECTIONS_BUSY_SHARE = 0.8
SKEW_WARN = timedelta(seconds=5)  # signatures of webhooks carry a time
LINES_SHOWN_MAX = 3  # of what the linter says; `entrepot check` says all
BEATS_S = 60.0  # a worker's heart beats every 10 s


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database says about itself; asked once."""

    row: Row
    pace: Pace | None
    environment: str
    plan_hash: str

    @property
    def rate(self) -> float:
        return self.pace.rate if self.pace else 1.0


_SERVER = """
    SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('data_checksums') AS data_checksums, current_setting('max_connections')::int AS connections_max,
           pg_is_in_recovery() AS in_recovery, current_database() AS database, clock_timestamp() AS at,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
           pg_database_size(current_database()) AS bytes
"""


def look(conn: Conn) -> tuple[Seen, list[Finding]]:
    """Server and schema. With a schema that does not fit nothing else can be asked."""
    row = conn.execute(_SERVER).fetchone()
    assert row is not None
    schema = _schema(conn)
    if schema.verdict != "ok":
        return Seen(row, None, "", ""), [server(row, ""), schema]
    facts = conn.execute(
        "SELECT c.business_base, c.machine_base, c.rate, i.environment, i.plan_hash FROM clock c, installation i"
    ).fetchone()
    if facts is None:
        empty = fail(
            "installation", "the tables are there, but no installation is in them", "run `entrepot db upgrade`"
        )
        return Seen(row, None, "", ""), [server(row, ""), schema, empty]
    pace = Pace(facts["business_base"], facts["machine_base"], facts["rate"])
    seen = Seen(row, pace, facts["environment"], facts["plan_hash"])
    return seen, [server(row, seen.environment), schema]


def server(row: Row, environment: str) -> Finding:
    size = f"{row['bytes'] / 1024**2:.0f} MB"
    words = f"PostgreSQL {row['version'].split()[0]} runs, database {row['database']} ({size})"
    names = ("version", "fsync", "full_page_writes", "synchronous_commit", "data_checksums", "bytes")
    facts = {name: row[name] for name in names}
    if row["in_recovery"]:
        return fail("postgres", f"{words}; it is a standby that takes no writes", "use the primary server's address")
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if row[name] == "off"]
    if off:
        wrong = fail if environment == "production" else warn
        said = f"{words}; {', '.join(off)} off: a crash of the machine loses what was confirmed"
        return wrong("postgres", said, "switch it on and start the server again", **facts)
    return ok("postgres", f"{words}, fsync on", **facts)


def _schema(conn: Conn) -> Finding:
    there = conn.execute("SELECT to_regclass('alembic_version') IS NOT NULL AS there").fetchone()
    found = conn.execute("SELECT version_num FROM alembic_version").fetchone() if there and there["there"] else None
    revision = found["version_num"] if found else None
    facts = {"revision": revision, "needed": HEAD}
    if revision == HEAD:
        return ok("schema", f"{revision}, as this version needs it", **facts)
    if revision is None or revision < HEAD:
        return fail("schema", f"{revision or 'none'}; needed is {HEAD}", "run `entrepot db upgrade`", **facts)
    return fail("schema", f"{revision}; this version knows only {HEAD}", "upgrade Entrepot on this machine", **facts)


def roles(conn: Conn) -> Finding:
    """The application's role exists, is ours to take, is no superuser, and cannot edit the books."""
    row = conn.execute(
        "SELECT r.rolsuper, pg_has_role(session_user, r.oid, 'MEMBER') AS ours,"
        " has_table_privilege(r.oid, 'posting', 'INSERT') AS posts,"
        " has_table_privilege(r.oid, 'posting', 'UPDATE') OR has_table_privilege(r.oid, 'posting', 'DELETE')"
        " OR has_table_privilege(r.oid, 'journal', 'UPDATE') OR has_table_privilege(r.oid, 'journal', 'DELETE') AS edits"
        " FROM pg_roles r WHERE r.rolname = %s",
        (APP_ROLE,),
    ).fetchone()
    upgrade = "run `entrepot db upgrade` as the owner of the schema"
    if row is None:
        return fail("roles", f"the role {APP_ROLE} does not exist: everything runs with the owner's rights", upgrade)
    if not row["ours"] or not row["posts"]:
        return fail("roles", f"the role {APP_ROLE} exists, but cannot be taken or cannot write", upgrade)
    if row["rolsuper"] or row["edits"]:
        return fail("roles", f"{APP_ROLE} may edit the books (journal, posting)", upgrade)
    return ok("roles", f"{APP_ROLE} writes rows and cannot edit the books")


def connections(row: Row, threads: int, workers: int) -> Finding:
    """What the processes may hold together, against what the server has and what is in use."""
    try:
        budget = connection_budget([threads] * workers)
    except WrongSetting as error:
        return fail("connections", error.message, "lower ENTREPOT_WORKERS or the threads of each")
    words = (
        f"the processes may hold {budget.total}, the server has {row['connections_max']}, {row['connections']} in use"
    )
    facts = {"budget": budget.total, "max": row["connections_max"], "used": row["connections"]}
    if budget.total >= row["connections_max"]:
        return fail("connections", words, "raise max_connections of the server, or run fewer workers", **facts)
    if row["connections"] > row["connections_max"] * CONNECTIONS_BUSY_SHARE:
        return warn("connections", words, "see who holds them: SELECT * FROM pg_stat_activity", **facts)
    return ok("connections", words, **facts)


def agreement(seen: Seen, plan: Plan) -> list[Finding]:
    """The blueprint here against the one the processes use."""
    if seen.environment != plan.environment:
        words = f"the database is {seen.environment}, the blueprint {plan.environment}"
        return [fail("environment", words, "use the blueprint or the database that belongs to the other")]
    findings = [ok("environment", seen.environment)]
    if seen.plan_hash and seen.plan_hash != plan.hash:
        words = f"the plan in force is {seen.plan_hash}, the file says {plan.hash}: what differs counts for nothing yet"
        step = "see what differs: `entrepot plan`; make it count: `entrepot apply --reason …`"
        findings.append(warn("blueprint", words, step, in_force=seen.plan_hash, file=plan.hash))
    return findings


def linted(conn: Conn) -> list[Finding]:
    """What the linter says today, knowing the connectors, of the plan the hub runs by: it may have been good when it came into force."""
    version = in_force(conn)
    if version is None:
        return []
    found = examined(version.files, facts(), frozenset(RUNS))
    counts = {str(severity): found.count(severity) for severity in Severity}
    words = f"the plan in force, {version.hash}: {counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes"
    told = [str(one) for one in found.findings if one.severity is not Severity.NOTE][:LINES_SHOWN_MAX]
    text, more = "; ".join([words, *told]), {"hash": version.hash, "counts": counts, "first": told}
    step = "correct it, then `entrepot check` and `entrepot apply --reason …`"
    if counts["error"]:
        return [fail("plan", text, step, **more)]
    return [warn("plan", text, step, **more)] if counts["warning"] else [ok("plan", text, **more)]


def clocks(seen: Seen) -> list[Finding]:
    """How fast business time runs, and how far this machine's clock is from the database's."""
    findings = []
    if seen.pace is not None:
        at = seen.pace.business(seen.row["at"])
        facts = {"rate": seen.rate, "business_now": at}
        speed = "as fast as ours" if seen.rate == 1 else f"{seen.rate:g} times as fast as ours"
        words = f"business time is {at:%Y-%m-%d %H:%M} UTC and runs {speed}"
        real = seen.rate == 1 and abs(at - seen.row["at"]) < timedelta(seconds=1)
        if seen.environment == "production" and not real:
            step = "set table clock to rate 1 with equal bases, while nothing runs"
            findings.append(fail("clock", f"{words}: production must run in real time", step, **facts))
        else:
            findings.append(ok("clock", "business time is real time" if real else words, **facts))
    skew = abs(SystemClock().machine() - seen.row["at"])
    if skew > SKEW_WARN:
        words = f"this machine's clock is {skew.total_seconds():.0f} s from the database's"
        findings.append(warn("clock", words, "keep both in time (NTP): signatures of webhooks carry a time"))
    return findings


def leader(conn: Conn, waiting: int) -> Finding:
    """Who starts work, and whose heart beats."""
    row = conn.execute(
        "SELECT a.pid, a.backend_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
        " AND (l.classid::bigint << 32 | l.objid::bigint) = %s"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (LEADER_LOCK,),
    ).fetchone()
    beating = _workers(conn)
    if row is not None:
        words = f"elected since {row['backend_start']:%Y-%m-%d %H:%M} UTC; {beating} worker loop{'' if beating == 1 else 's'} alive"
        if not beating:
            return fail("leader", words, "nobody does the work: run `entrepot up`, or `entrepot work`", worker_loops=0)
        return ok("leader", words, worker_loops=beating)
    step = "start it: `entrepot up` (or `entrepot demo`)"
    if waiting:
        return fail("leader", f"none: nothing starts work, and {waiting} things wait", step, worker_loops=beating)
    return warn("leader", "none: the hub does not run", step, worker_loops=beating)


def _workers(conn: Conn) -> int:
    row = conn.execute("SELECT to_regclass('procrastinate.procrastinate_workers') IS NOT NULL AS there").fetchone()
    if not (row and row["there"]):
        return 0
    found = conn.execute(
        "SELECT count(*) AS n FROM procrastinate.procrastinate_workers"
        " WHERE last_heartbeat > now() - make_interval(secs => %s)",
        (BEATS_S,),
    ).fetchone()
    return int(found["n"]) if found else 0
