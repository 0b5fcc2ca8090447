"""Every address there is, and whether an answer lets somebody in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import URLResolver, get_resolver, reverse

from tests.matrix.world import ARGUMENTS, GLOBAL, SHARED_MODELS, Rows

FOLDER = Path(__file__).parent
ROLES = ("Agent", "Curator", "Approver", "Trainer", "Auditor", "Admin")
LETTERS = "ACPTUM"
"""One for each role, in this order: Agent Curator aPprover Trainer aUditor adMin."""
ON_ALL_BOTS = ("Auditor", "Admin")
METHODS = ("GET", "POST")


@dataclass(frozen=True)
class Address:
    """``name`` as in ``reverse``; ``takes`` are the names of its arguments."""

    name: str
    takes: frozenset[str]

    @property
    def is_console(self) -> bool:
        return self.name.startswith("admin:")

    def arguments(self, rows: Rows) -> dict[str, Any]:
        """Raises KeyError where :mod:`tests.matrix.world` has to be told."""
        short = self.name.removeprefix("admin:")
        if not self.takes:
            return {}
        if short in ARGUMENTS:
            return ARGUMENTS[short](rows)
        return {"object_id": rows[short.rpartition("_")[0]].pk}

    @property
    def is_somebodys(self) -> bool:
        short = self.name.removeprefix("admin:")
        shared = short in GLOBAL or short.rpartition("_")[0] in SHARED_MODELS
        return bool(self.takes) and not shared

    def path(self, arguments: dict[str, Any]) -> str:
        return reverse(self.name, kwargs=arguments)


def addresses() -> list[Address]:
    return sorted(set(_walk(get_resolver(), "")), key=lambda each: each.name)


def _walk(resolver: URLResolver, space: str) -> Iterator[Address]:
    """Those without a name are the console's redirects and its last resort: tested by themselves."""
    space = f"{space}{resolver.namespace}:" if resolver.namespace else space
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _walk(each, space)
        elif each.name:
            takes = frozenset(each.pattern.regex.groupindex)
            yield Address(space + each.name, takes)


def lets_in(response: Any) -> bool:
    """Reached what was asked for; what was sent may be wrong in itself."""
    if response.status_code in (301, 302):
        target = response["Location"]
        closed = ("/admin/login/", "/admin/second-factor/", "/admin/confirm/")
        return not target.startswith(closed)
    return response.status_code not in (401, 403, 404, 405)


def table(name: str) -> dict[tuple[str, str], str]:
    """A checked-in table: name, method, and a letter for everybody who is let in."""
    found: dict[tuple[str, str], str] = {}
    for line in (FOLDER / name).read_text().splitlines():
        if line and not line.startswith("#"):
            what, method, *cells = line.split()
            assert (what, method) not in found, f"twice in {name}: {what} {method}"
            found[what, method] = "".join(cells)
    return found


def differences(wanted: dict[tuple[str, str], str], seen: dict[tuple[str, str], str]) -> list[str]:
    """What to look at, one a line, as it would stand in the table."""
    lines = []
    for key in sorted(wanted.keys() | seen.keys()):
        if wanted.get(key) != seen.get(key):
            what, method = key
            lines.append(
                f"{what:<46} {method:<4} {seen.get(key, 'is gone'):<8} the table says "
                f"{wanted.get(key, 'nothing')}"
            )
    return lines
