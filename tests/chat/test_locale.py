"""Chinese is complete, and what is compiled is what is written."""

import gettext
import re
from pathlib import Path

import chat

FOLDER = Path(chat.__file__).parent / "locale" / "zh_Hans" / "LC_MESSAGES"


def _written() -> dict[str, str]:
    """Entries of the .po file; its strings are concatenated as in Python."""
    text = (FOLDER / "django.po").read_text(encoding="utf-8")
    entries = re.findall(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n?)+)', text, re.MULTILINE)
    return {_joined(source): _joined(target) for source, target in entries}


def _joined(quoted: str) -> str:
    parts = re.findall(r'"(.*)"', quoted)
    return "".join(parts).replace('\\"', '"').replace("\\n", "\n")


def test_everything_is_translated_and_compiled() -> None:
    with (FOLDER / "django.mo").open("rb") as compiled:
        translations = gettext.GNUTranslations(compiled)
    written = {source: target for source, target in _written().items() if source}

    assert len(written) > 50
    assert [source for source, target in written.items() if not target] == []
    assert {source: translations.gettext(source) for source in written} == written


def test_placeholders_survive_translation() -> None:
    for source, target in _written().items():
        assert re.findall(r"%\(?\w*\)?[sd]", source) == re.findall(r"%\(?\w*\)?[sd]", target)
