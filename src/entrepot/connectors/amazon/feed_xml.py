"""The XML of feeds: what we write (an envelope of one message), and what they report of it.

Source: Amazon's feed documentation as carried by running clients. Amounts of an adjustment are of the whole quantity and
positive where the buyer gets money. A report names only what went wrong; what went well is counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from xml.parsers import expat
from xml.sax.saxutils import escape

from entrepot.connectors.reading import Unreadable
from entrepot.trade.listing.model import ItemResult

DEPTH_MAX = 32
NODES_MAX = 1_000_000
MESSAGE_DIGITS = 15


def message_number(key: str) -> int:
    """The number of our message, the same at every attempt: they name it in the report."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) % 10**MESSAGE_DIGITS or 1


# ── written ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Node:
    """An element to write. `text` or `children`."""

    name: str
    text: str = ""
    children: Sequence["Node"] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> str:
        more = "".join(f' {name}="{escape(value, {chr(34): "&quot;"})}"' for name, value in self.attributes.items())
        inside = "".join(child.written() for child in self.children) or escape(self.text)
        return f"<{self.name}{more}>{inside}</{self.name}>"


def envelope(seller_id: str, message_type: str, number: int, content: Node) -> bytes:
    header = Node("Header", children=[Node("DocumentVersion", "1.01"), Node("MerchantIdentifier", seller_id)])
    message = Node("Message", children=[Node("MessageID", str(number)), content])
    space = {
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsi:noNamespaceSchemaLocation": "amzn-envelope.xsd",
    }
    whole = Node("AmazonEnvelope", children=[header, Node("MessageType", message_type), message], attributes=space)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + whole.written().encode()


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Element:
    name: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def every(self, name: str) -> Iterator["Element"]:
        """At any depth, in their order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.every(name)

    def first(self, name: str) -> str:
        """The text of the first element of a name, anywhere inside; '' when there is none."""
        found = next(self.every(name), None)
        return found.text.strip() if found else ""


def parsed(body: bytes) -> Element:
    """A tree of elements. Document types, and with them entities, are refused before they are read. Errors: Unreadable."""
    root, stack, count = Element(""), list[Element](), 0

    def start(name: str, _attributes: Mapping[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > DEPTH_MAX or count > NODES_MAX:
            raise Unreadable("XML too deep or too large")
        element = Element(name.rpartition(":")[2])
        (stack[-1] if stack else root).children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        if stack:
            stack[-1].text += data

    def doctype(*_given: object) -> None:
        raise Unreadable("XML with a document type is not read")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Unreadable(f"not XML: {error}") from error
    return root


@dataclass(frozen=True, slots=True)
class Report:
    """What they say of one feed. `code`: Complete | Rejected | …; `results`: what went wrong, and what they warn of."""

    code: str
    processed: int
    successful: int
    rejected: int
    results: tuple[ItemResult, ...]
    numbers: frozenset[str]  # MessageIDs they name


def report(body: bytes) -> Report:
    """A ProcessingReport. Errors: Unreadable."""
    root = parsed(body)
    found = next(root.every("ProcessingReport"), None)
    if found is None:
        raise Unreadable("a processing report was promised")
    results = [_result(one) for one in found.every("Result")]
    numbers = frozenset(one.first("MessageID") for one in found.every("Result")) - {""}
    return Report(
        code=found.first("StatusCode"),
        processed=_count(found, "MessagesProcessed"),
        successful=_count(found, "MessagesSuccessful"),
        rejected=_count(found, "MessagesWithError"),
        results=tuple(results),
        numbers=numbers,
    )


def _count(element: Element, name: str) -> int:
    text = element.first(name)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Unreadable(f"{name} is “{text[:20]}”, not a count")
    return int(text)


def _result(element: Element) -> ItemResult:
    """Whom it is about: the order or the SKU they name, else the number of our message. A word other than Error is a warning
    or good news only where it is known to be."""
    about = element.first("AmazonOrderID") or element.first("SKU") or element.first("MessageID")
    return ItemResult(
        key=about,
        accepted=element.first("ResultCode") in ("Warning", "Success", "Information"),
        code=element.first("ResultMessageCode"),
        message=element.first("ResultDescription"),
        attribute=element.first("AmazonOrderItemCode"),
    )
