"""A connector's manifest: what it can do, needs to get in, may call how often, and when "not there" counts."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:  # whoever only asks what a connector can do loads none
    from entrepot.connectors.port import Access, Limit


class CredentialField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    sensitive: bool
    required: bool


class CeilingRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    calls: int
    per_s: float


class OperationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One write. `settle_s`: business seconds before a read-back's "not there" counts. `read_back`: one can look."""

    code: str
    settle_s: float
    money: bool
    partner_key: bool
    read_back: bool = False
    role: str = ""


class SourceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sweep. `overlap_s`: how far the cursor stays behind; `first_s`: how far back the first run looks."""

    code: str
    flow: str
    every_s: float
    size: int
    pages_max: int
    overlap_s: float = 0.0
    first_s: float = 0.0
    role: str = ""


class DeadlineRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when they wait, as they publish it. `source`: where, and when it was read."""

    within_s: float
    source: str


class WebhookRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scheme: str
    tolerance_s: float


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    party: str
    models: list[str]
    capabilities: list[str]
    checked_on: str
    width: int
    credentials: dict[str, CredentialField]
    operations: dict[str, OperationRow]
    sources: dict[str, SourceRow]
    flows: dict[str, str]  # kind of message -> flow
    ceilings: dict[str, list[CeilingRow]] = {}
    webhook: WebhookRow | None = None
    patterns: list[str] = []  # of the blueprint's words, what can be done with it; empty: nobody has said
    deadlines: dict[str, DeadlineRow] = {}  # by obligation

    def limit(self, access: "Access", code: str, name: str) -> "Limit | None":
        """The bucket of one operation code: the account's own ceilings, else the published ones."""
        from entrepot.connectors.port import Ceiling, bucket

        own: Mapping[str, Sequence[Ceiling]] = access.ceilings
        published = [Ceiling(row.calls, row.per_s) for row in self.ceilings.get(code, ())]
        return bucket(name, own.get(code, published))


def load(package: str) -> Manifest:
    """The manifest shipped beside a connector's code."""
    text = files(package).joinpath("manifest.toml").read_bytes()
    return msgspec.toml.decode(text, type=Manifest)
