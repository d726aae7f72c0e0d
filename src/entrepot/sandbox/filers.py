"""Sellers who work with files: one sends his offers, gets back what was not taken, mends it and sends it again.

They know nothing of the hub: they put files where they were told to, and read what is attached to their conversations. A file
that comes back has their own columns, and beside them the row, the fields and the reason.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.mirakl import Portal
from entrepot.sandbox.mirakl.conversation import SHOP, Thread

SKU, TITLE, PRICE, STOCK = "Offer SKU", "Title", "Price", "Stock"
HEADER: Final = (SKU, TITLE, PRICE, STOCK)
FIELDS, REASON = "entrepot fields", "entrepot messages"  # of a file that comes back
MENDED: Final = "Thank you, we have sent the corrected rows."


@dataclass(frozen=True)
class FileSent:
    """One file: `after` so long, these offers of one shop. `changed`: offer → its new price in minor units; `slip`: what is typed instead."""

    name: str
    after: timedelta
    shop_id: int
    changed: Mapping[int, int]
    slip: Mapping[int, str] = field(default_factory=dict)


@dataclass
class FilerBooks:
    files: list[dict[str, Any]] = field(default_factory=list)
    returned: list[dict[str, Any]] = field(default_factory=list)
    corrected: list[dict[str, Any]] = field(default_factory=list)


class Filers:
    """All sellers who send files. `folder`: where files are put; none: nobody sends any."""

    def __init__(
        self, errands: Errands, portal: Portal, pace: Pace, folder: Path | None, plans: Sequence[FileSent]
    ) -> None:
        self._errands = errands
        self._world = errands.world
        self._portal = portal
        self._pace = pace
        self._folder = folder
        self._wanted: dict[int, dict[str, int]] = {}  # by shop: SKU → the price that is meant
        self._read: set[tuple[str, int]] = set()
        self.records = FilerBooks()
        portal.subscribe(self._hear)
        for plan in plans if folder else ():
            errands.later("files", plan.after, lambda plan=plan: self._send(plan))  # type: ignore[misc]

    def books(self) -> dict[str, Any]:
        return {
            "files": self.records.files,
            "returned": self.records.returned,
            "corrected": self.records.corrected,
            "live": [one for one in self.records.corrected if self._stands(one["offer_id"], one["price_minor"])],
        }

    def answers(self, thread: Thread) -> bool:
        """Whether a conversation is theirs: somebody sent a file for this shop, and one came back."""
        return thread.shop_id in self._wanted and _returned(thread) is not None

    def _stands(self, offer_id: str, price_minor: int) -> bool:
        offer = self._portal.offer(int(offer_id))
        return offer.price_minor == price_minor and not offer.deleted

    # -- sending -------------------------------------------------------------------------------------------------------

    def _send(self, plan: FileSent) -> None:
        rows = []
        wanted = self._wanted.setdefault(plan.shop_id, {})
        for offer_id, price in plan.changed.items():
            offer = self._portal.offer(offer_id)
            wanted[offer.shop_sku] = price
            typed = plan.slip.get(offer_id, _money(price))
            rows.append((offer.shop_sku, offer.title, typed, str(offer.quantity)))
        self._put(plan.shop_id, HEADER, rows)

    def _put(self, shop_id: int, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Whole or not at all: under another name first."""
        assert self._folder is not None
        out = io.StringIO()
        csv.writer(out, delimiter=";", lineterminator="\n").writerows([header, *rows])
        name = f"{shop_id}-offers-{len(self.records.files) + 1}.csv"
        draft = self._folder / f".{name}"
        draft.write_text(out.getvalue(), "utf-8")
        draft.rename(self._folder / name)
        self.records.files.append({"name": name, "shop_id": shop_id, "rows": len(rows)})

    # -- mending -------------------------------------------------------------------------------------------------------

    def _hear(self, topic: str, subject: str) -> None:
        if topic != "thread.updated":
            return
        thread = self._portal.thread(subject)
        read = (subject, len(thread.messages))
        if thread.messages[-1].by == SHOP or read in self._read or not self.answers(thread):
            return
        self._read.add(read)
        rng = self._world.stream(f"filer/{thread.shop_id}/{len(self._read)}")
        self._errands.within("corrections", self._pace.read_thread, rng, lambda: self._mend(thread))

    def _mend(self, thread: Thread) -> None:
        """Where a price is named as wrong, the one that was meant goes in; the rest of the row stays as it came back."""
        rows, wanted = _returned(thread) or [], self._wanted[thread.shop_id]
        mended = []
        for row in rows:
            sku, named = row.get(SKU, ""), row.get(FIELDS, "")
            self.records.returned.append({"sku": sku, "fields": named, "reason": row.get(REASON, "")})
            if "price" in named and sku in wanted:
                mended.append({**row, PRICE: _money(wanted[sku])})
                offer = next(one for one in self._portal.offers() if one.shop_sku == sku)
                told = {"sku": sku, "offer_id": str(offer.offer_id), "price_minor": wanted[sku]}
                self.records.corrected.append(told)
        if mended:
            header = list(mended[0])
            self._put(thread.shop_id, header, [[row[name] for name in header] for row in mended])
            self._portal.reply(thread.thread_id, MENDED)


def _returned(thread: Thread) -> list[dict[str, str]] | None:
    """The newest file in a conversation that names fields of rows; None: there is none."""
    for said in reversed(thread.messages):
        for attachment in said.attachments:
            rows = list(csv.DictReader(io.StringIO(attachment.content.decode("utf-8", "replace"))))
            if rows and FIELDS in rows[0]:
                return rows
    return None


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
