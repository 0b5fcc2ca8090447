"""The page of a training run moves while it runs, comes back after a loss, and ends well."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.services import Services

pytestmark = pytest.mark.browser

STAFF = """
from django.contrib.auth.models import User
User.objects.create_superuser("root", password="a-long-password")
"""
RUN = """
import uuid
from chat.selectors import demo_bot
from tests.factories import DatasetFactory, DatasetVersionFactory, TrainingRunFactory
from training.services import runs
plan = {"training_minutes": 10.0, "minutes": 20.0, "steps": 40}
dataset = DatasetFactory(bot=demo_bot(), slug=uuid.uuid4().hex)
version = DatasetVersionFactory(dataset=dataset)
run = TrainingRunFactory(dataset_version=version, plan=plan)
claim = runs.claim(device="cpu", owner="test", only=run)
runs.set_stage(claim, "training")
print(run.pk)
"""
REPORT = """
import json
from training.models import TrainingRun
from training.progress import Point, Reported
from training.services import runs
from training.services.runs import Claim
run = TrainingRun.objects.get(pk={pk})
said = json.loads({said!r})
points = [Point(step, step, loss=2 / step, heldout_loss=None) for step in range(*said["steps"])]
last = said["steps"][1] - 1
points.append(Point(last, last, heldout_loss=1.5))
runs.report(Claim(run, run.fence), Reported(
    points=points, notes=[("checkpoint", {{"step": last}})],
    newest={{"step": last, "total_steps": 40}}, share=last / 40, seconds_left=100.0,
))
"""
FINISH = """
from training.models import TrainingRun
from training.services import runs
from training.services.runs import Claim
run = TrainingRun.objects.get(pk={pk})
runs.finish(Claim(run, run.fence))
"""


class Watched:
    """A run whose trainer is the test."""

    def __init__(self, csbot: Services) -> None:
        self._csbot = csbot
        self.pk = int(self._shell(RUN).split()[-1])

    def report(self, first: int, last: int) -> None:
        said = json.dumps({"steps": [first, last + 1]})
        self._shell(REPORT.format(pk=self.pk, said=said))

    def finish(self) -> None:
        self._shell(FINISH.format(pk=self.pk))

    def _shell(self, code: str) -> str:
        return self._csbot.manage("shell", "--verbosity", "0", "-c", code)


@pytest.fixture(scope="module")
def staffed(csbot: Services) -> Services:
    csbot.manage("shell", "--verbosity", "0", "-c", STAFF)
    return csbot


@pytest.fixture
def run(staffed: Services) -> Iterator[Watched]:
    run = Watched(staffed)
    yield run
    staffed.manage("shell", "--verbosity", "0", "-c", "from training.models import TrainingRun; "
                   "TrainingRun.objects.all().delete()")  # fmt: skip


@pytest.fixture
def console(page: Page, staffed: Services) -> Page:
    """A page that is logged in, in English. Whatever a script throws fails the test."""
    page.goto(f"{staffed.url}/admin/login/")
    page.fill("#id_username", "root")
    page.fill("#id_password", "a-long-password")
    page.click("button[type=submit]")
    expect(page).to_have_url(f"{staffed.url}/admin/")
    return page


def open_run(page: Page, csbot: Services, run: Watched) -> list[str]:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{csbot.url}/admin/training/trainingrun/{run.pk}/change/")
    return errors


def part(page: Page, name: str) -> Any:
    return page.locator(f'[data-part="{name}"]')


def drawn(page: Page, field: str) -> int:
    """How many points a line has."""
    points = page.locator(f'polyline[data-field="{field}"]').get_attribute("points") or ""
    return len(points.split())


def test_curve_and_bar_move_while_it_trains(console: Page, staffed: Services, run: Watched) -> None:
    errors = open_run(console, staffed, run)
    expect(part(console, "live")).to_have_text("live")
    expect(part(console, "empty")).to_be_visible()
    bar = part(console, "bar")
    before = float(bar.get_attribute("value") or 1)

    run.report(1, 10)
    expect(part(console, "step")).to_have_text("10")
    expect(part(console, "empty")).to_be_hidden()
    assert (drawn(console, "loss"), drawn(console, "heldout_loss")) == (10, 1)
    assert float(bar.evaluate("bar => bar.value")) > before
    expect(part(console, "left")).to_have_text("about 12 min left")
    expect(part(console, "notes").locator("li").first).to_contain_text("Checkpoint at step 10.")

    run.report(11, 40)
    expect(part(console, "step")).to_have_text("40")
    assert (drawn(console, "loss"), drawn(console, "heldout_loss")) == (40, 2)
    expect(part(console, "loss")).to_have_text("0.0500")

    run.finish()
    expect(part(console, "status")).to_have_text("finished")
    expect(part(console, "percent")).to_have_text("100 %")
    expect(part(console, "reload")).to_be_visible()
    expect(part(console, "cancel")).to_be_hidden()
    assert errors == []


def test_what_happened_while_the_line_was_down_is_there_afterwards(
    console: Page, staffed: Services, run: Watched
) -> None:
    errors = open_run(console, staffed, run)
    expect(part(console, "live")).to_have_text("live")
    run.report(1, 10)
    expect(part(console, "step")).to_have_text("10")
    staffed.stop("web")
    expect(part(console, "live")).to_have_text("connection lost, trying again")
    run.report(11, 20)
    staffed.start("web")

    expect(part(console, "step")).to_have_text("20")
    assert drawn(console, "loss") == 20
    assert part(console, "notes").locator("li").count() == 3
    assert errors == []


def test_without_a_script_it_is_a_page_of_now(
    staffed: Services, run: Watched, console: Page, context: BrowserContext
) -> None:
    run.report(1, 10)
    assert context.browser is not None
    bare = context.browser.new_context(java_script_enabled=False, locale="en-GB")
    bare.add_cookies(context.cookies())  # type: ignore[arg-type]  # what it gave us
    page = bare.new_page()
    open_run(page, staffed, run)

    expect(part(page, "step")).to_have_text("10")
    assert drawn(page, "loss") == 10
    page.locator(".tr-confirm summary").click()
    page.get_by_role("button", name="Cancel this run").click()
    expect(part(page, "cancelling")).to_be_visible()
    bare.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible(console: Page, staffed: Services, run: Watched, theme: str) -> None:
    run.report(1, 10)
    console.evaluate("theme => localStorage.setItem('_x_adminTheme', JSON.stringify(theme))", theme)
    for path in (f"{run.pk}/change/", "new/", ""):
        console.goto(f"{staffed.url}/admin/training/trainingrun/{path}")
        # The frame around them is the theme's.
        ours = ".kn" if path else "#content-main .tr-mini"
        found = Axe().run(console, context=ours).response["violations"]
        assert [f"{e['id']}: {e['nodes'][0]['html']}" for e in found] == []
