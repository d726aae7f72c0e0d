"""Somebody at the operator's desk who takes in the files sellers put into a folder, as `entrepot import` does."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from entrepot.app import Hub
from entrepot.bulk.following import unreadable
from entrepot.bulk.mapping import by_names
from entrepot.bulk.reading import open_source
from entrepot.bulk.rules import offer_rules
from entrepot.bulk.service import Feed, Report, take_in
from entrepot.kernel.errors import Busy, WrongSetting
from entrepot.ownership.compile import compile_rules

TAKEN = "taken"  # the folder of what was dealt with


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
        plan, account = self.hub.plan, self.hub.parts.marketplace
        seller, limits = file.name.partition("-")[0], compile_rules(plan).accounts[account]
        bounds = {name: (one.floor_minor, one.ceiling_minor) for name, one in limits.categories.items()}
        book = offer_rules(limits.currency, also=sorted(limits.also), limits=bounds)
        try:
            source = open_source(file)
            mapping = by_names(source.layout.header, currency=limits.currency)
            report = take_in(self.hub.ctx, source, Feed(account, seller, mapping, book, self.home, plan=plan))
        except Busy:
            return None
        except WrongSetting as error:
            unreadable(self.hub.ctx, plan, account, seller, str(error))
            report = None
        file.rename(self.folder / TAKEN / file.name)
        return report
