"""What can be said of the widget's files without running them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WIDGET = ROOT / "static" / "widget"
SCRIPTS = sorted(WIDGET.glob("*.js"))
TEMPLATES = sorted((ROOT / "templates" / "widget").glob("*.html"))
LOADER_BYTES = 8 * 1024
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    r"|createContextualFragment|setHTMLUnsafe"
)


def keys(name: str) -> list[str]:
    return re.findall(r'^  "?([\w.]+)"?:', (WIDGET / name).read_text(), re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_has_no_sink_for_markup(script: Path) -> None:
    assert SINKS.findall(script.read_text()) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_short(script: Path) -> None:
    assert len(script.read_text().splitlines()) <= 300


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_template_has_nothing_inline(template: Path) -> None:
    text = template.read_text()
    assert re.findall(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\bsrc=)", text) == []


def test_loader_is_small() -> None:
    assert (WIDGET / "loader.js").stat().st_size <= LOADER_BYTES


def test_languages_have_the_same_sentences() -> None:
    assert len(keys("en.js")) > 50
    assert keys("en.js") == keys("zh-hans.js")


def test_every_sentence_that_is_asked_for_exists() -> None:
    text = "".join(path.read_text() for path in [*SCRIPTS, *TEMPLATES])
    asked = re.findall(r'data-i18n(?:-\w+)?="(\w+)"', text)
    asked += re.findall(r'i18n\.text\("([\w.]+)"', text)
    assert set(asked) <= set(keys("en.js"))


def test_every_code_of_the_protocol_has_a_sentence() -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    told = re.search(r"`code` of a notice:.*?\n\n", protocol, re.DOTALL)
    assert told is not None
    notices, failures = told[0].split("`code` of a failed reply:")
    known = set(keys("en.js"))
    assert {f"notice.{code}" for code in re.findall(r"`([a-z_]+)`", notices)} - {
        "notice.code"
    } <= known
    failures, _cancellations = failures.split("`code` of a cancelled reply:")
    assert {f"failed.{code}" for code in re.findall(r"`([a-z_]+)`", failures)} <= known
