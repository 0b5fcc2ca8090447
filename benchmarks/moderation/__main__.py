"""Moderation, measured: ``python -m benchmarks.moderation --json``.

Without labelled data of other people (``--data``, or ``CSBOT_BENCHMARK_DATA``) what needs it is
left out and said so. Presidio is measured beside ours when ``presidio-analyzer`` is installed.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
django.setup()

from benchmarks.machine import report  # noqa: E402
from benchmarks.moderation import personal, presidio, streams, words  # noqa: E402
from benchmarks.serving import line  # noqa: E402

PARTS = ("personal", "words", "stream")
PACKAGES = ("ahocorasick-rs", "regex", "phonenumbers", "python-stdnum", "presidio-analyzer")


def main() -> None:
    """Measure, and print figures for people or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.moderation", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("CSBOT_BENCHMARK_DATA"), help="labelled data"
    )
    options = parser.parse_args()
    data = Path(options.data) if options.data else None
    if data is None:
        print("No --data: figures on other people's texts are left out.", file=sys.stderr)
    parts = [options.only] if options.only else PARTS
    figures = []
    if "personal" in parts:
        figures += personal.own() + personal.speed()
        if data is not None:
            figures += personal.on_files(data) + personal.clean(data) + presidio.figures(data)
    if "words" in parts:
        figures += words.evasions() + words.speed(None) + (words.speed(data) if data else [])
        if data is not None:
            figures += words.clean(data)
    if "stream" in parts:
        figures += streams.figures()
    if options.json:
        print(json.dumps(report(figures, PACKAGES), indent=1))
    else:
        print("\n".join(map(line, figures)))


if __name__ == "__main__":
    main()
