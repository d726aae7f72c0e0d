"""The console's door to sellers' files: kept, read again, returned, and how their words are mapped."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.bulk import mapping_store, previewing
from entrepot.bulk import store as offers
from entrepot.bulk.arrival import keeping, service, store
from entrepot.bulk.arrival.model import Sent
from entrepot.bulk.arrival.service import Receiving
from entrepot.bulk.arriving import Given, Understood, chosen, rules_of, understood
from entrepot.bulk.forms import JSON_LINES
from entrepot.bulk.mapping import FieldMap, by_names, mapping_of
from entrepot.bulk.mapping_store import Saved
from entrepot.bulk.refusals import Unreadable
from entrepot.bulk.returning import reject_lines
from entrepot.change.diff import differences
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.kernel.errors import OwnerDecides, WrongSetting
from entrepot.store.locks import lock_root
from entrepot.store.postgres.place import state_home
from entrepot.web.views.feeds import MappingVersion, MappingView

FILES_SHOWN, VERSIONS_SHOWN, FIRST_ROWS = 20, 20, 5


class NothingNew(OwnerDecides):
    code = "mapping-unchanged"


class FeedRoom:
    """`home`: the state folder."""

    def __init__(self, ctx: Ctx, plan: Plan, home: Callable[[], Path] = state_home) -> None:
        self._ctx, self._plan, self._home = ctx, plan, home

    def receive(self, sent: Sent) -> Receiving:
        return service.receive(self._ctx, self._home(), sent, keeping.FILE_MAX)

    def keep(self, receiving: Receiving) -> str:
        return service.keep(self._ctx, receiving)

    def again(self, arrival_id: str) -> None:
        service.again(self._ctx, arrival_id)

    def reject_lines(self, arrival_id: str) -> Iterator[str] | None:
        with self._ctx.db.transaction() as conn:
            row = store.one(conn, arrival_id)
            found = [one for _, one in offers.rejects(conn, row["account"], row["seller"])] if row else []
        path = self._path(row) if row else None
        if row is None or path is None:
            return None
        source = understood(self._ctx, self._plan, path, row["account"], row["seller"]).source
        return reject_lines(source, found)

    def mapping(
        self, account: str, seller: str, arrival_id: str, draft: Mapping[str, Any] | None
    ) -> MappingView | None:
        with self._ctx.db.transaction() as conn:
            files = _files(conn, account, seller)
            saved = mapping_store.current(conn, account, seller)
            versions = mapping_store.versions(conn, account, seller, VERSIONS_SHOWN)
        row = next((one for one in files if one["id"] == arrival_id or not arrival_id), None)
        path = self._path(row) if row else None
        if row is None or path is None:
            return None
        view = _View(account, seller, row, files, versions)
        try:
            return self._read(view, path, saved, draft)
        except WrongSetting as error:  # Unreadable among them: the mapping may be what is wrong
            mapping = _lenient(draft) if draft is not None else FieldMap({})
            return view.of(mapping, "a draft", None, (), (), error.message)

    def _read(self, view: "_View", path: Path, saved: Saved | None, draft: Mapping[str, Any] | None) -> MappingView:
        account, seller = view.account, view.seller
        currency = rules_of(self._plan, account).currency
        given = mapping_of(draft, "the draft", currency=currency) if draft is not None else None
        bare = understood(self._ctx, self._plan, path, account, seller, Given(mapping=given or FieldMap({})))
        header, first = bare.source.layout.header, previewing.first_rows(bare.source, FIRST_ROWS)
        mapping = given or chosen(self._plan, account, seller, saved, currency)
        channel = self._plan.account(account).channel
        where = (
            "a draft" if given else _where(saved) if saved else "the plan’s" if mapping else "the names of the columns"
        )
        mapping = mapping or by_names(header, currency=currency, channel=channel)
        try:
            seen: Understood = understood(self._ctx, self._plan, path, account, seller, Given(mapping=mapping))
            shown = previewing.preview(seen.source, mapping, seen.book)
        except Unreadable as error:
            return view.of(mapping, where, None, header, first, error.what)
        return view.of(mapping, where, shown, header, first, "")

    def save(self, account: str, seller: str, draft: Mapping[str, Any], by: str, reason: str) -> int:
        rules_of(self._plan, account)
        mapping = mapping_of(draft, "the mapping")
        if "sku" not in (*mapping.columns.values(), *mapping.expressions):
            raise OwnerDecides("a mapping says which column is the SKU")
        with self._ctx.db.transaction() as conn:
            lock_root(conn, f"mapping {account} {seller}")
            last = next(iter(mapping_store.versions(conn, account, seller, 1)), None)
            if last is not None and last.hash == mapping.hash:
                raise NothingNew(f"this is what version {last.version} says already")
            now = self._ctx.clock.now()
            content, hash_ = mapping.content, mapping.hash
            return mapping_store.save(conn, account, seller, content, hash_, by=by, reason=reason, at=now)

    def _path(self, row: Row) -> Path | None:
        path = keeping.path_of(self._home(), row["id"], row["name"])
        return path if row["is_here"] and path.is_file() else None


class _View:
    """What of a mapping's page does not depend on the mapping."""

    def __init__(self, account: str, seller: str, row: Row, files: list[Row], versions: list[Saved]) -> None:
        self.account, self.seller = account, seller
        self._row, self._files, self._versions = row, files, versions

    def of(
        self, mapping: FieldMap, where: str, shown: previewing.Preview | None, header: Any, first: Any, problem: str
    ) -> MappingView:
        return MappingView(
            account=self.account,
            seller=self.seller,
            arrival=self._row["id"],
            file=self._row["name"],
            header=tuple(header),
            first=first,
            mapping=mapping,
            source=where,
            draft=json.dumps(mapping.content, ensure_ascii=False),
            looks_up=self._row["name"].lower().removesuffix(".gz").endswith(JSON_LINES),
            versions=tuple(_version(self._versions, at) for at in range(len(self._versions))),
            files=tuple((one["id"], one["name"]) for one in self._files),
            preview=shown,
            problem=problem,
        )


def _files(conn: Conn, account: str, seller: str) -> list[Row]:
    return store.here(conn, account, seller, FILES_SHOWN)


def _where(saved: Saved) -> str:
    return f"version {saved.version}" + (" of every seller" if saved.seller == mapping_store.ANY_SELLER else "")


def _version(versions: list[Saved], at: int) -> MappingVersion:
    one = versions[at]
    before = versions[at + 1].content if at + 1 < len(versions) else {}
    changed = tuple(found.words for found in differences(before, one.content)) if before else ()
    return MappingVersion(one.version, one.author, one.reason, one.saved_at, changed)


def _lenient(draft: Mapping[str, Any]) -> FieldMap:
    """What can be shown of a draft that is no mapping."""
    parts = {name: draft.get(name) for name in ("columns", "values", "defaults", "expressions")}
    kept = {name: value for name, value in parts.items() if isinstance(value, Mapping)}
    return FieldMap(**{"columns": {}, **kept}, decimal="," if draft.get("decimal") == "," else ".")
