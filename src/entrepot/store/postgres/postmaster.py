"""A server as the operating system sees it: its pid file, its processes, what is left of them after a kill -9."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from entrepot.store.postgres.account import owner_of
from entrepot.store.postgres.errors import Reason, ServerNotReady, ServerRefused
from entrepot.store.postgres.patience import Patience

STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
PROGRAMS = ("postgres", "postmaster", "initdb")
PROC = Path("/proc")
HAS_PROC = PROC.joinpath("self").exists()


@dataclass(frozen=True)
class PidFile:
    """postmaster.pid: pid, data directory, start time, port, socket folder, address, shared memory key, status."""

    pid: int
    port: int | None
    socket_dir: Path | None
    status: str

    @classmethod
    def read(cls, data_dir: Path) -> "PidFile | None":
        try:
            lines = (data_dir / "postmaster.pid").read_text("utf-8", errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        lines += [""] * (8 - len(lines))
        if not lines[0].strip().lstrip("-").isdigit():
            return None  # being written just now, or cut off by a crash
        port = int(lines[3]) if lines[3].strip().isdigit() else None
        return cls(abs(int(lines[0])), port, Path(lines[4]) if lines[4] else None, lines[7].strip())


@dataclass(frozen=True)
class Postmaster:
    """The processes that serve one data directory. `title` is what our settings put into their process titles."""

    data_dir: Path
    title: str

    def pid_file(self) -> PidFile | None:
        """The pid file, if its process lives and serves this directory and is not another's by now."""
        found = PidFile.read(self.data_dir)
        return found if found and self.lives(found.pid) else None

    def lives(self, pid: int) -> bool:
        """A zombie does not serve any more: it has no command line left."""
        return self._serves(pid) if HAS_PROC else _answers_signals(pid)

    def leftovers(self) -> list[int]:
        """Every process that still works on this directory."""
        found = (int(entry.name) for entry in PROC.glob("[0-9]*"))
        return sorted(pid for pid in found if self._serves(pid))

    def _serves(self, pid: int) -> bool:
        """By its title, its working directory (where we may look: not as a container's root), or its command line."""
        try:
            words = (PROC / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:
            return False
        title = words[0].decode(errors="replace")
        if title.startswith(f"postgres: {self.title}: "):
            return True
        if not (title.startswith("postgres: ") or Path(title).name in PROGRAMS):
            return False
        try:
            here = (PROC / str(pid) / "cwd").readlink() == self.data_dir
        except OSError:
            here = False
        return here or os.fsencode(self.data_dir) in words

    def signal(self, which: signal.Signals, pids: list[int]) -> None:
        for pid in pids:
            try:
                os.kill(pid, which)
            except ProcessLookupError:
                continue
            except PermissionError as error:
                raise ServerRefused(
                    Reason.FOREIGN_OWNER,
                    f"The server process {pid} is not ours to signal.",
                    where=self.data_dir,
                    whose=owner_of(self.data_dir).name,
                    next_step="stop it as that user or as root",
                ) from error

    def clear_stale_files(self, socket_dir: Path) -> bool:
        """Remove the lock files of a dead server whose number is another's (or a zombie's) now; False while any serves.

        PostgreSQL itself refuses to start then, for it asks only whether a process of that number exists.
        """
        if not HAS_PROC or self.leftovers():
            return False
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        for path in socket_dir.glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)
        return True

    def stop(self, mode: str, patience: Patience) -> bool:
        """Ask the server to end and wait until all its processes have; False when none was running."""
        found = self.pid_file()
        if found is None:
            return False
        self.signal(STOP_SIGNALS[mode], [found.pid])
        if mode == "immediate":
            self.signal(signal.SIGCONT, [found.pid])  # a frozen server hears nothing else
        while self.lives(found.pid):
            if not patience.wait(0.02):
                raise ServerNotReady(
                    Reason.STOP,
                    f"The server (process {found.pid}) has not ended after {patience.spent_s:.0f} s of a {mode} stop.",
                    where=self.data_dir,
                    whose=owner_of(self.data_dir).name,
                    next_step="wait and try again, or stop it with mode 'immediate' (the next start then repairs)",
                )
        return True


def _answers_signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
