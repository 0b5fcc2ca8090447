"""The pages of experiments: begun, read, stopped, and never an early winner."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from chat.analytics.selectors import Outcome
from csbot.accounts.confirming import PAGES, Wanted
from tests.factories import ExperimentFactory
from tests.training.candidates import Stage, knowing, person
from tests.training.console.signing_in import logged_in
from training.models import Experiment, ModelVersion
from training.services import experimenting

pytestmark = pytest.mark.django_db

REASON = "The shop closes for the winter."
LIST = "admin:training_experiment_changelist"
START = "admin:training_start_experiment"


@pytest.fixture
def experiment(stage: Stage) -> Experiment:
    return ExperimentFactory(model_version=stage.candidate(knowing(36)))


def order(user: User, version: ModelVersion, **fields: Any) -> Any:
    chosen = {"model": version.pk, "share": 20, "effect": 20, **fields}
    return logged_in(user).post(reverse(START), chosen)


def page(user: User, experiment: Experiment) -> str:
    address = reverse("admin:training_experiment_change", args=[experiment.pk])
    found = logged_in(user).get(address)
    assert found.status_code == 200
    return found.content.decode()


def end(user: User, experiment: Experiment, reason: str) -> Any:
    address = reverse("admin:training_end_experiment", args=[experiment.pk])
    return logged_in(user).post(address, {"reason": reason})


def test_starting_one_is_a_form_and_asks_again_who_it_is(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    client = logged_in(stage.ann)
    assert "No model has been tried on customers yet" in client.get(reverse(LIST)).content.decode()

    answer = order(stage.ann, version)

    experiment = Experiment.objects.get()
    assert answer["Location"] == reverse("admin:training_experiment_change", args=[experiment.pk])
    assert (experiment.traffic.share, experiment.effect) == (20, 0.2)
    html = client.get(reverse(LIST)).content.decode()
    assert "No model has been tried" not in html
    assert str(version) in html
    assert PAGES["training_start_experiment"] is Wanted.CHANGES


def test_closed_gates_and_impossible_wishes_are_said_and_nothing_is_lost(stage: Stage) -> None:
    worse, good = stage.candidate(knowing(10)), stage.candidate(knowing(36))
    html = order(stage.ann, worse, share=33).content.decode()
    assert "The gates are not all open" in html
    assert "Right answers, beside the model that serves" in html
    assert 'value="33"' in html
    assert (
        "No number of customers can show that" in order(stage.ann, good, effect=45).content.decode()
    )
    for wrong in ({"share": 51}, {"share": 0}, {"effect": 0}, {"model": 987_654}):
        assert order(stage.ann, good, **wrong).status_code == 200
    assert not Experiment.objects.exists()


def test_between_two_looks_the_page_names_no_winner(
    stage: Stage, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """19 of 19 beside 0 of 19: overwhelming, and one conversation before the first look."""
    rows = [
        experimenting.Counted(
            arm, n, 100 * arm + n, timezone.now(),
            Outcome.RESOLVED if arm else Outcome.PERSON, None,
        )
        for arm in (0, 1) for n in range(19)
    ]  # fmt: skip
    monkeypatch.setattr(experimenting, "counted", lambda _: iter(rows))

    html = page(stage.ann, experiment)

    assert "Under way: nothing is decided yet." in html
    assert "100.0 %" in html
    assert "The challenger resolved" not in html
    assert "These decide nothing and end nothing" in html
    experiment.refresh_from_db()
    assert experimenting.advance(experiment).looks == []


def test_looks_are_drawn_and_written(stage: Stage, experiment: Experiment) -> None:
    looks = [[[12, 20], [13, 20]], [[20, 40], [32, 40]]]
    Experiment.objects.filter(pk=experiment.pk).update(looks=looks, verdict="winner")
    html = page(stage.ann, experiment)
    assert html.count('class="ex-mark"') == 2
    assert "32 / 40" in html
    assert "Somebody may promote it now" in html


def test_it_is_ended_by_a_person_with_a_reason(stage: Stage, experiment: Experiment) -> None:
    refused = end(stage.ann, experiment, "<b>no</b>").content.decode()
    assert "Say why, in 10 to 500 characters." in refused
    assert "&lt;b&gt;no&lt;/b&gt;" in refused, "nothing that was written is lost"
    assert end(stage.ann, experiment, REASON).status_code == 302
    experiment.refresh_from_db()
    assert (experiment.verdict, experiment.ended_by) == ("ended", stage.ann)
    assert experiment.traffic.ended_at is not None
    html = page(stage.ben, experiment)
    assert REASON in html
    assert "End it" not in html


def test_who_only_looks_starts_and_ends_nothing(stage: Stage, experiment: Experiment) -> None:
    viewer = person("viewer", stage.bot, "view_modelversion", "work_on_all_bots")
    html = page(viewer, experiment)
    assert "End it" not in html
    assert end(viewer, experiment, REASON).status_code == 403
    assert logged_in(viewer).get(reverse(START)).status_code == 403
    assert Experiment.objects.get().ended_at is None


def test_what_sites_report_is_text(stage: Stage, experiment: Experiment) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(end_reason="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(stage.ann, experiment)
