"""Who the server runs as: root, whom PostgreSQL refuses, lends it an unprivileged account; others are themselves."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from entrepot.store.postgres.errors import Reason, ServerNotReady, ServerRefused

DEDICATED = "entrepot"
# Where no account can be created (read-only /etc, no tool for it) the distribution's database account serves; `nobody`,
# which other daemons may share, comes last.
FALLBACKS = ("postgres", "nobody")
COMMAND_MAX_S = 300.0


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_lent(self) -> bool:
        return os.geteuid() == 0 and self.uid != 0

    def run(self, argv: Sequence[str | Path], *, timeout_s: float = COMMAND_MAX_S) -> subprocess.CompletedProcess[str]:
        """Run a command as this account: empty stdin, no group but its own, nothing of the caller's environment."""
        become = self.is_lent
        try:
            return subprocess.run(
                [str(part) for part in argv],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=timeout_s,
                cwd="/",
                umask=0o077,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                user=self.uid if become else None,
                group=self.gid if become else None,
                extra_groups=[] if become else None,
            )
        except subprocess.TimeoutExpired as error:
            raise ServerNotReady(
                Reason.NO_ANSWER,
                f"A PostgreSQL program has not ended within {timeout_s:.0f} s.",
                where=argv[0],
                whose=self.name,
                next_step="see whether the machine or its disk is overloaded, then try again",
            ) from error
        except OSError as error:
            raise ServerRefused(
                Reason.ACCOUNT,
                f"The account '{self.name}' cannot run a PostgreSQL program ({error.strerror}).",
                where=argv[0],
                whose=self.name,
                next_step="check that the folder is not mounted noexec and that we may change to that account, "
                "run as an ordinary user, or set ENTREPOT_DATABASE_URL to a server of yours",
            ) from error

    def own(self, path: Path) -> None:
        """Hand over a folder or file we have just made."""
        if self.is_lent:
            try:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            except OSError as error:
                raise ServerRefused(
                    Reason.ACCOUNT,
                    f"The folder cannot be given to the account '{self.name}' ({error.strerror}).",
                    where=path,
                    whose=self.name,
                    next_step="run as an ordinary user, or set ENTREPOT_DATABASE_URL",
                ) from error

    def may_enter(self, folder: Path) -> Path | None:
        """The first folder on the way down that is closed to this account; None when the way is open."""
        target = Path(os.path.realpath(folder))
        for step in [*reversed(target.parents), target]:
            if not self._may_search(step):
                return step
        return None

    def _may_search(self, folder: Path) -> bool:
        if self.uid == os.geteuid():
            return os.access(folder, os.X_OK)
        try:
            found = folder.stat()
        except OSError:
            return False
        return bool(found.st_mode & self._search_bit(found))

    def _search_bit(self, found: os.stat_result) -> int:
        if self.uid == found.st_uid:
            return stat.S_IXUSR
        groups = os.getgrouplist(self.name, self.gid) if _known(self.name) else [self.gid]
        return stat.S_IXGRP if found.st_gid in groups else stat.S_IXOTH


def _known(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def me() -> Account:
    return _account(os.geteuid(), os.getegid())


def owner_of(path: Path) -> Account:
    found = path.stat()
    return _account(found.st_uid, found.st_gid)


def _account(uid: int, gid: int) -> Account:
    """An account without a name (a container's arbitrary user id) goes by its number."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, gid)
    return Account(entry.pw_name, uid, entry.pw_gid)


def lent(home: Path) -> Account:
    """The account root lends: `entrepot`, created if it can be, else one of the fallbacks. The caller holds a lock."""
    for name in (DEDICATED, *FALLBACKS):
        entry = _known(name)
        if entry is None and name == DEDICATED:
            entry = _create(name, home)
        if entry is not None and entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerRefused(
        Reason.ACCOUNT,
        "PostgreSQL does not run as root, and there is no unprivileged account to lend it.",
        where="/etc/passwd",
        whose="root",
        next_step=f"create one (useradd --system {DEDICATED}), run as an ordinary user, or set ENTREPOT_DATABASE_URL",
    )


def _create(name: str, home: Path) -> pwd.struct_passwd | None:
    """Try useradd (most systems), then busybox adduser; an account another starter made meanwhile counts."""
    commands = (
        [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            str(home),
            "--shell",
            "/usr/sbin/nologin",
            name,
        ],
        ["adduser", "-S", "-D", "-H", "-h", str(home), "-s", "/sbin/nologin", name],
    )
    for command in commands:
        program = shutil.which(command[0], path=f"{os.defpath}:/usr/sbin:/sbin")
        if program is None:
            continue
        subprocess.run([program, *command[1:]], capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
        if entry := _known(name):
            return entry
    return None
