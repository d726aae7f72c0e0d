"""import: a seller's file into what he sells here."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from entrepot.cli.opening import Opened, clean, login_name, opened
from entrepot.cli.output import Cell, Column, Paper, Style, note, paper, say_json
from entrepot.kernel.errors import WrongSetting

if TYPE_CHECKING:
    from entrepot.bulk.mapping import FieldMap
    from entrepot.bulk.refusals import Unreadable
    from entrepot.bulk.service import Report
    from entrepot.kernel.ctx import Conn

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
        YAML with columns, values, defaults, decimal, expressions. Without it the mapping saved for the seller counts, else the plan's, else the columns' names.
    delimiter
        What stands between cells, where it is not found out by itself; tab for a tab.
    encoding
        Such as cp1252, where it is not found out by itself.
    rejects
        Write the rejected rows there: the seller's own columns, and what is wrong.
    json
        One JSON document on stdout.
    """
    from entrepot.bulk.arriving import Given, account_named, take_in_file
    from entrepot.bulk.refusals import Unreadable
    from entrepot.bulk.returning import write_rejects

    if not clean(seller):
        raise WrongSetting("say whose file it is: --seller NAME")
    if not file.is_file():
        raise WrongSetting(f"{file} cannot be read: there is no such file")
    with opened() as house:
        at = account_named(house.plan, clean(account))
        given = Given(complete, _mapping(house, at, mapping), "\t" if delimiter == "tab" else delimiter, encoding)
        with _progress() as told:
            noted = _noting(house, at, clean(seller), file, complete)
            try:
                taken = take_in_file(house.ctx, house.plan, file, at, clean(seller), given, told=told, also=noted)
            except Unreadable as error:
                raise _kept_as_case(house, error, at, clean(seller)) from error
    report = taken.report
    if rejects:
        write_rejects(rejects, taken.source, report.rejects)
    if json:
        say_json(_document(report, taken.feed.account, taken.feed.seller))
    else:
        _say(paper(), report)
    return FOUND if report.rejects or report.refused else DONE


def _mapping(house: Opened, account: str, named: Path | None) -> "FieldMap | None":
    from entrepot.bulk.arriving import rules_of
    from entrepot.bulk.mapping import read_mapping

    return read_mapping(named, currency=rules_of(house.plan, account).currency) if named else None


def _kept_as_case(house: Opened, error: "Unreadable", account: str, seller: str) -> WrongSetting:
    """A file nobody can read is somebody's to deal with."""
    from entrepot.bulk.following import unreadable

    number = unreadable(house.ctx, house.plan, account, seller, error.message)
    return WrongSetting(f"{error.message}; case {number}")


def _noting(
    house: Opened, account: str, seller: str, file: Path, complete: bool
) -> "Callable[[Conn, Report, int | None], None]":
    from entrepot.bulk.arrival.keeping import file_name
    from entrepot.bulk.arrival.model import Sent
    from entrepot.bulk.arrival.service import noting

    return noting(house.ctx, Sent(account, seller, "command", file_name(file.name), complete, login_name()), file)


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
        "case": report.case or None,
        "kept": report.kept,
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
        note(f"nothing is ended: {report.refused}" + (f"; case {report.case}" if report.case else ""))
    if report.kept:
        note(f"{report.kept} values are not the seller's to set: what counted goes on counting")
    if not report.rejects:
        return
    page.heading("Rejected")
    columns = (Column("Row", right=True), Column("SKU", keeps=True), Column("Field"), Column("Code"), Column("Why"), Column("Who corrects"))  # fmt: skip
    page.table(columns, ([str(r.row), r.sku, r.field, r.code, r.message, r.corrects] for r in report.rejects[:SHOWN]))
    if len(report.rejects) > SHOWN:
        page.line(Cell(f"{len(report.rejects) - SHOWN:,} more: --rejects FILE writes them all", Style.QUIET))
