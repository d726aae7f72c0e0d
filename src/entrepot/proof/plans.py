"""The plans that proofs run on: the shipped templates, put together and read as a person's own files would be."""

from pathlib import Path
from tempfile import TemporaryDirectory

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.blueprint.templates import FIRST, files_of
from entrepot.proof.world import Model


def write_plan(model: Model, folder: Path) -> Path:
    """A template's files in a folder; gives the first of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files_of(model).items():
        (folder / name).write_text(text, "utf-8")
    return folder / FIRST


def plan_of(model: Model) -> Plan:
    """The shipped plan of one model. Errors: WrongBlueprint."""
    with TemporaryDirectory(prefix="entrepot-plan-") as folder:
        return load(write_plan(model, Path(folder)))
