"""A seller's file as records: which letters, which delimiter, what its header says, slice by slice.

UTF-8 (with or without a mark), UTF-16 with a mark, else Windows-1252; plain, gzip, or a zip of one file; workbooks and JSON
lines by forms.py. Nothing larger than the caps is unpacked. A row's number is the one a spreadsheet shows: the header is 1, empty lines count.
"""

import codecs
import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

from entrepot.bulk.forms import JSON_LINES, WHOLE_MAX, WORKBOOKS, as_rows, of_lines
from entrepot.bulk.refusals import Reason, Unreadable
from entrepot.bulk.splitting import OPEN_LINES_MAX, cells, records, span, spliced
from entrepot.kernel.errors import WrongSetting

if TYPE_CHECKING:
    import polars as pl

SLICE_BYTES = 8 * 2**20
UNPACKED_MAX = 8 * 2**30
LOOK_BYTES = 2**20  # what letters and delimiter are told by
DIGEST_BYTES = 2**20
OPEN_LINE_BYTES = 64 * 2**20  # a line is looked for its end no further
DELIMITERS = (";", ",", "\t")
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
LINE_MAX = 100_000  # letters; a longer one is left to the full parser, which knows its own limit


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written. Shape: `header` as it stands there."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One file with its layout. `expressions`: what is looked up in each object of JSON lines, as columns of their own."""

    path: Path
    layout: Layout
    slice_bytes: int = SLICE_BYTES
    expressions: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of the bytes as they came."""
        found = sha256()
        with self.path.open("rb") as stream:
            while block := stream.read(DIGEST_BYTES):
                found.update(block)
        return found.hexdigest()

    def slices(self) -> Iterator["pl.DataFrame"]:
        """Frames of `row` and `line`, one record a row, without the header and without empty lines."""
        import polars as pl

        row, waiting = 0, b""
        with _unpacked(self.path, self.expressions) as stream:
            for text, last in _blocks(stream, self.layout.encoding, self.slice_bytes):
                whole = waiting + text if waiting else text
                found, left = _records(whole, self.layout.delimiter, last=last)
                waiting = "".join(f"{line}\n" for line in left).encode()
                frame = pl.DataFrame({"line": found}).with_row_index("row", row + 1)
                if row == 0:
                    frame = frame[1:]
                row += found.len()
                yield frame.filter(pl.col("line") != "") if (found == "").any() else frame


def open_source(
    path: Path,
    *,
    delimiter: str = "",
    encoding: str = "",
    slice_bytes: int = SLICE_BYTES,
    expressions: Sequence[str] = (),
) -> Source:
    """Look at the beginning of a file. Errors: Unreadable for one that cannot be read, is empty, or has no header."""
    try:
        with _unpacked(path, expressions) as stream:
            start = stream.read(LOOK_BYTES)
    except OSError as error:
        raise WrongSetting(f"{path} cannot be read: {error}") from error
    letters = encoding or _encoding(start)
    try:
        decoder = codecs.getincrementaldecoder(letters)("replace")
    except LookupError as error:
        raise WrongSetting(f"{letters}: no such encoding") from error
    lines = [line.rstrip("\r") for line in decoder.decode(start).split("\n")[:OPEN_LINES_MAX]]
    marks = [delimiter] if delimiter else sorted(DELIMITERS, key=lambda mark: -len(_header(lines, mark)))
    header = _header(lines, marks[0])
    if not any(header):
        raise Unreadable(Reason.EMPTY, "is empty: its first line must name the columns", where=path.name)
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        raise Unreadable(Reason.TWO_COLUMNS, f"has two columns named “{twice[0]}”", where=path.name)
    return Source(path, Layout(letters, marks[0], header), slice_bytes, tuple(expressions))


def plain_records(source: Source) -> list[tuple[int, str]]:
    """All records with their rows, read the plain way: what the slices are tested against."""
    with _unpacked(source.path, source.expressions) as stream:
        text = stream.read().decode(source.layout.encoding, "replace")
    lines = [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]
    found = records(lines, source.layout.delimiter)
    return [(row, line) for row, line in enumerate(found, start=1) if row > 1 and line]


def _header(lines: list[str], delimiter: str) -> tuple[str, ...]:
    many = span(lines, 0, delimiter) or 1
    return tuple(name.strip() for name in cells("\n".join(lines[:many]), delimiter) or ())


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _records(text: bytes, delimiter: str, *, last: bool) -> "tuple[pl.Series, pl.Series]":
    """Whole lines to records; looked at closely only where a byte says that there is something to see."""
    import polars as pl

    try:
        lines = pl.read_lines(text).get_column("line")
    except pl.exceptions.PolarsError:  # what is no text becomes U+FFFD, and its row is refused
        lines = pl.read_lines(text.decode(errors="replace").encode()).get_column("line")
    if b"\r" in text:
        lines = lines.str.strip_chars_end("\r")
    return spliced(lines, delimiter, last=last) if b'"' in text else (lines, lines.clear())


def _blocks(stream: IO[bytes], encoding: str, size: int) -> Iterator[tuple[bytes, bool]]:
    """UTF-8 in blocks that end with a line; whether it is the last."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    plain = encoding == "utf-8"
    waiting, unpacked = b"", 0
    while block := stream.read(size):
        if plain and not block.endswith(b"\n"):
            block += stream.readline(OPEN_LINE_BYTES)
        unpacked += len(block)
        if unpacked > UNPACKED_MAX:
            raise Unreadable(Reason.TOO_LARGE, f"unpacks to more than {UNPACKED_MAX // 2**30} GB", where="the file")
        if plain:
            yield block, False
            continue
        whole = waiting + decoder.decode(block).encode()
        end = whole.rfind(b"\n") + 1
        if end:
            yield whole[:end], False
        waiting = whole[end:]
    yield waiting + decoder.decode(b"", final=True).encode(), True


@contextmanager
def _unpacked(path: Path, expressions: Sequence[str] = ()) -> Iterator[IO[bytes]]:
    """The text inside. Errors: Unreadable, also in the middle of reading; OSError where the disk does not give it."""
    try:
        with _opened(path, expressions) as stream:
            yield stream
    except EOFError as error:
        raise Unreadable(Reason.CUT_SHORT, "ends in the middle: it did not arrive whole", where=path.name) from error
    except (zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        reason = Reason.DAMAGED if ends(path) else Reason.CUT_SHORT
        raise Unreadable(reason, f"cannot be unpacked: {error}", where=path.name) from error


@contextmanager
def _opened(path: Path, expressions: Sequence[str]) -> Iterator[IO[bytes]]:
    if (turned := as_rows(path, expressions)) is not None:
        yield turned
        return
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(0)
        if start.startswith(GZIP):
            with gzip.open(stream) as inner:
                yield _inside(inner, path.stem, path, expressions)  # type: ignore[arg-type]  # it reads like one
        elif start == ZIP:
            with zipfile.ZipFile(stream) as archive:
                names = [one for one in archive.infolist() if not one.is_dir()]
                if len(names) != 1:
                    what = f"holds {len(names)} files: a zip holds one file"
                    raise Unreadable(Reason.SEVERAL_FILES, what, where=path.name)
                if names[0].file_size > UNPACKED_MAX:
                    what = f"unpacks to more than {UNPACKED_MAX // 2**30} GB"
                    raise Unreadable(Reason.TOO_LARGE, what, where=path.name)
                with archive.open(names[0]) as inner:
                    yield _inside(inner, names[0].filename, path, expressions)
        else:
            yield stream


def _inside(inner: IO[bytes], name: str, path: Path, expressions: Sequence[str]) -> IO[bytes]:
    """What an archive holds, by its own name: JSON lines are turned over, as they are outside of one."""
    kind = Path(name).suffix.lower()
    if kind in WORKBOOKS:
        raise Unreadable(
            Reason.NO_WORKBOOK, "packs a workbook, which is packed already: send it as it is", where=path.name
        )
    if kind not in JSON_LINES:
        return inner
    content = inner.read(WHOLE_MAX + 1)
    if len(content) > WHOLE_MAX:
        what = f"unpacks to more than {WHOLE_MAX // 2**20} MB: send it as CSV"
        raise Unreadable(Reason.TOO_LARGE, what, where=path.name)
    return of_lines(content, path, expressions)


def ends(path: Path) -> bool:
    """Whether an archive has its end: a zip its list of contents, a gzip its last block. All else cannot be told and counts as whole."""
    with path.open("rb") as stream:
        start = stream.read(4)
        if start == ZIP:
            return zipfile.is_zipfile(path)
        if not start.startswith(GZIP):
            return True
        stream.seek(0)
        return _gzip_ends(stream)


def _gzip_ends(stream: IO[bytes]) -> bool:
    """Unpacked member by member, nothing kept. What is damaged in the middle is not cut short."""
    unpacking = zlib.decompressobj(wbits=31)
    while block := stream.read(DIGEST_BYTES):
        while block:
            try:
                unpacking.decompress(block)
            except zlib.error:
                return True
            block = unpacking.unused_data
            if not unpacking.eof:
                break
            if block.startswith(GZIP):
                unpacking = zlib.decompressobj(wbits=31)
            else:
                block = b""
    return unpacking.eof
