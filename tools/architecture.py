"""The map of the package, made from its imports: docs/architecture.md's tables and docs/images/architecture.svg.

    python tools/architecture.py            write both again, and print the number of circles and of upward imports
    python tools/architecture.py --check    write nothing; fail if either is stale or a number is not 0

The layers are those of the import-linter contract in pyproject.toml; the sentences are the modules' own docstrings.
"""

import argparse
import ast
import re
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "nsputil"
PAGE, PICTURE = ROOT / "docs" / "architecture.md", ROOT / "docs" / "images" / "architecture.svg"
ROWS = re.compile(r"(<!-- modules: begin[^>]*-->\n).*?(<!-- modules: end -->)", re.S)


def layers():
    """Return the names of the modules and packages of each layer, from the top."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[name.strip() for name in re.split(r"[|:]", row)] for row in rows]


def imports():
    """Return {module: modules that it imports}, all below the package, imports inside functions included."""
    graph = grimp.build_graph(PACKAGE)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def between_rooms(modules):
    """Return {room: rooms that it imports}; a room is a module or a package directly below the root."""
    rooms = {}
    for name, targets in modules.items():
        room = _room(name)
        if room is not None:
            rooms.setdefault(room, set()).update({_room(target) for target in targets} - {room, None})
    return rooms


def _room(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else None


def circles(modules):
    """Return the circles among modules, one found after the other and taken apart at its last arrow."""
    arrows, found = {name: set(targets) for name, targets in modules.items()}, []
    while True:
        try:
            TopologicalSorter(arrows).prepare()
            return found
        except CycleError as error:
            circle = error.args[1]
            found.append(circle)
            arrows[circle[1]].discard(circle[0])


def upward(rooms, rows):
    """Return the imports of a room in a higher layer."""
    height = {name: number for number, row in enumerate(rows) for name in row}
    return sorted((a, b) for a, targets in rooms.items() for b in targets if height[b] < height[a])


def sentence(name):
    """Return the first sentence of the docstring of a module or package."""
    path = ROOT / PACKAGE / name
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.:])\s+(?=[A-Z`])", text)[0].replace("``", "`").rstrip(":")


def table(rows):
    """Return the layers as a Markdown table, a line for each module."""
    lines = ["| layer | module | what it is for |", "|---|---|---|"]
    for number, row in enumerate(rows):
        for k, name in enumerate(row):
            path = f"../{PACKAGE}/{name}" + ("" if (ROOT / PACKAGE / name).is_dir() else ".py")
            about = sentence(name).replace("|", "\\|")
            lines.append(f"| {len(rows) - number if k == 0 else ''} | [`{name}`]({path}) | {about} |")
    return "\n".join(lines) + "\n"


def reduced(rooms):
    """Leave out the arrows that a longer way already tells."""

    def below(room):
        return set().union(*({x} | below(x) for x in rooms[room])) if rooms[room] else set()

    return {room: {x for x in xs if not any(x in below(y) for y in xs - {x})} for room, xs in rooms.items()}


WIDTH, ROW, HIGH, LEFT = 1180, 74, 30, 54
FONT = 'font-family="system-ui, sans-serif" font-size="13"'


def routes(rows, rooms):
    """Return each arrow as a list of stops, one a layer; between two modules the stops are empty places."""
    height = {name: number for number, row in enumerate(rows) for name in row}
    arrows = [(a, b) for a, targets in sorted(reduced(rooms).items()) for b in sorted(targets)]
    return [[a, *((a, b, k) for k in range(height[a] + 1, height[b])), b] for a, b in arrows]


def placed(rows, ways):
    """Return {stop: (x, y, width)}; a row is sorted by the mean place of what its stops are connected with."""
    rows = [list(row) for row in rows]
    for way in ways:
        for stop in way[1:-1]:
            rows[stop[2]].append(stop)
    near = {}
    for way in ways:
        for a, b in zip(way, way[1:], strict=False):
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
    place = {}
    for _ in range(12):  # more sweeps change nothing
        for number, row in enumerate(rows):
            middle = {s: [place[n][0] + place[n][2] / 2 for n in near.get(s, []) if n in place] for s in row}
            row.sort(key=lambda s: sum(middle[s]) / len(middle[s]) if middle[s] else WIDTH / 2)
            widths = [8 * len(stop) + 14 if isinstance(stop, str) else 6 for stop in row]
            gap = (WIDTH - LEFT - sum(widths)) / (len(row) + 1)
            x = LEFT + gap
            for stop, width in zip(row, widths, strict=True):
                place[stop] = (round(x), 20 + ROW * number, width)
                x += width + gap
    return place


def picture(rows, rooms):
    """Return the layers as an SVG picture; an arrow runs from a room to one that it imports."""
    ways = routes(rows, rooms)
    place = placed(rows, ways)
    height = 20 + ROW * (len(rows) - 1) + HIGH + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {FONT}>',
        "<title>The modules of nsputil in layers. An arrow points from a module to one that it imports.</title>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#0072B2"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number in range(len(rows)):
        y = 20 + ROW * number
        lines.append(f'<rect x="0" y="{y - 8}" width="{WIDTH}" height="{HIGH + 16}" fill="#f3f3f3"/>')
        lines.append(f'<text x="14" y="{y + 20}" fill="#555">{len(rows) - number}</text>')
    for way in ways:
        path = ""
        for a, b in zip(way, way[1:], strict=False):
            x, y, width = place[a]
            tx, ty, twidth = place[b]
            start, end, middle = x + width // 2, tx + twidth // 2, (y + HIGH + ty) // 2
            path += f"{'L' if path else 'M'}{start},{y + HIGH} C{start},{middle} {end},{middle} {end},{ty} "
        lines.append(
            f'<path d="{path.strip()}" fill="none" stroke="#0072B2" stroke-opacity="0.6" marker-end="url(#head)"/>'
        )
    for name in (name for row in rows for name in row):
        x, y, width = place[name]
        package = (ROOT / PACKAGE / name).is_dir()
        lines.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{HIGH}" rx="5" '
            f'fill="{"#fff4d6" if package else "white"}" stroke="#333"/>'
            f'<text x="{x + width // 2}" y="{y + 20}" text-anchor="middle">{escape(name)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def main(arguments=None):
    """Write or check the map."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    modules, rows = imports(), layers()
    rooms = between_rooms(modules)
    unlisted = sorted(set(rooms) ^ {name for row in rows for name in row})
    if unlisted:
        sys.exit(
            f"pyproject.toml, [tool.importlinter]: {', '.join(unlisted)} in the package or the layers, not in both"
        )
    loops, climbs = circles(modules), upward(rooms, rows)
    print(f"{len(modules)} modules: {len(loops)} circles, {len(climbs)} upward imports")
    for line in [" -> ".join(reversed(loop)) for loop in loops] + [f"{a} imports {b} above it" for a, b in climbs]:
        print(f"  {line}")
    old = PAGE.read_text(encoding="utf-8")
    new = ROWS.sub(lambda m: m.group(1) + table(rows) + m.group(2), old)
    drawn = picture(rows, rooms)
    stale = [PAGE] * (new != old)
    stale += [PICTURE] * (not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != drawn)
    if check:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in stale)
        sys.exit(f"stale: {names}; run: python tools/architecture.py" if stale else bool(loops or climbs))
    PAGE.write_text(new, encoding="utf-8", newline="\n")
    PICTURE.write_text(drawn, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
