"""Made-up files of sellers: one of each state, rejects, and a mapping with its preview."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from entrepot.bulk.arrival.model import Sent
from entrepot.bulk.arrival.service import Receiving
from entrepot.bulk.mapping import FIELDS, FieldMap
from entrepot.bulk.previewing import Covered, Preview, Read
from entrepot.bulk.rules import Reject
from entrepot.web import words
from entrepot.web.views.feeds import FeedDetail, FeedFilter, FeedPage, FeedRow, MappingVersion, MappingView

ACCOUNT, SELLER = "mirakl-fr/operator", "2001"
AT = datetime(2026, 11, 23, 13, 40, tzinfo=UTC)
NO_SKU = "no column of the file is the sku; it has Nr, Name <b>, Preis: say which in the mapping of this seller"
REJECTS = (
    Reject(118, "LAMP-2", "price", "limits", "4.99", "“4.99” is outside at least 5.00 EUR, what this category allows.", "seller"),
    Reject(4021, "", "sku", "required", "", "The SKU is missing.", "seller"),
)  # fmt: skip


def row(id_: str, state: str, **other: Any) -> FeedRow:
    known: dict[str, Any] = {
        "id": id_, "account": ACCOUNT, "seller": SELLER, "name": f"{id_}-offers.csv.gz", "version": None, "state": words.state(words.FEED, state),
        "door": "Folder", "size": "61.4 MB", "read": 0, "expected": 0, "percent": None, "changed": None, "rejected": None,
        "seen_at": AT, "ended_at": None, "problem": "", "whose": "",
    }  # fmt: skip
    return FeedRow(**known | other)


APPLIED = row(
    "arr_1", "applied", version=12, read=1_000_000, changed=30_112, rejected=2, ended_at=AT + timedelta(seconds=41)
)
REFUSED = row("arr_2", "refused", name="waren <b>.csv", door="API", problem=NO_SKU, whose="operator")
ROWS = (
    row("arr_5", "arriving"),
    row("arr_4", "reading", read=400_000, expected=1_000_000, percent=40, door="Console"),
    row("arr_3", "kept"),
    REFUSED,
    APPLIED,
    row("arr_0", "same", version=12, read=1_000_000, changed=30_112, rejected=2),
)


class FeedRecords:
    def feeds(self, wanted: FeedFilter) -> FeedPage:
        found = () if wanted.seller == "nobody" else ROWS
        return FeedPage(wanted, found, "2026-11-23T13:40:00+00:00~arr_0", (ACCOUNT,))

    def feed(self, arrival_id: str, after: str) -> FeedDetail | None:
        found = next((one for one in ROWS if one.id == arrival_id), None)
        if found is None:
            return None
        counts = found is APPLIED
        numbers = {
            "rows_read": 1_000_000,
            "rows_changed": 30_112,
            "inserted": 112,
            "updated": 29_998,
            "ended": 12,
            "rows_rejected": 2,
            "absent": 12,
        }
        return FeedDetail(
            row=found, sent_by="sftp://files.example/lamps", origin="/lamps/offers.csv.gz", digest="9f2c" * 16, complete=True, mapping="version 3",
            same_as="" if found is not ROWS[-1] else "arr_1-offers.csv.gz, version 12", where=found.name, started_at=AT, is_here=True,
            may_read_again=found in (APPLIED, REFUSED), counts=counts, counting="" if counts else "arr_1", numbers=numbers if found.version else {},
            ending_refused="yes" if counts else "", by_code=(("price", "limits", 1), ("sku", "required", 1)) if counts else (),
            rejects=REJECTS if counts and not after else (), rejects_after="4021~1" if counts and not after else "",
        )  # fmt: skip


class FakeFeeds:
    """Keeps what it was asked to do."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def receive(self, sent: Sent) -> Receiving:
        raise AssertionError("these tests keep no file")

    def keep(self, receiving: Receiving) -> str:
        raise AssertionError("these tests keep no file")

    def again(self, arrival_id: str) -> None:
        self.calls.append(("again", arrival_id))

    def reject_lines(self, arrival_id: str) -> Iterator[str] | None:
        return iter(["sku,price\r\n"])

    def save(self, account: str, seller: str, draft: Mapping[str, Any], by: str, reason: str) -> int:
        self.calls.append(("save", account, seller, dict(draft), by, reason))
        return 4

    def mapping(
        self, account: str, seller: str, arrival_id: str, draft: Mapping[str, Any] | None
    ) -> MappingView | None:
        mapping = FieldMap(
            {"Nr": "sku", "Name": "title", "Preis": "price"}, {"condition": {"neu": "new"}}, {"currency": "EUR"}, ","
        )
        record = dict.fromkeys(FIELDS, "") | {"sku": "L-1", "title": "Lampe", "price": "12,50", "category": "OUTDOOR"}
        filled = {name: int(bool(record[name])) * 40 for name in FIELDS}
        shown = Preview(
            ("Nr", "Name", "Preis", "Farbe"), [Read(2, ["L-1", "Lampe", "12,50", "rot"], record, ()), Read(3, ["L-2"], record, REJECTS[:1])],
            40, 1, True, [Covered("OUTDOOR", 40, 1, filled), Covered("", 3, 0, dict.fromkeys(FIELDS, 0))], {"condition": [("neu", 39), ("alt", 1)]},
        )  # fmt: skip
        return MappingView(
            ACCOUNT, seller, "arr_2", "waren <b>.csv", shown.header, [["L-1", "Lampe", "12,50", "rot"]], mapping, "version 3", "{}", True,
            (MappingVersion(3, "Mari Lind", "he writes commas", AT, ("~ decimal: . → ,",)),), (("arr_2", "waren.csv"), ("arr_1", "offers.csv")), shown,
        )  # fmt: skip
