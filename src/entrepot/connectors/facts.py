"""What the connectors' manifests say, as the linter takes it: no connector is loaded for it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from entrepot.blueprint.lint.facts import CallCeiling, ConnectorFacts, Facts, WriteFacts
from entrepot.blueprint.model import MANUAL
from entrepot.blueprint.units import parse_window
from entrepot.connectors.manifest import EVENTS, FOR_EVER, Manifest, load
from entrepot.kernel.errors import WrongSetting

PACKAGE = "entrepot.connectors"
NOT_CALLED = (ConnectorFacts(MANUAL, calls=False),)


@cache
def manifests() -> Mapping[str, Manifest]:
    """Of every connector that ships, by its name."""
    folders = sorted(folder.name for folder in files(PACKAGE).iterdir() if folder.joinpath("manifest.toml").is_file())
    return {found.name: found for found in (load(f"{PACKAGE}.{name}") for name in folders)}


def manifest(connector: str) -> Manifest:
    """Errors: WrongSetting for a connector that does not ship."""
    if connector not in manifests():
        raise WrongSetting(f"there is no connector “{connector}”", connector=connector)
    return manifests()[connector]


@cache
def facts() -> Facts:
    """Of every connector that ships, and of those words for a connector behind which nothing of ours stands."""
    return {known.name: known for known in (*NOT_CALLED, *map(facts_of, manifests().values()))}


def facts_of(manifest: Manifest) -> ConnectorFacts:
    return ConnectorFacts(
        name=manifest.name,
        party=manifest.party,
        models=frozenset(manifest.models),
        patterns=frozenset(manifest.patterns),
        credentials=frozenset(manifest.credentials),
        needed=frozenset(name for name, field in manifest.credentials.items() if field.required),
        needed_once={name: field.once for name, field in manifest.credentials.items() if field.once},
        sweeps={name: row.code for name, row in manifest.sources.items()}
        | ({EVENTS: manifest.events.code} if manifest.events else {}),
        ceilings={
            code: tuple(CallCeiling(row.calls, row.per_s) for row in rows) for code, rows in manifest.ceilings.items()
        },
        writes={
            name: WriteFacts(row.partner_key, row.read_back, row.money) for name, row in manifest.operations.items()
        },
        deadlines_s=_in_force(manifest) | {name: row.within_s for name, row in manifest.deadlines.items()},
        duties=frozenset(row.kind for row in manifest.obligations),
    )


def _in_force(manifest: Manifest) -> dict[str, float]:
    """Seconds from the order on, for each demand that has no end yet; the shortest, where markets differ."""
    found: dict[str, float] = {}
    for row in manifest.obligations:
        window = parse_window(row.within)
        if row.starts != "placed" or row.until != FOR_EVER or isinstance(window, int):
            continue  # days of a calendar are no stretch of time that a promise could be compared with
        found[row.kind] = min(window.total_seconds(), found.get(row.kind, window.total_seconds()))
    return found
