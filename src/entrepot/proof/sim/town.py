"""The simulated installation: starts its processes, lets them die, freeze and lose their connections, starts them again."""

from collections.abc import Callable
from random import Random

from entrepot.kernel.errors import NotNow
from entrepot.proof.sim.ground import Ground
from entrepot.proof.sim.life import WEB, WORKERS, Life
from entrepot.proof.sim.scheduler import Process
from entrepot.sandbox.core import Hang, Request, Response

IDLE_ENDED_AFTER_S = 8.0  # virtual: a frozen process in a transaction
LEADER_ENDED_AFTER_S = 3.0  # virtual: a frozen leader
RESTART_S = (0.5, 20.0)


class Town:
    """Starts processes, lets them die, starts them again."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.lives: dict[str, Life] = {}
        self._numbers: dict[str, int] = {}
        self._supervisor = Process("supervisor")
        self._rng = Random(f"{ground.seed}/supervisor")
        self.crashes = 0
        self.freezes = 0
        self.drops = 0

    def open(self) -> None:
        for name in (*WORKERS, WEB):
            self.start(name)

    def start(self, name: str) -> None:
        self._numbers[name] = self._numbers.get(name, 0) + 1
        life = Life(self.ground, name, self._numbers[name])
        try:
            life.hub.prepare()
        except NotNow:
            life.db.die()
            raise
        self.ground.scheduler.trace.add(name, "start")
        self.lives[name] = life
        life.start()

    def crash(self, process: Process) -> None:
        """SIGKILL: its sockets close, its fibers stop where they are; the supervisor starts it again after a while."""
        life = self.lives.pop(process.name)
        self.crashes += 1
        self.ground.scheduler.trace.add(process.name, "crash")
        life.db.die()
        self._restart_later(process.name)
        self.ground.scheduler.fire(self.ground.seat)
        self.ground.scheduler.kill(process)

    def _restart_later(self, name: str) -> None:
        pause = self._rng.uniform(*RESTART_S)

        def run() -> None:
            self.ground.scheduler.sleep(pause)
            while name not in self.lives:
                try:
                    self.start(name)
                except NotNow:  # another process holds a row it wants at its start
                    self.ground.scheduler.sleep(1.0)

        self.ground.scheduler.spawn(self._supervisor, f"restart-{name}", run)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP: it holds what it holds, until the server loses patience."""
        life = self.lives.get(name)
        if life is None:
            return
        self.freezes += 1
        self.ground.scheduler.trace.add(name, f"freeze {seconds:.3f}")
        self.ground.scheduler.freeze(life.process, seconds)
        self._watch_frozen(life, LEADER_ENDED_AFTER_S, seconds, lambda: self._end_leader(life))
        if name in WORKERS:
            self._watch_frozen(life, IDLE_ENDED_AFTER_S, seconds, life.db.drop_in_transaction)

    def _watch_frozen(self, life: Life, patience_s: float, seconds: float, end: Callable[[], None]) -> None:
        def run() -> None:
            self.ground.scheduler.sleep(patience_s)
            if life.process.alive:
                end()

        if seconds > patience_s:
            self.ground.scheduler.spawn(self._supervisor, f"patience-{life.process.name}", run)

    def _end_leader(self, life: Life) -> None:
        if life.leader_conn is not None:
            self.ground.undertaker.end([life.leader_conn])
            self.ground.scheduler.fire(self.ground.seat)

    def drop(self, name: str) -> None:
        life = self.lives.get(name)
        if life is not None:
            self.drops += 1
            self.ground.scheduler.trace.add(name, "connections dropped")
            life.db.drop_all()
            self.ground.scheduler.fire(self.ground.seat)

    def restart_database(self) -> None:
        """Every session of everybody ends; what was not committed is not done."""
        self.ground.chaos.fired["database-restart"] += 1
        for name in list(self.lives):
            self.drop(name)

    def outbound(self, base_url: str, request: Request) -> Response | Hang:
        """The world's way in: nobody answers while the web process is down."""
        life = self.lives.get(WEB)
        return life.knock(request) if life is not None else Hang(applied=False)

    def calm(self) -> None:
        """No more mishaps; who is frozen wakes up."""
        self.ground.chaos.on = False
        for life in self.lives.values():
            life.process.frozen_until = None

    def close(self) -> None:
        for life in self.lives.values():
            life.db.die()
