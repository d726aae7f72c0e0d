"""The plans that proofs run on: the shipped templates, put together and read as a person's own files would be."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.blueprint.templates import FIRST, files_of
from entrepot.connectors.facts import manifest
from entrepot.proof.world import BACK_OFFICE_ACCOUNT, CHANNELS, Model

SYSTEMS_FILE: Final = "systems.yaml"
RARELY: Final = timedelta(hours=4)
SWEEPS: Final[Mapping[str, timedelta]] = {
    # Safety checks where we are the seller, in proofs: events of the channels and pushes of the back office tell most of it, and hundreds
    # of idle looks would fill the time of a day that runs faster than the machine's.
    "orders": timedelta(hours=1),
    "new-orders": timedelta(hours=1),
    "notifications": timedelta(minutes=15),
    "returns": timedelta(hours=1),
    "cancellations": timedelta(hours=1),
    "disputes": timedelta(hours=2),
    "submissions": timedelta(minutes=30),
    "content-submissions": timedelta(minutes=30),
    "listings-with-issues": timedelta(hours=2),
    "order-report": timedelta(hours=8),
    "retired-items": timedelta(hours=12),
    "performance": timedelta(hours=12),
    "account-health": timedelta(hours=12),
    "standards": timedelta(hours=12),
    "quotas": timedelta(hours=12),
    "parcels": timedelta(hours=1),
    "stock": timedelta(minutes=30),
    "prices": timedelta(hours=2),
}


def sweeps_of(connector: str) -> dict[str, timedelta]:
    """How often a proof looks at each list of a channel."""
    return {name: SWEEPS.get(name, RARELY) for name in manifest(connector).sources}


def write_plan(model: Model, folder: Path) -> Path:
    """A template's files in a folder, with the sweeps of a proof; gives the first of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files_of(model).items():
        written = _with_sweeps(text) if name == SYSTEMS_FILE and model != "operator" else text
        (folder / name).write_text(written, "utf-8")
    return folder / FIRST


def _with_sweeps(text: str) -> str:
    for account in (*CHANNELS, BACK_OFFICE_ACCOUNT):
        system = account.partition("/")[0]
        found = re.search(rf"(?m)^  {system}:.*\n(?:    .*\n)*?    connector: (\S+)$", text)
        if found is None:
            raise LookupError(f"the plan has no connector of {system}")
        listed = ", ".join(f"{name}: {every // timedelta(minutes=1)}m" for name, every in sweeps_of(found[1]).items())
        head = f"  {account}:\n"
        start = text.index(head) + len(head)
        block = re.match(r"(?:    .*\n)*", text[start:])
        assert block is not None
        kept = "".join(line for line in block[0].splitlines(True) if not line.startswith("    sweeps:"))
        text = f"{text[:start]}{kept}    sweeps: {{{listed}}}\n{text[start + len(block[0]) :]}"
    return text


def plan_of(model: Model) -> Plan:
    """The shipped plan of one model. Errors: WrongBlueprint."""
    with TemporaryDirectory(prefix="entrepot-plan-") as folder:
        return load(write_plan(model, Path(folder)))
