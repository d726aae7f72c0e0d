"""The demo: a fresh hub against the sandbox, as real processes, from the first basket to closed books.

Where we are the seller (`--model syndication`, or `both`) the plan is the shipped template of that model unless one is given, and
the outside world has the channels and a back office instead of the operator's systems, or beside them. Every demo gets a database of
its own on the demo's PostgreSQL server, so that the world's memory and ours begin together. Business time starts on a Monday morning
and runs faster than the machine's.
"""

import json
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from entrepot import installations
from entrepot.blueprint.load import load
from entrepot.connectors.facts import facts
from entrepot.engine.supervisor import Child, Supervisor
from entrepot.kernel.clock import DEMO_SPEED_MAX, SystemClock
from entrepot.kernel.errors import NotNow, WrongSetting
from entrepot.launch import children, server_check
from entrepot.process import Settings, database_now, settings, upgrade
from entrepot.proof.channel_figures import broken_channels, channel_figures
from entrepot.proof.figures import broken, figures, selling_figures
from entrepot.proof.plans import write_plan
from entrepot.proof.world import CHANNELS, SYSTEMS_OF, Model, environment_of
from entrepot.store import postgres
from entrepot.store.db import Db

CLUSTER = "demo"
DATABASES_KEPT = 3  # of earlier demos, for looking back
MONDAY = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)
READY_WITHIN_S = 60.0  # machine
REST_S = 4 * 3600.0  # business: after the world rests, reports and reconciliation still come
CALL_S = 10.0
FIRST_LOOK_SPEED = 30.0
FIRST_LOOK_S = 120.0  # machine, at most
GIVE_UP_S = 900.0  # machine: a demo --once that is not over by then has failed


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for."""

    once: bool = False
    model: Model = "operator"
    seed: int = 1
    speed: float = 60.0
    orders: int = 25
    span_minutes: int = 480
    pace_percent: int = 100
    faults: str = "demo"
    give_up_s: float = GIVE_UP_S


@dataclass(frozen=True, slots=True)
class Demo:
    """One prepared demo: its database, its ports, its environment."""

    wish: Wish
    chosen: Settings
    url: str
    ports: Mapping[str, int]
    folder: Path

    @property
    def console(self) -> str:
        return f"http://{self.chosen.host}:{self.chosen.port}/"

    @property
    def first_speed(self) -> float:
        """How fast business time runs at first."""
        return self.wish.speed if self.wish.model == "operator" else FIRST_LOOK_SPEED

    @property
    def hub_url(self) -> str:
        return self.console.rstrip("/")

    @property
    def systems(self) -> tuple[str, ...]:
        """The sandbox's systems of this model."""
        return SYSTEMS_OF[self.wish.model]

    @property
    def env(self) -> dict[str, str]:
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        mail = self.folder / "mail"
        mail.mkdir(parents=True, exist_ok=True)
        alerts = f"json://127.0.0.1:{self.ports['alerts']}/alerts"
        ours = environment_of(self.wish.model, urls, self.hub_url, str(mail), alerts)
        ours |= {"ENTREPOT_PUBLIC_URL": self.hub_url, "ENTREPOT_DATABASE_URL": self.url}
        if self.chosen.blueprint is not None:
            ours["ENTREPOT_BLUEPRINT"] = str(self.chosen.blueprint)
        return {**os.environ, **ours}

    @property
    def noted(self) -> dict[str, str]:
        """What the terminal's commands need to speak for this demo."""
        ours = (
            "ENTREPOT_MIRAKL_",
            "ENTREPOT_GATEWAY_",
            "ENTREPOT_STOREFRONT_",
            "ENTREPOT_AMAZON_",
            "ENTREPOT_WALMART_",
            "ENTREPOT_EBAY_",
            "ENTREPOT_CHANNELENGINE_",
            "ENTREPOT_BACKOFFICE_",
            "ENTREPOT_ALERT_",
            "ENTREPOT_SELLER_",
            "ENTREPOT_PUBLIC_",
            "ENTREPOT_BLUEPRINT",
        )
        return {name: value for name, value in self.env.items() if name.startswith(ours)}

    def processes(self) -> list[Child]:
        wish, env = self.wish, self.env
        ports = json.dumps({name: self.ports[name] for name in self.systems})
        sandbox = [sys.executable, "-m", "entrepot.proof.world_process", "--hub-url", self.hub_url, "--ports", ports]
        sandbox += ["--model", wish.model]
        sandbox += ["--seed", str(wish.seed), "--orders", str(wish.orders), "--span-minutes", str(wish.span_minutes)]
        feeds = self.folder / "feeds" / self.url.rsplit("/", 1)[1]  # each demo has its own
        feeds.mkdir(parents=True, exist_ok=True)
        sandbox += ["--feeds", str(feeds)]
        sandbox += ["--pace-percent", str(wish.pace_percent), "--faults", wish.faults]
        inbox = [sys.executable, "-m", "entrepot.proof.alert_inbox", "--port", str(self.ports["alerts"])]
        operator = [sys.executable, "-m", "entrepot.proof.operator", "--begins-at", MONDAY.isoformat()]
        operator += ["--span-minutes", str(wish.span_minutes), "--feeds", str(feeds)]
        people = [Child("alerts", inbox, env)]
        if wish.model != "syndication":
            people.append(Child("operator", operator, env))
        return [Child("sandbox", sandbox, env), *people, *children(self.chosen, env)]

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the sandbox's control port. Errors: NotNow while it does not answer."""
        url = f"http://127.0.0.1:{self.ports['control']}{path}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=CALL_S) as answer:  # noqa: S310 - our own loopback port
                return json.load(answer)
        except (OSError, ValueError) as error:
            raise NotNow(f"the sandbox does not answer: {error}") from error

    def business_now(self) -> datetime:
        found: datetime = datetime.fromisoformat(self.control("GET", "/health")["now"])
        return found

    def figures(self) -> dict[str, dict[str, Any]]:
        books = self.control("GET", "/books")
        db = Db(self.url, max_size=1, name="demo")
        try:
            with db.transaction() as conn:
                if self.wish.model == "operator":
                    return figures(conn, books)
                counted = selling_figures(conn, books) if self.wish.model == "syndication" else figures(conn, books)
                return {**counted, "channels": channel_figures(conn, books, load(self.chosen.blueprint))}
        finally:
            db.close()


def prepare(wish: Wish) -> Demo:
    """A fresh database with the demo's clock, free ports, a folder for mails. Errors: WrongSetting."""
    if not 1 <= wish.speed <= DEMO_SPEED_MAX:
        raise WrongSetting(f"--speed {wish.speed:g}: business time runs 1 to {DEMO_SPEED_MAX:g} times as fast")
    chosen = settings()
    if chosen.database_url:
        raise WrongSetting("the demo makes databases of its own: unset ENTREPOT_DATABASE_URL, or use `entrepot up`")
    state = chosen.home or postgres.state_home()
    if wish.model != "operator" and chosen.blueprint is None:
        blueprint = write_plan(wish.model, state / f"demo-plan-{wish.model}")
        chosen = chosen.model_copy(update={"blueprint": blueprint})
    plan = load(chosen.blueprint, facts=facts())  # before anything starts: a wrong plan starts nothing
    _require_free(chosen)
    server = postgres.start(chosen.home, CLUSTER)
    chosen = chosen.model_copy(update={"cluster": CLUSTER})
    url = _fresh_database(server.url)
    upgrade(url, plan.environment)
    set_pace(url, MONDAY, 1.0)
    return Demo(wish, chosen, url, _free_ports((*SYSTEMS_OF[wish.model], "alerts")), state / "demo-mail")


def set_pace(url: str, business: datetime, rate: float) -> None:
    """From now on business time runs from `business` at this rate; every process follows within about a second."""
    with psycopg.connect(url) as conn:
        conn.execute(
            "UPDATE clock SET business_base = %s, machine_base = %s, rate = %s", (business, database_now(url), rate)
        )


def _require_free(chosen: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except OSError as error:
            raise WrongSetting(
                f"port {chosen.port} on {chosen.host} is taken (by another demo?): stop it, or set ENTREPOT_PORT"
            ) from error


def _free_ports(names: tuple[str, ...]) -> dict[str, int]:
    held = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
    ports = {name: sock.getsockname()[1] for name, sock in held.items()}
    for sock in held.values():
        sock.close()
    return ports


def _fresh_database(url: str) -> str:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        known = sorted(
            row["datname"]
            for row in conn.execute("SELECT datname FROM pg_database WHERE datname LIKE 'demo\\_%'").fetchall()
        )
        for name in known[: max(0, len(known) - DATABASES_KEPT)]:
            conn.execute(psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(name)))
    number = int(known[-1].removeprefix("demo_")) + 1 if known else 1
    return postgres.create_database(url, f"demo_{number:06d}")


def run(wish: Wish, say: Any = print) -> dict[str, Any] | None:
    """Run the demo. Without `once`: until stopped. With it: until the books are closed; the figures, with `broken` and how it ended."""
    demo = prepare(wish)
    clock = SystemClock()
    out = sys.stderr
    supervisor = Supervisor(demo.processes(), clock, out=out, checks=server_check(demo.chosen, demo.url))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    supervisor.start()
    installations.remember(demo.chosen.home, demo.url, demo.noted, demo.console)
    try:
        _wait_until_ready(demo, supervisor, clock)
        set_pace(demo.url, MONDAY, min(wish.speed, demo.first_speed))  # nobody's time runs before everybody is there
        say(f"console: {demo.console}")
        say(f"alerts: mails in {demo.folder / 'mail'}, webhooks shown at http://127.0.0.1:{demo.ports['alerts']}/")
        _first_look(demo, supervisor, clock)
        if wish.once:
            return _once(demo, supervisor, clock)
        while not supervisor.stopping:
            supervisor.tick()
        return None
    finally:
        supervisor.stop()
        installations.forget(demo.chosen.home)


def _wait_until_ready(demo: Demo, supervisor: Supervisor, clock: SystemClock) -> None:
    """Errors: NotNow when web or sandbox do not answer in time; the processes' own words stand above it."""
    began = clock.machine()
    while not supervisor.stopping:
        supervisor.tick()
        try:
            demo.control("GET", "/health")
            with urllib.request.urlopen(f"{demo.console}readyz", timeout=CALL_S) as answer:  # noqa: S310 - our own port
                if answer.status == 200:
                    return
        except (OSError, NotNow) as error:
            if (clock.machine() - began).total_seconds() > READY_WITHIN_S:
                raise NotNow(f"the demo did not start within {READY_WITHIN_S:.0f} s: {error}") from error


def _first_look(demo: Demo, supervisor: Supervisor, clock: SystemClock) -> None:
    """Five shops seen for the first time are hundreds of prices and stocks to set: they are not cut short by a clock that runs faster."""
    if demo.first_speed >= demo.wish.speed:
        return
    until = clock.machine() + timedelta(seconds=FIRST_LOOK_S)
    with psycopg.connect(demo.url, autocommit=True) as conn:
        while not supervisor.stopping and clock.machine() < until and not _first_look_over(conn):
            supervisor.tick()
            clock.sleep(0.5)
    set_pace(demo.url, demo.business_now(), demo.wish.speed)


def _first_look_over(conn: psycopg.Connection[Any]) -> bool:
    row = conn.execute(
        "SELECT count(DISTINCT account), (SELECT count(*) FROM effect WHERE state IN ('planned', 'sending', 'unknown')) FROM listing"
    ).fetchone()
    return row is not None and row[0] == len(CHANNELS) and row[1] == 0


def _all_bought(demo: Demo, now: datetime) -> bool:
    """Every planned basket was offered to the hub, every buyer of a channel has come; or twice the time for it is over."""
    span_s, passed_s = demo.wish.span_minutes * 60, (now - MONDAY).total_seconds()
    if passed_s < span_s:
        return False
    books, wanted = demo.control("GET", "/books"), demo.wish.orders
    baskets = len(books["storefront"]["baskets"]) if "storefront" in books else wanted
    visits = books["control"]["selling"]["shoppers"]["came"] if "selling" in books["control"] else wanted
    return min(baskets, visits) >= wanted or passed_s > 2 * span_s


def _once(demo: Demo, supervisor: Supervisor, clock: SystemClock) -> dict[str, Any]:
    """Trade for the span, close the books, rest, count."""
    began = clock.machine()
    until_s = demo.wish.give_up_s
    finished = rested_at = None
    problem = ""
    while not problem:
        supervisor.tick()
        if supervisor.stopping:
            problem = "stopped"
        elif (clock.machine() - began).total_seconds() > until_s:
            problem = f"not over after {until_s:.0f} s"
        try:
            now = demo.business_now()
            if finished is None and _all_bought(demo, now):
                demo.control("POST", "/finish", {"close_books": True})
                finished = now
            if finished is not None and rested_at is None and demo.control("GET", "/books")["control"]["done"]:
                rested_at = now
            if rested_at is not None and (now - rested_at).total_seconds() > REST_S:
                break
        except NotNow:
            continue
        clock.sleep(0.3)
    counted: dict[str, Any] = demo.figures()
    counted["demo"] = {
        "seed": demo.wish.seed,
        "speed": demo.wish.speed,
        "business_hours": round((demo.business_now() - MONDAY).total_seconds() / 3600, 1),
        "machine_s": round((clock.machine() - began).total_seconds(), 1),
        "restarts": sum(state.restarts for state in supervisor.states),
        "problem": problem,
        "broken": broken(counted) + broken_channels(counted.get("channels", {})) + ([problem] if problem else []),
    }
    return counted
