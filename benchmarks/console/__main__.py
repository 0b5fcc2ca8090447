"""The console, measured: ``python -m benchmarks.console --json``.

Each part has a csbot of its own, in a process of its own, because its figures depend on what is in
the database. ``--postgres`` measures on the PostgreSQL of the tests instead of SQLite.
"""

import argparse
import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import Figure, report
from benchmarks.place import installation
from benchmarks.serving import line
from tests import postgres

# Module of this package, and what its ``measure`` takes for a quick look.
PARTS: dict[str, dict[str, Any]] = {
    "takeover": {"races": 20},
    "audit": {"scale": 0.05},
    "analytics": {"messages": 5_000},
    "erase": {"messages": 2_000},
    "review": {"scale": 0.1},
}
PACKAGES = ("django", "cryptography", "psycopg")


def main() -> None:
    """Measure, and print figures for people or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    options = parser.parse_args()
    if options.only:
        figures = _measure(options.only, is_quick=options.quick, on_postgres=options.postgres)
    else:
        figures = [each for part in PARTS for each in _elsewhere(part, options)]
    if options.json:
        print(json.dumps(report(figures, PACKAGES), indent=1))
    else:
        print("\n".join(map(line, figures)))


def _measure(part: str, *, is_quick: bool, on_postgres: bool) -> list[Figure]:
    with contextlib.ExitStack() as stack:
        settings: dict[str, str] = {"CHAT_EMBEDDER": "ngrams"}
        if on_postgres:
            folder = Path(tempfile.mkdtemp(prefix="csbot-bench-pg-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            os.environ["CSBOT_TEST_POSTGRES"] = "1"
            if (stop := postgres.start_if_asked(folder)) is not None:
                stack.callback(stop)
            settings["DATABASE_URL"] = os.environ["DATABASE_URL"]
        stack.enter_context(installation(**settings))
        # It needs Django's settings.
        module = importlib.import_module(f"benchmarks.console.{part}")
        found: list[Figure] = module.measure(**(PARTS[part] if is_quick else {}))
        return found


def _elsewhere(part: str, options: argparse.Namespace) -> list[Figure]:
    more = [f"--{name}" for name in ("quick", "postgres") if getattr(options, name)]
    command = [sys.executable, "-m", "benchmarks.console", "--json", "--only", part, *more]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: list[Figure] = json.loads(done.stdout)["figures"]
    return found


if __name__ == "__main__":
    main()
