"""The rooms of the project, which of them may know which, and what breaks that: read from the imports in the files."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Rooms of each app, lowest first; one of a line knows those of its own line and of the lines above it, without circles.
ORDER: Mapping[str, tuple[str, ...]] = {
    "catalog": (
        "attributes breaker bulk caching currencies derivatives edit_history fields locks models origins parameters retry signals "
        "spreadsheets stopping storage_names texts",
        "announce identifiers representation tracking",
        "categories expiry filters photos sales",
        "typing_errors",
        "search_language text_search",
        "changes product_search sorting",
        "category_totals facets",
        "errands",
        "feeds",
        "access admin api apps checks demo management receivers storefront tasks urls writes",
    ),
    "recommender": (
        "bucket_script buckets halfvec locks models pause progress records redis_cache redis_client",
        "encoder index pictures projection",
        "merchandising",
        "evaluation pipeline",
        "spaces",
        "search",
        "monitoring",
        "duplicates",
        "admin admin_site api apps beat bench checks management receivers schedule storefront tasks",
    ),
}
NEVER: Mapping[str, tuple[str, ...]] = {"catalog": ("recommender", "config"), "recommender": ("config",)}
CORRIDORS = ("common", "helpers", "misc", "services", "utils")
BENCH, ITS_COMMAND = "recommender.bench", "recommender.management.commands.bench"
# Each folder of the index is an engine, reached by the port alone; a bench measures one by itself.
INDEX = "recommender.index"
# What starts servers on a developer's machine. No other file imports it, `manage.py` included, which runs in production too.
LOCAL = ("config.demo", "config.local")
APPS, COMMANDS = ("catalog", "config", "recommender"), ("manage.py",)


@dataclass(frozen=True)
class Import:
    """`file` imports `module`, both by their dotted names."""

    path: str
    file: str
    module: str

    def __str__(self) -> str:
        return f"{self.path} imports {self.module}"


def violations(project: Path) -> list[str]:
    """What breaks the rules, a sentence each, in the folders APPS and the files COMMANDS of `project`."""
    paths = [path for app in APPS for path in sorted((project / app).rglob("*.py")) if "migrations" not in path.parts]
    paths += [project / name for name in COMMANDS if (project / name).exists()]
    files = {path.relative_to(project): _dotted(path.relative_to(project)) for path in paths}
    modules = set(files.values())
    imports = [
        Import(str(path), file, module)
        for path, file in files.items()
        for module in _imports(project / path, file, modules)
    ]
    return [
        *_corridors(files),
        *(f"{one}: {why}" for one in imports if (why := _why_not(one))),
        *(f"{room} has no place in ORDER" for room in sorted(set(map(_room, modules)) - set(_heights()) - {""})),
        *_circles(imports),
    ]


def _why_not(one: Import) -> str:
    app, other = one.file.split(".")[0], one.module.split(".")[0]
    if other in NEVER.get(app, ()):
        return f"{app} knows nothing of {other}"
    if _within(one.module, *LOCAL) and not _within(one.file, *LOCAL):
        return "not in production"
    if _within(one.module, BENCH) and not _within(one.file, BENCH, ITS_COMMAND):
        return "benches are for their command alone"
    if (engine := _engine(one.module)) and not _within(one.file, engine, BENCH):
        return "engines are reached by the port alone"
    heights = _heights()
    room, known = _room(one.file), _room(one.module)
    if app == other and room in heights and known in heights and heights[known] > heights[room]:
        return f"{known} stands above {room}"
    return ""


def _circles(imports: list[Import]) -> Iterator[str]:
    """Each import between two rooms of one app that know each other, by whatever way round."""
    known: dict[str, set[str]] = {}
    arrows = [one for one in imports if _room(one.file) and _room(one.module) and _room(one.file) != _room(one.module)]
    for one in arrows:
        known.setdefault(_room(one.file), set()).add(_room(one.module))
    for one in arrows:
        if _room(one.file) in _reached(_room(one.module), known):
            yield f"{one}: a circle, for {_room(one.module)} leads back to {_room(one.file)}"


def _reached(room: str, known: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [room]
    while ahead:
        new = known.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found


def _corridors(files: Mapping[Path, str]) -> Iterator[str]:
    """config is no app of rooms: the servers of a developer's machine may be called services."""
    for path in files:
        if path.parts[0] in ORDER and not {*path.parts[:-1], path.stem}.isdisjoint(CORRIDORS):
            yield f"{path} is named by no role"


def _heights() -> dict[str, int]:
    return {
        f"{app}.{room}": height
        for app, lines in ORDER.items()
        for height, line in enumerate(lines)
        for room in line.split()
    }


def _room(module: str) -> str:
    """`recommender.search` of `recommender.search.filters`; "" of whatever is in no room."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ORDER and len(parts) > 1 else ""


def _engine(module: str) -> str:
    """`recommender.index.pgvector` of `recommender.index.pgvector.options`; "" of a module in no folder of the index."""
    parts = module.split(".")
    return ".".join(parts[:3]) if _within(module, INDEX) and len(parts) > 3 else ""


def _within(module: str, *places: str) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, file: str, modules: set[str]) -> Iterator[str]:
    """Every module that a file imports, those inside functions too, by absolute name."""
    package = file.split(".") if path.name == "__init__.py" else file.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{source}.{alias.name}" if f"{source}.{alias.name}" in modules else source
