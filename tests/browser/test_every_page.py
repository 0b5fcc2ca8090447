"""Every page of the console in both languages, in light and dark, on a desk and on a phone: it comes up, is
accessible and translated, fits, and leaves a picture of itself to be looked at.

Pages are those of the address configuration that the permission matrix lets somebody read. A new one
is walked as soon as its line stands in ``tests/matrix/console.txt`` and its arguments in
``tests/matrix/world.py``, or better, with rows worth a picture, in ``little_world.py``. Pictures are kept in the
folder that ``CSBOT_PICTURES`` names, ``pictures/`` otherwise.
"""

import gettext
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ViewportSize

from tests.matrix import walking
from tests.services import ROOT, Services

pytestmark = pytest.mark.browser

PICTURES = Path(os.environ.get("CSBOT_PICTURES") or ROOT / "pictures")
WORLD = "from tests.browser import little_world; little_world.main()"
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 860},
    "phone": {"width": 390, "height": 844},
}
TALLEST = 6000
LANGUAGES = {"en": ("light", "dark"), "zh-hans": ("dark", "light")}
"""The theme of each language on a desk, and on a phone."""
SENT = {
    "review_decide", "review_undo", "review_propose", "review_propose_chat",
    "knowledge_clear_cache", "knowledge_resolve", "knowledge_restore",
    "moderation_activate", "moderation_resolve",
    "training_retire_correction", "training_cancel_run", "training_resume_run",
    "training_measure_run", "training_start_run", "training_measure_champion", "training_promote",
    "training_ask_override", "training_agree_override", "training_withdraw_override",
    "training_propose_increment", "training_close_increment", "training_cancel_increment",
    "training_roll_back", "training_end_experiment", "training_freeze", "logout",
    "training_stop_shadow", "training_teach",
}  # fmt: skip
"""What only takes a form that is sent."""
NO_PAGES = {
    "login": "a door, see below",
    "jsi18n": "a script",
    "search": "a part of every page",
    "autocomplete": "data of a field",
    "view_on_site": "leads elsewhere",
    "review_next": "data of the queue",
    "training_fleet": "a part of the promotion page",
    "analytics_export": "a file",
    "knowledge_export": "a file",
    "moderation_export_audit": "a file",
    "training_export": "a file",
    "privacy_certificate": "a file",
}


def read_by_somebody() -> Iterator[str]:
    """Names of the addresses that are to be looked at."""
    readers = walking.table("console.txt")
    for address in walking.addresses():
        name = address.name.removeprefix("admin:")
        is_read = set(readers.get((name, "GET"), "?")) != {"."}
        if address.is_console and is_read and name not in SENT | NO_PAGES.keys():
            yield name


@dataclass(frozen=True)
class Door:
    """A page that is no place of the console: who comes, where to, and what they are told."""

    name: str
    session: str
    path: str
    status: int = 200


DATA = {
    "delivery",
    "key",
    "asked",
    "We have noted that you would like to talk to a person. You can keep asking here meanwhile.",
}
"""Said or written in the little world, though it reads like a label."""
READY = {"review_queue": "#rv-question", "inbox_page": ".ib-row"}
"""What is there once a page has drawn itself."""
DOORS = [
    Door("login", "", "/admin/login/"),
    Door("second_factor_code", "half", "/admin/second-factor/"),
    Door("second_factor_kept", "enrolled", "/admin/second-factor/"),
    Door("confirm", "unconfirmed", "/admin/confirm/?next=/admin/"),
    Door("nothing_to_see", "no_role", "/admin/"),
    Door("forbidden", "no_role", "/admin/chat/bot/", 403),
    Door("not_found", "session", "/admin/nowhere/", 404),
]


class Desk:
    """A browser in one language whose themes and sizes change, as long as the tests of this file."""

    def __init__(self, browser: Browser, csbot: Services, world: Any, lang: str) -> None:
        self._csbot, self._world, self.lang = csbot, world, lang
        self.themes = dict(zip(SIZES, LANGUAGES[lang], strict=True))
        self.context = browser.new_context(
            viewport=SIZES["desktop"], locale="en-GB", reduced_motion="reduce"
        )
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{csbot.url}/admin/login/")
        self._keep_theme("desktop")

    def go(self, path: str, *, session: str = "session", status: int = 200) -> None:
        self.errors.clear()
        self.context.clear_cookies()
        cookies = {"sessionid": self._world.get(session, ""), "django_language": self.lang}
        self.context.add_cookies(
            [
                {"name": name, "value": value, "url": self._csbot.url}
                for name, value in cookies.items()
            ]
        )
        self.page.set_viewport_size(SIZES["desktop"])
        self._keep_theme("desktop")
        response = self.page.goto(self._csbot.url + path)
        assert response is not None
        assert response.request.redirected_from is None, f"{path} leads elsewhere"
        assert response.status == status
        assert response.header_value("content-type") == "text/html; charset=utf-8"

    def switch_to(self, size: str) -> None:
        """As the console's own switch does it; pages without its frame have none."""
        self.page.set_viewport_size(SIZES[size])
        self.page.evaluate(SWITCH, self.themes[size])

    def picture(self, name: str, size: str) -> None:
        """All of the page, at the height that it wants: what sticks to an edge hides nothing."""
        app, _, page = name.partition("_")
        file = f"{app}-{page or 'page'}-{self.lang}-{self.themes[size]}-{size}.png"
        width = SIZES[size]["width"]
        height = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": width, "height": min(height, TALLEST)})
        self.page.screenshot(path=PICTURES / file, animations="disabled")

    def grave(self, *, besides: str = "") -> list[str]:
        """Serious and critical findings, one line each."""
        within = {"exclude": [besides]} if besides else None
        found = Axe().run(self.page, context=within).response["violations"]
        return [
            f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:240]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    def too_wide(self) -> list[str]:
        """What stands out of the page on the right, so that it moves sideways."""
        found: list[str] = self.page.evaluate(TOO_WIDE)
        return found

    def texts(self) -> set[str]:
        return set(self.page.evaluate(TEXTS))

    def _keep_theme(self, size: str) -> None:
        theme = json.dumps(self.themes[size])
        self.page.evaluate("theme => localStorage.setItem('adminTheme', theme)", theme)


SWITCH = """theme => {
  if (window.Alpine) Alpine.$data(document.documentElement).adminTheme = theme;
  else document.documentElement.className = theme;
}"""
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const out = [...document.body.querySelectorAll('*')].filter(
    each => each.getBoundingClientRect().right > width + 1);
  return out.slice(0, 5).map(each => each.outerHTML.slice(0, 160));
}"""
TEXTS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const {parentElement: parent, data} = walker.currentNode;
    if (data.trim() && parent.checkVisibility() && !parent.closest('[translate=no]'))
      found.push(data.trim());
  }
  for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
    for (const each of document.querySelectorAll(`[${name}]`))
      if (each.checkVisibility()) found.push(each.getAttribute(name).trim());
  return found;
}"""


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Services, Any]]:
    """A csbot of its own: what other tests leave behind is on no picture."""
    with Services() as csbot:
        world = json.loads(csbot.manage("shell", "--verbosity", "0", "-c", WORLD))
        csbot.start("web")
        yield csbot, world


@pytest.fixture(scope="module")
def desks(browser: Browser, shop: tuple[Services, Any]) -> Iterator[list[Desk]]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    desks = [Desk(browser, *shop, lang) for lang in LANGUAGES]
    yield desks
    for desk in desks:
        desk.context.close()


@pytest.fixture(scope="module")
def english() -> set[str]:
    """What has to read otherwise in Chinese."""
    found = set()
    for compiled in ROOT.glob("*/locale/zh_Hans/LC_MESSAGES/django.mo"):
        with compiled.open("rb") as file:
            catalog = gettext.GNUTranslations(file)
        written = catalog._catalog.items()  # type: ignore[attr-defined]  # No other way to list them.
        found |= {key for key, value in written if isinstance(key, str) and key != value}
    return found - DATA - {""}


def test_the_world_has_what_every_address_needs(shop: tuple[Services, Any]) -> None:
    assert shop[1]["unknown"] == []


@pytest.mark.parametrize("name", list(read_by_somebody()))
def test_page(name: str, desks: list[Desk], shop: tuple[Services, Any], english: set[str]) -> None:
    _looks_well(desks, Door(name, "session", shop[1]["paths"][name]), english)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_door(door: Door, desks: list[Desk], english: set[str]) -> None:
    _looks_well(desks, Door(f"door_{door.name}", door.session, door.path, door.status), english)


def _looks_well(desks: list[Desk], door: Door, english: set[str]) -> None:
    """All complaints about a page at once."""
    found = []
    for desk in desks:
        desk.go(door.path, session=door.session, status=door.status)
        if door.name in READY:
            desk.page.locator(READY[door.name]).first.wait_for()
        for size in SIZES:
            desk.switch_to(size)
            look = f"{desk.lang} {desk.themes[size]} {size}"
            desk.picture(door.name, size)
            if size == "desktop":
                # The menu is that of all pages, and half the time of looking at each.
                menu = "" if door.name == "index" else "#nav-sidebar"
                found += [f"{look}: {each}" for each in desk.grave(besides=menu)]
            else:
                found += [f"{look}: too wide: {each}" for each in desk.too_wide()]
        if desk.lang != "en":
            found += [f"not translated: {each}" for each in desk.texts() & english]
        found += [f"{desk.lang}: {each}" for each in desk.errors]
    assert found == [], "\n" + "\n".join(found)
