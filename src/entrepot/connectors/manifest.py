"""A connector's manifest: what it can do, needs to get in, may call how often, and when "not there" counts."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from entrepot.kernel.errors import WrongSetting

if TYPE_CHECKING:  # whoever only asks what a connector can do loads none
    from entrepot.connectors.port import Access, Limit


class CredentialField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`once`: another field; where that is given, this one is needed too."""

    label: str
    sensitive: bool
    required: bool
    once: str = ""


class CeilingRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    calls: int
    per_s: float
    burst: int | None = None  # a token bucket of theirs: so many at once, refilled at `calls` in `per_s`


class OperationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One write. `settle_s`: business seconds before a read-back's "not there" counts. `read_back`: one can look."""

    code: str
    settle_s: float
    money: bool
    partner_key: bool
    read_back: bool = False
    role: str = ""
    together: int = 1  # how many of them go in one call, where the connector can join them
    together_from: int = 2  # how many must be due before that call is worth making
    together_code: str = ""  # its own code, where it is another call than the single one: its ceiling counts then
    batch: bool = (
        False  # what comes back is a receipt for a batch; its items are answered later, by the source `submissions`
    )


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


FOR_EVER = "9999-12-31"
EVENTS = "events"  # how a plan names the queue of stock and price events among an account's sweeps


class ObligationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the channel demands of a seller, as published: a dated rule, not a timer.

    `kind`: acknowledge | ship | cancelled (they cancel by themselves) | answer-dispute | answer-return | answer-cancellation.
    `per`: order | line. `starts`: placed | ship-by | deliver-by | opened | given (the record itself names the due time).
    `within`: "4h", "7 working-days", "4 days", "0h" (at `starts` itself). `since`, `until`: first day and day after the last on which
    an order is placed under it. `markets`: their market words; empty: all. `after`: the kind it follows when that is missed.
    """

    kind: str
    per: str
    starts: str
    within: str
    penalty: str
    source: str
    checked_on: str
    since: str = "2000-01-01"
    until: str = FOR_EVER
    markets: list[str] = []
    after: str = ""


class LimitRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rate of ours that the channel measures, and where it acts. `above`: too much is bad; else too little is."""

    rate: float
    above: bool
    consequence: str
    source: str
    markets: list[str] = []


class WebhookRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scheme: str
    tolerance_s: float


class QueueRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A queue of stock and price events that the credentials may name. `hidden_s`: machine seconds until what was read and not deleted comes again."""

    code: str
    flow: str
    every_s: float
    hidden_s: int


class SignedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that must carry a signature of the message. `markets`: their market words. `calls`: "POST /path/*", `*` for anything."""

    markets: list[str]
    calls: list[str]
    source: str
    checked_on: str


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
    events: QueueRow | None = None
    patterns: list[str] = []  # of the blueprint's words, what can be done with it; empty: nobody has said
    deadlines: dict[str, DeadlineRow] = {}  # by obligation
    obligations: list[ObligationRow] = []  # of a seller towards this channel
    limits: dict[str, LimitRow] = {}  # of account health, by measure: late-shipments, cancellations, defects ...
    verbs: dict[
        str, str
    ] = {}  # what a seller does on every channel (connectors/verbs.py) -> the operation that does it here
    hosts: list[
        str
    ] = []  # where answers point us to fetch a document from: ends of host names, such as `.amazonaws.com`
    also_called: list[str] = []  # codes of calls with a ceiling that a source makes besides its own
    words: dict[
        str, str
    ] = {}  # kind of message, or kind.field -> whose word it is, where that is not the system's party
    signed: SignedRow | None = None
    joins: dict[str, str] = {}  # object -> the identifier scheme by which this channel knows it: leg -> amazon_order_id

    def speaker(self, kind: str, name: str = "") -> str | None:
        """Whose word a field of such a message is; None: the party of the system it comes from."""
        return self.words.get(f"{kind}.{name}") or self.words.get(kind)

    def limit(self, access: "Access", code: str, name: str) -> "Limit | None":
        """The bucket of one operation code: the account's own ceilings, else the published ones."""
        from entrepot.connectors.port import Ceiling, bucket

        own: Mapping[str, Sequence[Ceiling]] = access.ceilings
        published = [Ceiling(row.calls, row.per_s, row.burst) for row in self.ceilings.get(code, ())]
        return bucket(name, own.get(code, published))


def load(package: str) -> Manifest:
    """The manifest shipped beside a connector's code. Errors: WrongSetting names the file and what is wrong in it."""
    text = files(package).joinpath("manifest.toml").read_bytes()
    try:
        return msgspec.toml.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{package.rpartition('.')[2]}/manifest.toml: {error}", connector=package) from error
