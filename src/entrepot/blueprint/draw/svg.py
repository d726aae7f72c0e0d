"""A drawing as SVG: words stay words, colours are classes, so that it is readable on light and on dark ground.

As a file it carries one style sheet with both themes; within a page it carries none, and the page's style sheet names
the same classes. No scripts, no fonts, no links to anywhere but what is handed in.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

LINE_PX = 18
FONT_PX = 13
TONES = ("good", "info", "warn", "bad", "idle")

# Light and dark of every colour; the page's plan.css gives the same classes the console's own colours.
_COLOURS: Mapping[str, tuple[str, str]] = {
    "ground": ("#ffffff", "#0d121c"),
    "surface": ("#f4f6f9", "#161d2a"),
    "card": ("#ffffff", "#1b2433"),
    "line": ("#c3cad6", "#3a475c"),
    "strong": ("#6b7588", "#8290a8"),
    "ink": ("#131a2a", "#e8ecf4"),
    "ink-2": ("#4a5468", "#aab5c8"),
    "accent": ("#2450c8", "#85a9ff"),
    "good": ("#13652f", "#7fdc9d"),
    "info": ("#1d4fc4", "#9dbbff"),
    "warn": ("#7a4a00", "#f3c565"),
    "bad": ("#ac1c1c", "#ff9c9c"),
    "idle": ("#4a5468", "#aab5c8"),
    "soft": ("#e8eefc", "#1f2d4d"),
}
_RULES = """
.d-ground { fill: var(--d-ground) }
.d-card { fill: var(--d-card); stroke: var(--d-line); stroke-width: 1.25 }
.d-system { fill: var(--d-card); stroke: var(--d-strong); stroke-width: 1.5 }
.d-absent { fill: none; stroke: var(--d-strong); stroke-width: 1.5; stroke-dasharray: 5 4 }
.d-band { fill: var(--d-surface) }
.d-rule { stroke: var(--d-line); stroke-width: 1; fill: none }
.d-edge { stroke: var(--d-strong); stroke-width: 1.5; fill: none }
.d-tip { fill: var(--d-strong) }
.d-text { fill: var(--d-ink); font-size: 13px }
.d-strong { fill: var(--d-ink); font-size: 13px; font-weight: 650 }
.d-head { fill: var(--d-ink); font-size: 20px; font-weight: 650 }
.d-name { fill: var(--d-ink); font-size: 16px; font-weight: 650 }
.d-small { fill: var(--d-ink-2); font-size: 14px }
.d-quiet { fill: var(--d-ink-2); font-size: 12px }
.d-label { fill: var(--d-ink-2); font-size: 12px; font-weight: 650 }
.d-mark { fill: var(--d-soft) }
.d-mark-text { fill: var(--d-accent); font-size: 12px; font-weight: 650 }
.d-bar-bed { fill: var(--d-line) }
.d-bar { fill: var(--d-accent) }
a:hover .d-card, a:hover .d-system { stroke: var(--d-accent) }
"""


def _style() -> str:
    def theme(at: int) -> str:
        return "; ".join(f"--d-{name}: {pair[at]}" for name, pair in _COLOURS.items())

    tones = "\n".join(f".d-tone-{t} {{ fill: var(--d-{t}); font-size: 14px; font-weight: 600 }}" for t in TONES)
    font = 'svg { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }'
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {theme(1)} }} }}"
    return f":root {{ {theme(0)} }}\n{dark}\n{font}{_RULES}{tones}\n"


@dataclass
class Sheet:
    """One drawing. `name`: unique among the drawings of one page."""

    name: str
    title: str
    summary: str  # what it shows, for whoever does not see it
    width: int = 0
    height: int = 0
    parts: list[str] = field(default_factory=list)
    links: int = 0

    def box(self, x: float, y: float, w: float, h: float, kind: str, radius: int = 8) -> None:
        self.parts.append(
            f'<rect class="d-{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="{radius}"/>'
        )
        self.width, self.height = max(self.width, int(x + w + 1)), max(self.height, int(y + h + 1))

    def text(self, x: float, y: float, words: str, kind: str = "text", *, room: float = 0, end: str = "start") -> None:
        """`room`: pixels there are; longer words are cut, and whole in the tip that opens over them."""
        shown = fitted(words, room, size(kind)) if room else words
        tip = f"<title>{escape(words)}</title>" if shown != words else ""
        anchor = f' text-anchor="{end}"' if end != "start" else ""
        self.parts.append(f'<text class="d-{kind}" x="{_n(x)}" y="{_n(y)}"{anchor}>{tip}{escape(shown)}</text>')

    def line(self, path: str, *, arrow: bool = False, kind: str = "edge") -> None:
        tip = f' marker-end="url(#{self.name}-tip)"' if arrow else ""
        self.parts.append(f'<path class="d-{kind}" d={quoteattr(path)}{tip}/>')

    def shape(self, x: float, y: float, tone: str) -> None:
        """The sign of a state: each tone has its own, so that colour is never the only one. Size: 10 by 10."""
        path = {
            "good": f"M {_n(x)} {_n(y + 5)} a 5 5 0 1 0 10 0 a 5 5 0 1 0 -10 0 z",
            "info": f"M {_n(x)} {_n(y + 5)} a 5 5 0 1 0 10 0 a 5 5 0 1 0 -10 0 z"
            f" M {_n(x + 2.5)} {_n(y + 5)} a 2.5 2.5 0 1 1 5 0 a 2.5 2.5 0 1 1 -5 0 z",
            "warn": f"M {_n(x + 5)} {_n(y)} l 5 10 h -10 z",
            "bad": f"M {_n(x)} {_n(y)} h 10 v 10 h -10 z",
        }.get(tone, f"M {_n(x)} {_n(y + 4)} h 10 v 3 h -10 z")
        self.parts.append(f'<path class="d-tone-{tone}" d="{path}"/>')

    @contextmanager
    def link(self, href: str) -> Iterator[None]:
        """What is drawn inside leads somewhere, under the name that stands there; without an address it is drawn all the same."""
        self.links += bool(href)
        if href:
            self.parts.append(f"<a href={quoteattr(href)}>")
        yield
        if href:
            self.parts.append("</a>")

    def within_a_page(self) -> str:
        """For a page that brings the style sheet."""
        return self._svg("", f' class="drawing" width="{self.width}" height="{self.height}"')

    def as_a_file(self) -> str:
        ground = f'<rect class="d-ground" width="{self.width}" height="{self.height}"/>\n'
        size = f' width="{self.width}" height="{self.height}"'
        return self._svg(f"<style>\n{_style()}</style>\n{ground}", size) + "\n"

    def _svg(self, lead: str, attributes: str) -> str:
        tip = (
            f'<defs><marker id="{self.name}-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            'markerUnits="userSpaceOnUse" orient="auto"><path class="d-tip" d="M 0 0 L 10 5 L 0 10 z"/></marker></defs>'
        )
        role = "group" if self.links else "img"  # a picture's insides cannot be reached, a group's can
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"{attributes} role="{role}" '
            f'aria-labelledby="{self.name}-title {self.name}-desc">\n'
            f'<title id="{self.name}-title">{escape(self.title)}</title>\n'
            f'<desc id="{self.name}-desc">{escape(self.summary)}</desc>\n'
            f"{lead}{tip}\n" + "\n".join(self.parts) + "\n</svg>"
        )


def _n(number: float) -> str:
    """One decimal at most: the same drawing is the same bytes."""
    return f"{number:.1f}".removesuffix(".0")


def size(kind: str) -> int:
    return (
        14
        if kind.startswith("tone-")
        else {"head": 20, "name": 16, "small": 14, "text": 13, "strong": 13}.get(kind, 12)
    )


_NARROW, _WIDE = frozenset("iljtfrI.,:;'’|!()[] "), frozenset("mwMW@%ABCDEGHKNOPQRUVXYÄÖÜ…—→")


def width_of(words: str, px: int = FONT_PX) -> float:
    """About how wide words are, on the generous side: no font is measured here."""
    return sum(0.36 if c in _NARROW else 0.86 if c in _WIDE else 0.62 for c in words) * px


def fitted(words: str, room: float, px: int = FONT_PX) -> str:
    if width_of(words, px) <= room:
        return words
    cut = words
    while cut and width_of(cut + "…", px) > room:
        cut = cut[:-1]
    return cut.rstrip(" ,·") + "…"


def wrapped(words: str, room: float, px: int = FONT_PX, lines_max: int = 4) -> list[str]:
    """Words in lines that fit; the last line says by an ellipsis that there was more."""
    lines: list[str] = []
    for word in words.split():
        grown = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(grown, px) <= room:
            lines[-1] = grown
        else:
            lines.append(fitted(word, room, px))
    if len(lines) <= lines_max:
        return lines
    return [*lines[: lines_max - 1], fitted(" ".join(lines[lines_max - 1 :]), room, px)]
