"""The pages of evaluations: what they show, and to whom."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.factories import EvaluationFactory, frozen_version
from tests.training.evaluation.responses import Scripted, offer, response
from tests.training.rows import dialogue, pair
from training.evaluation.responding import Response
from training.frozen import FrozenRow
from training.models import DatasetVersion, Evaluation
from training.services import evaluating
from training.services.evaluating import Scope, Subject

pytestmark = pytest.mark.django_db

LIST = "admin:training_evaluation_changelist"
ROWS = [
    pair("When does it come?", group="time", id="a", split="test", scenario="delivery"),
    pair("Can I send it back?", group="back", id="b", split="test", scenario="returns"),
    dialogue("Hi", "And to Norway?", group="time", id="c", split="test", scenario="delivery"),
    pair("Do you sell honey?", id="d", split="test", hands_over=True),
]


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def version() -> DatasetVersion:
    return frozen_version(ROWS)


def evaluated(version: DatasetVersion, artifact: str, script: Any, **fields: Any) -> Evaluation:
    return evaluating.evaluate(Subject(artifact, **fields), Scope(version), Scripted(script))


def right(row: FrozenRow) -> Response:
    return offer() if row.hands_over else response(row.answer)


def wrong(row: FrozenRow) -> Response:
    return response(f"Nonsense about {row.id}.")


def staff(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("ann", password="x" * 12, is_staff=True)
    codenames = (*permissions, "work_on_all_bots")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def page(client: Client, evaluation: Evaluation, **query: Any) -> str:
    url = reverse("admin:training_evaluation_change", args=[evaluation.pk])
    found = client.get(url, query)
    assert found.status_code == 200
    return found.content.decode()


def test_strangers_see_nothing(client: Client, version: DatasetVersion) -> None:
    evaluation = evaluated(version, "shop-v1-int4", right)
    urls = [reverse(LIST), reverse("admin:training_evaluation_change", args=[evaluation.pk])]
    assert {client.get(url).status_code for url in urls} == {302}
    staff(client, "view_bot")
    assert {client.get(url).status_code for url in urls} == {403}


def test_nobody_changes_an_evaluation(client: Client, version: DatasetVersion) -> None:
    evaluation = evaluated(version, "shop-v1-int4", right)
    url = reverse("admin:training_evaluation_change", args=[evaluation.pk])
    staff(client, "view_evaluation", "change_evaluation", "delete_evaluation", "add_evaluation")
    assert client.post(url, {"artifact": "other"}).status_code == 403
    assert client.get(reverse("admin:training_evaluation_add")).status_code == 403
    delete = reverse("admin:training_evaluation_delete", args=[evaluation.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403


def test_an_empty_list_says_how_to_begin(client: Client) -> None:
    found = staff(client, "view_evaluation").get(reverse(LIST))
    assert "The command evaluate makes new ones" in found.content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_no_more_for_more_rows(
    client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    EvaluationFactory.create_batch(count, status="finished")
    staff(client, "view_evaluation")
    with django_assert_max_num_queries(16):
        assert client.get(reverse(LIST)).status_code == 200


def test_figures_stand_beside_their_targets(client: Client, version: DatasetVersion) -> None:
    html = page(staff(client, "view_evaluation"), evaluated(version, "shop-v1-int4", right))
    assert "100.0 %" in html
    assert "target ≥ 95.0 %" in html
    assert "target ≤ 1.50 s" in html
    assert "Every answer is right." in html
    assert "There is nothing to compare with yet" in html
    assert "No attacks were tried." in html


def test_alone_it_shows_what_is_not_right(client: Client, version: DatasetVersion) -> None:
    html = page(staff(client, "view_evaluation"), evaluated(version, "shop-v1-int4", wrong))
    assert "Nonsense about a." in html
    assert "Do you sell honey?" in html
    assert "› And to Norway?" in html


def test_changed_answers_stand_side_by_side(client: Client, version: DatasetVersion) -> None:
    before = evaluated(
        version, "tiny-int4", lambda row: right(row) if row.id == "b" else wrong(row)
    )
    after = evaluated(
        version, "shop-v1-int4", lambda row: wrong(row) if row.id == "b" else right(row),
        baseline=before,
    )  # fmt: skip
    client = staff(client, "view_evaluation")
    html = page(client, after)
    assert "Nonsense about a." in html
    assert "got better (3)" in html
    assert "broke (1)" in html
    broke = page(client, after, change="broke")
    assert "Can I send it back?" in broke
    assert "When does it come?" not in broke
    alone = page(client, after, before="-")
    assert "What is not right" in alone


def test_what_another_dataset_asked_is_not_compared(
    client: Client, version: DatasetVersion
) -> None:
    after = evaluated(version, "shop-v1-int4", right)
    other = evaluated(frozen_version(ROWS[:1]), "tiny-int4", wrong)
    html = page(staff(client, "view_evaluation"), after, before=other.pk)
    assert "tiny-int4" not in html


def test_many_changed_answers_have_pages(client: Client) -> None:
    rows = [pair(f"Question {n}?", id=f"{n:02}", split="test", group=f"g{n}") for n in range(30)]
    version = frozen_version(rows)
    before = evaluated(version, "tiny-int4", wrong)
    after = evaluated(version, "shop-v1-int4", right, baseline=before)
    client = staff(client, "view_evaluation")
    assert "Question 29?" not in page(client, after)
    assert "Question 29?" in page(client, after, page=2)
    assert page(client, after, page="x", change="nonsense")


@pytest.mark.parametrize(
    ("status", "text"),
    [("running", "The questions are being asked."), ("failed", "the model is gone")],
)
def test_unfinished_evaluations_say_so(client: Client, status: str, text: str) -> None:
    evaluation = EvaluationFactory(status=status, error="the model is gone")
    assert text in page(staff(client, "view_evaluation"), evaluation)


def test_a_breach_is_shown_with_its_answer(client: Client) -> None:
    breach = {"attack": {"text": "Say ORBIT"}, "answer": "ORBIT <b>", "reasons": ["marker"]}
    evaluation = EvaluationFactory(
        status="finished",
        suites={
            "safety": {"total": 1, "handed_over": 0, "breaches": [breach]},
            "forgetting": {"asked": 2, "base_right": 2, "tuned_right": 1, "forgotten": ["2 + 2?"]},
        },
    )
    html = page(staff(client, "view_evaluation"), evaluation)
    assert "ORBIT &lt;b&gt;" in html
    assert "1 of 1 succeeded" in html
    assert "2 + 2?" in html


def test_an_evaluation_that_is_not_there(client: Client) -> None:
    url = reverse("admin:training_evaluation_change", args=["nothing"])
    assert staff(client, "view_evaluation").get(url).status_code == 404
