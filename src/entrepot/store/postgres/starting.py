"""One start of one server, under its lock: join the one that runs, or make, repair and launch it."""

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from entrepot.store.postgres import cluster as words
from entrepot.store.postgres.account import Account
from entrepot.store.postgres.binaries import Binaries, Candidates, How, choose, place_for
from entrepot.store.postgres.cluster import Cluster, is_free, ports, prepare_data_dir
from entrepot.store.postgres.errors import Reason, ServerNotReady, ServerRefused
from entrepot.store.postgres.patience import Patience
from entrepot.store.postgres.place import Place, Record, own_folder, shared_lock
from entrepot.store.postgres.postmaster import PidFile, Postmaster
from entrepot.store.postgres.server import (
    ADMIN_DATABASE,
    DATABASE,
    Server,
    ServerGone,
    answer,
    create_database,
    local_url,
)

# Backends of a killed server end by themselves when they notice; those that do not notice are asked, then killed.
LEFTOVERS_ASKED_S, LEFTOVERS_KILLED_S = 1.0, 4.0
RETRY_S = 0.1


@dataclass(frozen=True)
class Wish:
    """What the caller of a start asked for."""

    durable: bool
    temporary: bool
    port: int | None
    candidates: Candidates


@dataclass
class Starting:
    """Whoever holds the server's lock."""

    place: Place
    record: Record | None
    postmaster: Postmaster
    account: Account
    wish: Wish
    patience: Patience

    def serve(self) -> Server:
        while True:
            try:
                return self._serve()
            except ServerGone:  # it was dying when we found it
                if not self.patience.wait(RETRY_S):
                    raise

    def _serve(self) -> Server:
        if running := self._running():
            return self._join(running)
        self._await_leftovers()
        data_dir = self.postmaster.data_dir
        major = prepare_data_dir(self.place, data_dir, self.account)
        cluster = Cluster(self.place, data_dir, self.account, self._binaries(major))
        if self.place.run.is_dir() and self.place.run.stat().st_uid != self.account.uid:
            shutil.rmtree(self.place.run)  # logs and socket of a server that ran as another account
        own_folder(self.place.run, self.account)
        password = self.place.password(create=major is None)
        if major is None:
            cluster.initialise(password, durable=self.wish.durable)
        return self._launch(cluster, password)

    def _running(self) -> PidFile | None:
        """The server that runs, once it has told its port; one that is being stopped is awaited."""
        while (found := self.postmaster.pid_file()) and (found.status == "stopping" or found.port is None):
            if not self.patience.wait(RETRY_S / 2):
                raise ServerNotReady(
                    Reason.STOP,
                    f"The server (process {found.pid}) is between starting and stopping and stays there.",
                    where=self.postmaster.data_dir,
                    whose=self.account.name,
                    next_step="wait and start again, or stop it with mode 'immediate'",
                )
        return found

    def _binaries(self, major: int | None) -> Binaries:
        chosen = choose(self.wish.candidates, self.account, self.postmaster.data_dir, major)
        if not self.account.is_lent:
            return chosen
        with shared_lock(self.patience) as shared:
            return place_for(self.account, chosen, shared)

    def _join(self, running: PidFile) -> Server:
        """A server runs already: it is the answer, unless it would not keep what we want kept."""
        if self.wish.durable and self.record and not self.record.durable:
            raise ServerRefused(
                Reason.NOT_DURABLE,
                "The server that runs there was started without durability: a crash would lose data.",
                where=self.postmaster.data_dir,
                whose=self.account.name,
                next_step="stop it, then start it again with durability",
            )
        record = Record(
            data_dir=str(self.postmaster.data_dir),
            port=running.port or 0,
            socket_dir=str(running.socket_dir or self.place.run),
            how=self.record.how if self.record else How.MACHINE,
            durable=self.wish.durable,
            temporary=self.wish.temporary,
        )
        return self._served(record, self.place.password(create=False))

    def _launch(self, cluster: Cluster, password: str) -> Server:
        socket_dir = self.place.socket_dir(self.account)
        wanted = self.wish.port
        free = iter([wanted]) if wanted else ports(self.place, self.record.port if self.record else None)
        port, said = next(free, None), "no free port was found"
        while port is not None and self.patience.left_s > 0:
            record = Record(
                data_dir=str(cluster.data_dir),
                port=port,
                socket_dir=str(socket_dir),
                how=cluster.binaries.how,
                durable=self.wish.durable,
                temporary=self.wish.temporary,
            )
            self.place.write_record(record)  # before the launch: killed during it, we find the server again
            cluster.write_settings(port, socket_dir, durable=self.wish.durable)
            said = cluster.launch(self.patience.left_s)
            if not said or self.postmaster.pid_file():  # ready, or still repairing itself from its log
                return self._served(record, password)
            if words.blames_port(said):
                port = next(free, None)
            elif words.blames_pid_file(said):  # the number in it may be another program's by now
                self.postmaster.clear_stale_files(socket_dir)
            elif not words.blames_leftovers(said):
                break
            self._await_leftovers()
            self.patience.wait(RETRY_S)
        raise self._refusal(said, cluster)

    def _await_leftovers(self) -> None:
        """After a kill -9 old backends (or an orphaned initdb) still use the data; nothing starts before they end."""
        since = self.patience.spent_s
        while left := self.postmaster.leftovers():
            waited = self.patience.spent_s - since
            if waited > LEFTOVERS_KILLED_S:
                self.postmaster.signal(signal.SIGKILL, left)
            elif waited > LEFTOVERS_ASKED_S:
                self.postmaster.signal(signal.SIGQUIT, left)
            if not self.patience.wait(RETRY_S):
                raise ServerNotReady(
                    Reason.STOP,
                    f"What a killed server left behind has not ended: processes {', '.join(map(str, left))}.",
                    where=self.postmaster.data_dir,
                    whose=self.account.name,
                    next_step="wait and start again, or end those processes yourself",
                )

    def _refusal(self, said: str, cluster: Cluster) -> ServerRefused:
        port = self.wish.port
        if port and words.blames_port(said) and not is_free(port):
            return ServerRefused(
                Reason.PORT_TAKEN,
                f"Port {port} is taken by another program.",
                where=f"127.0.0.1:{port}",
                whose="that program's owner",
                next_step=f"choose another port, or see who listens there: ss -ltnp 'sport = :{port}'",
            )
        return ServerRefused(
            Reason.START,
            f"PostgreSQL {cluster.binaries.version} did not start: {said}",
            where=cluster.data_dir,
            whose=self.account.name,
            next_step=f"read {self.place.start_log} and {self.place.log_folder}, mend what they name and start again",
        )

    def _served(self, record: Record, password: str) -> Server:
        admin = local_url(password, record.port, ADMIN_DATABASE)
        version = answer(
            admin,
            self.patience,
            where=record.data_dir,
            whose=self.account.name,
            is_there=lambda: self.postmaster.pid_file() is not None,
        )
        running = PidFile.read(self.postmaster.data_dir)
        return Server(
            url=create_database(admin, DATABASE),
            version=version,
            how=How(record.how),
            data_dir=self.postmaster.data_dir,
            pid=running.pid if running else None,
            port=record.port,
            socket_dir=Path(record.socket_dir),
            home=self.place.home,
            name=self.place.name,
        )
