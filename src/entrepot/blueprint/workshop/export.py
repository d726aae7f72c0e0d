"""The workbook that people take into a room: a sheet that says how it works, then the plan, with lists to choose from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrepot.blueprint.workshop.kinds import safe
from entrepot.blueprint.workshop.sheets import (
    HOW_TO,
    OWNERSHIP,
    REMOVE,
    SHEETS,
    Column,
    Data,
    Sheet,
    rows_of,
    vocabulary,
)

LISTS = "Lists"
HASH_LABEL = "Plan"
SPARE_ROWS = 200  # rows below the last that still offer their lists
HEADER_ROW = 0
INTRODUCTION = (
    "This workbook is the plan as it stands. Change it together, then hand it back: entrepot workshop import shows what would change before anything does.",
    "Change cells freely; the order of rows and columns does not matter, and blank lines do no harm.",
    "A new row is a new entry. A row that is missing changes nothing: to take an entry away, write x in its last column, “remove”.",
    "Cells with an arrow offer what may stand there. Where several may stand, separate them by commas.",
    "Recovery: one step a line (Alt+Enter). Escalate: a share and a team a line, such as 80% marketplace-lead.",
    "No formulas: write the value itself. Keep the names of the sheets; add sheets and columns of your own as you like, they are left aside.",
    "What nobody owns is a line in “Open questions”, with whoever is to decide it.",
    "The line below says which plan this was made from. When the plan has changed since, export again.",
)


def export(data: Data, plan_hash: str, path: Path) -> None:
    """Write the workbook. Shape: the same plan gives the same cells. Errors: OSError when the file cannot be made."""
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    book = xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    styles = {
        "head": book.add_format({"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True, "valign": "top", "border": 1}),
        "key": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#EEF2F7", "num_format": "@"}),
        "cell": book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"}),
        "title": book.add_format({"bold": True, "font_size": 16}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "mono": book.add_format({"font_name": "Consolas", "bold": True}),
    }  # fmt: skip
    words = vocabulary(data)
    _how_to(book.add_worksheet(HOW_TO), plan_hash, styles)
    for sheet in SHEETS:
        _sheet(book.add_worksheet(sheet.name), sheet, data, words, styles)
    _lists(book.add_worksheet(LISTS), words)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from error


def _how_to(page: Any, plan_hash: str, styles: Mapping[str, Any]) -> None:
    page.set_column(0, 0, 14)
    page.set_column(1, 1, 110)
    page.write_string(0, 0, "The plan, for a workshop", styles["title"])
    for number, line in enumerate(INTRODUCTION, 1):
        page.write_string(number + 1, 0, f"{number}.")
        page.write_string(number + 1, 1, line, styles["text"])
    page.write_string(len(INTRODUCTION) + 3, 0, HASH_LABEL)
    page.write_string(len(INTRODUCTION) + 3, 1, plan_hash, styles["mono"])


def _sheet(
    page: Any, sheet: Sheet, data: Data, words: Mapping[str, tuple[str, ...]], styles: Mapping[str, Any]
) -> None:
    for at, column in enumerate(sheet.all):
        page.set_column(at, at, column.width)
        page.write_string(HEADER_ROW, at, column.title, styles["head"])
        page.write_comment(HEADER_ROW, at, _hint(column), {"x_scale": 1.5})
    page.set_column(len(sheet.all), len(sheet.all), 9)
    page.write_string(HEADER_ROW, len(sheet.all), REMOVE, styles["head"])
    last = HEADER_ROW
    for last, row in enumerate(rows_of(sheet, data), HEADER_ROW + 1):
        for at, text in enumerate(row.key):
            page.write_string(last, at, safe(text), styles["key"])
        for at, column in enumerate(sheet.columns, len(sheet.keys)):
            if sheet.name != OWNERSHIP or column.whole is (row.key[1] == ""):
                page.write_string(last, at, safe(column.kind.render(row.value(column))), styles["cell"])
    page.freeze_panes(HEADER_ROW + 1, len(sheet.keys))
    page.autofilter(HEADER_ROW, 0, max(last, HEADER_ROW + 1), len(sheet.all))
    for at, column in enumerate(sheet.all):
        if column.words:
            page.data_validation(HEADER_ROW + 1, at, last + SPARE_ROWS, at, _choice(column, words))


def _hint(column: Column) -> str:
    return column.hint or column.kind.hint


def _choice(column: Column, words: Mapping[str, tuple[str, ...]]) -> Mapping[str, Any]:
    """The list of a column. It offers and does not forbid: several words by comma are right too; import is the judge."""
    at = list(words).index(column.words)
    letters = _letters(at)
    return {
        "validate": "list",
        "source": f"={LISTS}!${letters}$2:${letters}${max(len(words[column.words]), 1) + 1}",
        "error_type": "information",
        "error_title": "Not in the list",
        "error_message": "Several words go by comma. What is not known will be found when the workbook is imported.",
    }


def _letters(at: int) -> str:
    before, last = divmod(at, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def _lists(page: Any, words: Mapping[str, tuple[str, ...]]) -> None:
    for at, (name, known) in enumerate(words.items()):
        page.write_string(0, at, name)
        for row, word in enumerate(known, 1):
            page.write_string(row, at, safe(word))
    page.hide()
