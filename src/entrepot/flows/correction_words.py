"""What a seller reads when he is asked to correct offers: a message of plain sentences, and the file with error columns. Pure.

And the other way: what his reply says, as far as words can be relied on.
"""

import csv
import io
import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from entrepot.flows.offer_words import shown
from entrepot.kernel.ctx import Row
from entrepot.ownership.model import Why
from entrepot.ownership.requests import Line
from entrepot.ownership.service import Digest

CAUSE_WORDS: Mapping[Why, str] = {
    Why.UNDER_FLOOR: "prices under the floor",
    Why.ABOVE_CEILING: "prices above the ceiling",
    Why.OTHER_CURRENCY: "prices in another currency",
    Why.OPERATOR: "values we ask you to change",
}
HELD = "These offers are not shown to buyers until they are corrected:"
ASKED = "We ask you to change these offers:"

ROWS_IN_TEXT_MAX = 20
FILE_NAME = "offers-to-correct.csv"
COLUMNS = ("sku", "offer-id", "field", "value", "error-line", "error-message")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
NO = re.compile(r"\s*(decline|declined|refuse|refused|no\b|non\b)", re.IGNORECASE)
WORDS_MAX = 500


def subject(digest: Digest) -> str:
    count = len(digest.lines)
    return (
        f"{count} {'offer' if count == 1 else 'offers'} to correct: {CAUSE_WORDS.get(digest.cause, digest.cause.value)}"
    )


def body(digest: Digest, offers: Mapping[str, Row], zone: str, links: str = "") -> str:
    """`links`: the address under which single-use links are answered; empty: none are given."""
    rows = [_line(line, offers) for line in digest.lines[:ROWS_IN_TEXT_MAX]]
    more = len(digest.lines) - ROWS_IN_TEXT_MAX
    if more > 0:
        rows.append(f"- and {more} more, in the file")
    by = min(line.answer_by for line in digest.lines)
    parts = [
        ASKED if digest.cause is Why.OPERATOR else HELD,
        "\n".join(rows),
        f"Please correct them at the marketplace by {local(by, zone)}. Nothing else is needed: the corrected value closes this request.",
        "If the value is meant, answer DECLINE and say why.",
    ]
    if links:
        answers = "\n".join(f"{_sku(line.object_id, offers)}: {links}/{line.token}" for line in digest.lines)
        parts.append(f"Or answer here; each link counts once:\n{answers}")
    return "\n\n".join(parts)


def _line(line: Line, offers: Mapping[str, Row]) -> str:
    return f"- {_sku(line.object_id, offers)} (offer {line.object_id}), {line.field}: {_said(line, offers)}"


def _said(line: Line, offers: Mapping[str, Row]) -> str:
    """What is wrong, and the value that is asked for where somebody named one."""
    if line.wanted is None:
        return line.words
    currency = str(offers[line.object_id]["currency"]) if line.object_id in offers else ""
    return f"{line.words}; we ask for {shown(line.field, line.wanted, currency)}"


def _sku(offer_id: str, offers: Mapping[str, Row]) -> str:
    return str(offers[offer_id]["sku"]) if offer_id in offers else offer_id


def local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%A %d %B %Y, %H:%M} ({zone})"


def returned_file(digest: Digest, offers: Mapping[str, Row]) -> str:
    """The rows with what is wrong in columns of its own; no cell is a formula to whoever opens it."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, line in enumerate(digest.lines, start=2):
        value = "" if line.value is None else str(line.value)
        cells = (_sku(line.object_id, offers), line.object_id, line.field, value, str(number), _said(line, offers))
        writer.writerow([harmless(cell) for cell in cells])
    return file.getvalue()


def harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def declines(reply: str) -> bool:
    """Whether a reply says no. Anything else is a promise at most: the corrected value itself has to come."""
    return bool(NO.match(reply))


def clipped(reply: str) -> str:
    text = " ".join(reply.split())
    return text if len(text) <= WORDS_MAX else f"{text[:WORDS_MAX]}…"
