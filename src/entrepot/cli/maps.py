"""map: what the plan says, drawn into a folder, with the figures of the hub that runs here when one does."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrepot.cli.opening import opened
from entrepot.cli.output import note, paper, say_json
from entrepot.kernel.errors import NotNow, OwnerDecides, WrongSetting

if TYPE_CHECKING:
    from entrepot.blueprint.draw.risks import Seen
    from entrepot.blueprint.model import Plan


def map_(*, out: Path, blueprint: Path | None = None, json: bool = False) -> int:
    """Draw the plan: architecture, route, risks, ownership, identifiers, and a card per system for when it is away.

    Each as SVG, Markdown and CSV, with an index.md. The risk register carries what the hub that runs here has seen;
    where none runs it says so, and the rest is the same. The same plan makes the same files, byte for byte.

    Parameters
    ----------
    out
        The folder the files are written to; made when it is not there.
    blueprint
        Draw this plan; without it the one the running hub uses, else ENTREPOT_BLUEPRINT, else the one that ships.
    json
        One JSON document on stdout.
    """
    from entrepot.blueprint.draw.pack import files

    plan, seen = _plan_and_seen(blueprint)
    made = files(plan, seen)
    written = [_write(out, path, text) for path, text in made.items()]
    if json:
        say_json({"plan": plan.hash, "days": seen.days if seen else None, "out": str(out), "files": written})
    else:
        page = paper()
        page.line(f"{len(written)} files in {out}; begin with {out / 'index.md'}")
    return 0


def _plan_and_seen(blueprint: Path | None) -> "tuple[Plan, Seen | None]":
    """What cannot be asked of a hub is said beside the answer: a plan can always be drawn. Errors: WrongBlueprint."""
    from entrepot.blueprint.load import load
    from entrepot.insight.experience import seen

    given = load(blueprint) if blueprint else None
    try:
        with opened() as house:
            plan = given or house.plan
            with house.db.transaction() as conn:
                return plan, seen(conn, house.clock.now())
    except (NotNow, OwnerDecides) as error:
        note(f"drawn without figures: {error.message}")
    return given or load(_configured()), None


def _configured() -> str | None:
    from entrepot.process import settings

    chosen = settings().blueprint
    return str(chosen) if chosen else None


def _write(folder: Path, path: str, text: str) -> dict[str, Any]:
    """Errors: WrongSetting when the folder cannot be written."""
    data = text.encode()
    try:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    except OSError as error:
        raise WrongSetting(f"--out {folder}: {path} cannot be written: {error.strerror or error}") from error
    return {"path": path, "bytes": len(data)}
