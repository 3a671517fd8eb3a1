"""Draws images/architecture.svg from the code's own imports: `python docs/draw_architecture.py`.

A box is a room of src/relevo, or a program of apps/. An arrow points at what is imported.
An arrow that follows from others (a → b → c makes a → c) is left out.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "images" / "architecture.svg"
LIBRARY = ROOT / "src" / "relevo"

WIDTH, HEIGHT = 208, 68  # of a box
LETTERS = 34  # that fit on a line of a box
LANE = 20  # what an arrow takes that passes a row of boxes
GAP_X, GAP_Y, MARGIN = 24, 54, 24
SWEEPS = 8  # down and up; the order of these few boxes has settled by then

Imports = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Room:
    """A package or module of the library, or a program."""

    name: str
    doc: str
    files: tuple[Path, ...]
    is_program: bool = False


def rooms() -> dict[str, Room]:
    found = {}
    for path in sorted(LIBRARY.iterdir()):
        start = path / "__init__.py" if path.is_dir() else path
        if path.name.startswith("_") or start.suffix != ".py" or not start.exists():
            continue
        files = tuple(sorted(path.rglob("*.py"))) if path.is_dir() else (path,)
        found[path.stem] = Room(path.stem, _first_line(start), files)
    for folder in sorted((ROOT / "apps").iterdir()):
        files = tuple(sorted(folder.rglob("*.py")))
        if any(_imported_rooms(file, set(found)) for file in files):
            name = f"apps/{folder.name}"
            project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
            found[name] = Room(
                name, project.get("description", ""), files, is_program=True
            )
    return found


def imports(found: dict[str, Room]) -> Imports:
    names = {room.name for room in found.values() if not room.is_program}
    return {
        room.name: {
            name for file in room.files for name in _imported_rooms(file, names)
        }
        - {room.name}
        for room in found.values()
    }


def _first_line(file: Path) -> str:
    doc = ast.get_docstring(ast.parse(file.read_text())) or ""
    return doc.split("\n")[0]


def _imported_rooms(file: Path, names: set[str]) -> set[str]:
    modules = set(_imported_modules(ast.parse(file.read_text())))
    return {
        module.split(".")[1] for module in modules if module.startswith("relevo.")
    } & names


def _imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ranks(edges: Imports) -> dict[str, int]:
    """The longest way down from each room: 0 imports nothing. A circle is an error."""
    found: dict[str, int] = {}

    def rank(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            raise ValueError(
                f"rooms import each other in a circle: {' → '.join((*above, name))}"
            )
        if name not in found:
            found[name] = max(
                (1 + rank(below, (*above, name)) for below in sorted(edges[name])),
                default=0,
            )
        return found[name]

    for name in sorted(edges):
        rank(name, ())
    return found


def reduced(edges: Imports) -> Imports:
    """Without the arrows that follow from others."""

    def reachable(name: str) -> set[str]:
        return edges[name].union(*(reachable(below) for below in edges[name]))

    reach = {name: reachable(name) for name in edges}
    return {
        name: {b for b in below if not any(b in reach[c] for c in below)}
        for name, below in edges.items()
    }


@dataclass(frozen=True, slots=True)
class Lane:
    """Where an arrow passes a row on its way down."""

    start: str
    end: str
    row: int


Node = str | Lane
Place = dict[Node, tuple[float, float]]


def rows(
    edges: Imports, rank: dict[str, int]
) -> tuple[list[list[Node]], list[list[Node]]]:
    """Each rank's boxes and lanes, top row first, in an order with few crossings; and the ways of all arrows."""
    top = max(rank.values())
    found: list[list[Node]] = [[] for _ in range(top + 1)]
    for name in sorted(rank):
        found[top - rank[name]].append(name)
    ways: list[list[Node]] = []
    for start in sorted(edges):
        for end in sorted(edges[start]):
            lanes = [
                Lane(start, end, row)
                for row in range(top - rank[start] + 1, top - rank[end])
            ]
            ways.append([start, *lanes, end])
            for lane in lanes:
                found[lane.row].append(lane)
    neighbours: dict[Node, list[Node]] = {}
    for way in ways:
        for upper, lower in pairwise(way):
            neighbours.setdefault(upper, []).append(lower)
            neighbours.setdefault(lower, []).append(upper)
    for sweep in range(SWEEPS):
        order = (
            range(1, len(found)) if sweep % 2 == 0 else range(len(found) - 2, -1, -1)
        )
        for row in order:
            beside = found[row - 1] if sweep % 2 == 0 else found[row + 1]
            _sort_by_neighbours(found[row], beside, neighbours)
    return found, ways


def _sort_by_neighbours(
    row: list[Node], beside: list[Node], neighbours: dict[Node, list[Node]]
) -> None:
    position = {node: (index + 0.5) / len(beside) for index, node in enumerate(beside)}
    own = {node: (index + 0.5) / len(row) for index, node in enumerate(row)}

    def middle(node: Node) -> float:
        there = [
            position[other] for other in neighbours.get(node, ()) if other in position
        ]
        return sum(there) / len(there) if there else own[node]

    row.sort(key=middle)


def placed(found: list[list[Node]]) -> tuple[Place, float, float]:
    """The middle of each box and lane, and the picture's size."""
    widths = [
        sum(_width(node) for node in row) + GAP_X * (len(row) - 1) for row in found
    ]
    width = max(widths)
    places: Place = {}
    for index, row in enumerate(found):
        x = MARGIN + (width - widths[index]) / 2
        y = MARGIN + HEIGHT / 2 + index * (HEIGHT + GAP_Y)
        for node in row:
            places[node] = (x + _width(node) / 2, y)
            x += _width(node) + GAP_X
    return (
        places,
        width + 2 * MARGIN,
        2 * MARGIN + len(found) * (HEIGHT + GAP_Y) - GAP_Y,
    )


def _width(node: Node) -> int:
    return LANE if isinstance(node, Lane) else WIDTH


def svg() -> str:
    found = rooms()
    edges = imports(found)
    rank = ranks(edges)
    layers, ways = rows(reduced(edges), rank)
    places, width, height = placed(layers)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"'
        ' font-family="system-ui, sans-serif" text-anchor="middle">',
        "<title>Rooms of the code, and what they import</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8Z" fill="#64748b"/></marker></defs>',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<g fill="none" stroke="#64748b" stroke-width="1.3" marker-end="url(#tip)">',
        *(_arrow(way, places) for way in ways),
        "</g>",
        *(_box(room, places[room.name]) for room in found.values()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _arrow(way: list[Node], places: Place) -> str:
    """Down from box to box, straight past the rows between."""
    x, y = places[way[0]]
    path = f"M{x:.0f} {y + HEIGHT / 2:.0f}"
    y += HEIGHT / 2
    for node in way[1:]:
        next_x, middle = places[node]
        next_y = middle - HEIGHT / 2
        bend = (next_y - y) / 2
        path += f"C{x:.0f} {y + bend:.0f} {next_x:.0f} {next_y - bend:.0f} {next_x:.0f} {next_y:.0f}"
        x, y = next_x, next_y
        if isinstance(node, Lane):
            y += HEIGHT
            path += f"V{y:.0f}"
    return f'<path d="{path}"/>'


def _box(room: Room, middle: tuple[float, float]) -> str:
    x, y = middle
    fill, corner = "#e0f2fe", 6
    if room.is_program:
        fill, corner = "#fef3c7", HEIGHT // 2
    texts = [
        f'<text x="{x:.0f}" y="{y - 12:.0f}" font-size="16">{escape(room.name)}</text>'
    ]
    for index, line in enumerate(_two_lines(room.doc)):
        texts.append(
            f'<text x="{x:.0f}" y="{y + 7 + 14 * index:.0f}" font-size="11">{escape(line)}</text>'
        )
    return (
        f'<rect x="{x - WIDTH / 2:.0f}" y="{y - HEIGHT / 2:.0f}" width="{WIDTH}" height="{HEIGHT}"'
        f' rx="{corner}" fill="{fill}" stroke="#334155"/>{"".join(texts)}'
    )


def _two_lines(doc: str) -> list[str]:
    """The first sentence; where it does not fit, its first part."""
    text = doc.replace("`", "").split(". ")[0].rstrip(".")
    for end in (": ", ", "):
        if len(textwrap.wrap(text, LETTERS)) > 2:
            text = text.split(end)[0]
    return textwrap.wrap(text, LETTERS, max_lines=2, placeholder=" …")


if __name__ == "__main__":
    PICTURE.write_text(svg())
