"""Chinese is complete, and what is compiled is what is written."""

import gettext
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("chat", "csbot", "moderation", "training")
FOLDERS = [ROOT / app / "locale" / "zh_Hans" / "LC_MESSAGES" for app in APPS]


def _written(folder: Path) -> dict[str, str]:
    """Entries of the .po file; its strings are concatenated as in Python."""
    text = (folder / "django.po").read_text(encoding="utf-8")
    entry = r'^(?:msgctxt "(\w+)"\n)?msgid ((?:".*"\n)+)msgstr ((?:".*"\n?)+)'
    return {
        (f"{context}\4" if context else "") + _joined(source): _joined(target)
        for context, source, target in re.findall(entry, text, re.MULTILINE)
    }


def _joined(quoted: str) -> str:
    parts = re.findall(r'"(.*)"', quoted)
    return "".join(parts).replace('\\"', '"').replace("\\n", "\n")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-4])
def test_everything_is_translated_and_compiled(folder: Path) -> None:
    with (folder / "django.mo").open("rb") as compiled:
        translations = gettext.GNUTranslations(compiled)
    written = {source: target for source, target in _written(folder).items() if source}

    assert len(written) > 50
    assert [source for source, target in written.items() if not target] == []
    assert {source: translations.gettext(source) for source in written} == written


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-4])
def test_placeholders_survive_translation(folder: Path) -> None:
    for source, target in _written(folder).items():
        assert sorted(re.findall(r"%\(?\w*\)?[sd]", source)) == sorted(
            re.findall(r"%\(?\w*\)?[sd]", target)
        )
