"""Somebody at the operator's desk who takes in the files sellers put into a folder, as `entrepot import` does."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from entrepot.app import Hub
from entrepot.bulk.arrival.keeping import file_name
from entrepot.bulk.arrival.model import Sent
from entrepot.bulk.arrival.service import noting
from entrepot.bulk.arriving import take_in_file
from entrepot.bulk.following import unreadable
from entrepot.bulk.refusals import Unreadable
from entrepot.bulk.service import Report
from entrepot.kernel.errors import Busy

TAKEN = "taken"  # the folder of what was dealt with
DOOR, BY = "command", "the operator’s clerk"


@dataclass(frozen=True, slots=True)
class Clerk:
    """`folder`: where files named `SELLER-…` arrive; `home`: where sets of hashes are kept."""

    hub: Hub
    folder: Path
    home: Path

    def act(self) -> list[Report]:
        """Take in what has come, oldest name first; a file is put aside once it is dealt with."""
        return [report for file in self._waiting() if (report := self._take(file)) is not None]

    def _waiting(self) -> Iterator[Path]:
        (self.folder / TAKEN).mkdir(parents=True, exist_ok=True)
        yield from sorted(one for one in self.folder.iterdir() if one.is_file() and not one.name.startswith("."))

    def _take(self, file: Path) -> Report | None:
        """None: not now, or nobody can read it, which is a case."""
        ctx, plan, account = self.hub.ctx, self.hub.plan, self.hub.parts.marketplace
        seller = file.name.partition("-")[0]
        listed = noting(ctx, Sent(account, seller, DOOR, file_name(file.name), complete=False, by=BY), file)
        try:
            report = take_in_file(ctx, plan, file, account, seller, home=self.home, also=listed).report
        except Busy:
            return None
        except Unreadable as error:
            unreadable(ctx, plan, account, seller, error.message)
            report = None
        file.rename(self.folder / TAKEN / file.name)
        return report
