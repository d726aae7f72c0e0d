"""import: a seller's file into what he sells here."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from entrepot.cli.opening import Opened, clean, opened
from entrepot.cli.output import Cell, Column, Paper, Style, note, paper, say_json
from entrepot.kernel.errors import WrongSetting

if TYPE_CHECKING:
    from entrepot.bulk.mapping import FieldMap
    from entrepot.bulk.reading import Source
    from entrepot.bulk.rules import Rulebook
    from entrepot.bulk.service import Report

DONE, FOUND = 0, 3
SHOWN = 20
COUNTS = ("read", "unchanged", "changed", "inserted", "updated", "ended", "rejected")


def import_(
    file: Path,
    /,
    *,
    as_: Annotated[Literal["offers"], Parameter(name="--as")],
    seller: str,
    account: str = "",
    complete: bool = False,
    mapping: Path | None = None,
    delimiter: str = "",
    encoding: str = "",
    rejects: Path | None = None,
    json: bool = False,
) -> int:
    """Take in a seller's file: only what differs from the last one is validated and written. Exit code 3: rows were rejected, or nothing was ended.

    Parameters
    ----------
    file
        CSV or TSV with a header, also gzip or a zip of one file; a workbook (first sheet); JSON lines.
    as_
        What the file holds: offers.
    seller
        Whose file it is.
    account
        For which marketplace account, where the plan has several that we operate.
    complete
        It holds everything he sells: what is missing has ended. A file that lacks too much ends nothing.
    mapping
        YAML with columns, values, defaults, decimal. Without it columns are known by their names.
    delimiter
        What stands between cells, where it is not found out by itself; tab for a tab.
    encoding
        Such as cp1252, where it is not found out by itself.
    rejects
        Write the rejected rows there: the seller's own columns, and what is wrong.
    json
        One JSON document on stdout.
    """
    from entrepot.bulk.reading import open_source
    from entrepot.bulk.returning import write_rejects
    from entrepot.bulk.service import Feed, take_in
    from entrepot.store.postgres.place import state_home

    if not clean(seller):
        raise WrongSetting("say whose file it is: --seller NAME")
    if not file.is_file():
        raise WrongSetting(f"{file} cannot be read: there is no such file")
    source = open_source(file, delimiter="\t" if delimiter == "tab" else delimiter, encoding=encoding)
    with opened() as house:
        at = _account(house, clean(account))
        book, columns = _rules(house, at, source, mapping)
        feed = Feed(at, clean(seller), columns, book, state_home(), complete)
        with _progress() as told:
            report = take_in(house.ctx, source, feed, told)
    if rejects:
        write_rejects(rejects, source, report.rejects)
    if json:
        say_json(_document(report, feed.account, feed.seller))
    else:
        _say(paper(), report)
    return FOUND if report.rejects or report.refused else DONE


def _account(house: Opened, named: str) -> str:
    ours = sorted(name for name, one in house.plan.accounts.items() if one.model == "operator" and one.currency)
    if named:
        if named not in house.plan.accounts:
            raise WrongSetting(f"the plan has no account {named}; it has {', '.join(sorted(house.plan.accounts))}")
        return named
    if len(ours) != 1:
        raise WrongSetting(f"say for which account: --account {'|'.join(ours) or 'NAME'}")
    return ours[0]


def _rules(house: Opened, account: str, source: "Source", mapping: Path | None) -> "tuple[Rulebook, FieldMap]":
    """The offer rules with the limits of the plan, and the seller's words in ours."""
    from entrepot.bulk.demands import book_of
    from entrepot.bulk.mapping import by_names, read_mapping
    from entrepot.ownership.compile import compile_rules

    limits = compile_rules(house.plan).accounts[account]
    columns = (
        read_mapping(mapping, currency=limits.currency) if mapping else by_names(source.layout.header, currency=limits.currency)
    )  # fmt: skip
    return book_of(limits, columns.decimal), columns


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Rows as they are read, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = Progress(SpinnerColumn(), TextColumn("{task.completed:,} rows read"), TimeElapsedColumn(), console=Console(stderr=True), transient=True)  # fmt: skip
    with shown:
        task = shown.add_task("rows", total=None)
        yield lambda rows: shown.update(task, completed=rows)


def _document(report: "Report", account: str, seller: str) -> dict[str, Any]:
    return {
        "file": report.name,
        "version": report.version,
        "account": account,
        "seller": seller,
        **{name: getattr(report, name) for name in COUNTS},
        "absent": report.absent,
        "compared": report.compared,
        "same_as": report.same_as or None,
        "ending_refused": report.refused or None,
        "rejects": [asdict(one) for one in report.rejects],
    }


def _say(page: Paper, report: "Report") -> None:
    if report.same_as:
        page.line(f"{report.name} is what counts already: the same content as {report.same_as}.")
    how = "compared with the last file" if report.compared else "all of it validated"
    page.line(Cell(f"{report.name}, version {report.version}", Style.STRONG), Cell(how, Style.QUIET))
    page.table(
        [Column(name.capitalize(), right=True) for name in COUNTS],
        [[f"{getattr(report, name):,}" for name in COUNTS]],
    )
    if report.refused:
        note(f"nothing is ended: {report.refused}")
    if not report.rejects:
        return
    page.heading("Rejected")
    columns = (Column("Row", right=True), Column("SKU", keeps=True), Column("Field"), Column("Code"), Column("Why"), Column("Who corrects"))  # fmt: skip
    page.table(columns, ([str(r.row), r.sku, r.field, r.code, r.message, r.corrects] for r in report.rejects[:SHOWN]))
    if len(report.rejects) > SHOWN:
        page.line(Cell(f"{len(report.rejects) - SHOWN:,} more: --rejects FILE writes them all", Style.QUIET))
