"""Start a program that cannot outlive its supervisor: `python -I -S child.py SUPERVISOR_PID PROGRAM ARG…`.

A file of its own, run before the program: nothing of ours runs between fork and exec, whatever threads the
supervisor has. Linux: the kernel kills it when the supervisor dies. Elsewhere this process stays, watches, and kills.
"""

import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
WATCH_EVERY_S = 0.5


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies, and notice when it died before we could ask."""
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")


def watch(parent: int, argv: list[str]) -> int:
    """Run the program below us; pass a stop on; kill it when the supervisor is gone."""
    process = subprocess.Popen(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: process.send_signal(received))
    while True:
        try:
            code = process.wait(WATCH_EVERY_S)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                process.kill()
        else:
            return code if code >= 0 else 128 - code


def main() -> int:
    how, parent, argv = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    if how == "watch":
        return watch(parent, argv)
    die_with_parent(parent)
    return os.execvp(argv[0], argv)  # noqa: S606  # the program comes from our own list, and no shell is the point


if __name__ == "__main__":
    sys.exit(main())
