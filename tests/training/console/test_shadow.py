"""Pages of shadow mode: who may begin and vote, blind until the vote, and nothing of other bots."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from chat.models import Shadow, ShadowAnswer
from tests.factories import ShadowAnswerFactory, ShadowFactory, UserFactory
from tests.training.candidates import Stage, knowing
from training.models import ShadowVote, VotedCase
from training.services import shadows

pytestmark = pytest.mark.django_db

EVERY = ("chat.view_shadow", "chat.work_on_all_bots", "training.add_shadowvote")


@pytest.fixture
def pair() -> ShadowAnswer:
    """A customer was told "In two days.", the candidate would have said "In a week."."""
    made: ShadowAnswer = ShadowAnswerFactory.create()
    return made


def signed_in(*wanted: str) -> tuple[Client, User]:
    user = UserFactory.create()
    codenames = [each.split(".")[1] for each in wanted]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client, user


def at(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def voted(client: Client, answer: ShadowAnswer, vote: str) -> Any:
    address = at("training_vote_shadow", answer.shadow_id)
    return client.post(address, {"answer": answer.public_id, "vote": vote}, follow=True)


def test_the_list_says_what_it_is_for_when_empty() -> None:
    client, _ = signed_in(*EVERY)
    page = client.get(at("chat_shadow_changelist")).content.decode()
    assert "No model has answered unseen yet" in page
    assert at("training_start_shadow") not in page, "it takes a permission"


def test_the_page_counts_and_says_how_sure_it_is(pair: ShadowAnswer) -> None:
    client, user = signed_in(*EVERY)
    address = at("chat_shadow_change", pair.shadow_id)
    before = client.get(address).content.decode()
    assert "1 pair has no vote yet." in before
    assert "There is no pair yet with one right and one wrong answer." in before

    shadows.vote(pair, ShadowVote.Choice.CANDIDATE, user)

    after = client.get(address).content.decode()
    assert "the candidate gave the right one in 100 % (3 to 100 % at 95 %)" in after
    assert "That may be chance." in after
    assert at("training_stop_shadow", pair.shadow_id) not in after


def test_a_pair_is_blind_and_a_vote_means_what_stood_on_its_side(pair: ShadowAnswer) -> None:
    client, user = signed_in(*EVERY)
    page = client.get(at("training_vote_shadow", pair.shadow_id)).content.decode()
    said = re.findall(r'<p class="kn-said"[^>]*>(.*?)</p>', page)
    assert said[0] == "Where is my parcel?"
    assert sorted(said[1:]) == ["In a week.", "In two days."]
    is_left = said[1] == "In a week."
    assert is_left is shadows.is_candidate_left(pair, user)
    form = page[page.index('id="sh-vote"') : page.index("</form>")]
    assert not re.search("candidate|champion|live|serves|shadow_answer", form)

    page = voted(client, pair, "left").content.decode()

    assert "You have seen them all" in page
    vote = ShadowVote.objects.get()
    assert (vote.choice, vote.voter) == ("candidate" if is_left else "champion", user)
    assert VotedCase.objects.get().text == said[1]


def test_the_sides_change_by_chance_and_stay_for_a_person(pair: ShadowAnswer) -> None:
    answers = [ShadowAnswer(shadow=pair.shadow) for _ in range(200)]
    user = UserFactory.create()
    sides = [shadows.is_candidate_left(each, user) for each in answers]
    assert sides == [shadows.is_candidate_left(each, user) for each in answers]
    assert 60 < sum(sides) < 140


def test_an_offer_of_a_person_reads_alike_on_both_sides(pair: ShadowAnswer) -> None:
    client, _ = signed_in(*EVERY)
    address = at("training_vote_shadow", pair.shadow_id)
    for model in (ShadowAnswer.objects.filter(pk=pair.pk), type(pair.message).objects):
        model.update(source="notice")
        ShadowAnswer.objects.filter(source="notice").update(text="")
        page = client.get(address).content.decode()
        assert "Does not answer, and offers a person." in page
        model.update(source="model")
        ShadowAnswer.objects.update(text="In a week.")


def test_a_second_vote_and_nonsense_change_nothing(pair: ShadowAnswer) -> None:
    client, _ = signed_in(*EVERY)
    foreign = ShadowAnswerFactory.create()
    for answer, vote in ((pair, "champion"), (pair, "")):
        voted(client, answer, vote)
    client.post(
        at("training_vote_shadow", pair.shadow_id), {"answer": foreign.public_id, "vote": "both"}
    )
    assert not ShadowVote.objects.exists()
    voted(client, pair, "both")
    page = voted(client, pair, "left").content.decode()
    assert "You have voted on this pair already." in page
    assert ShadowVote.objects.get().choice == "both"


def test_what_a_customer_wrote_is_text_on_the_page(pair: ShadowAnswer) -> None:
    ShadowAnswer.objects.update(text="<script>alert(1)</script>")
    client, _ = signed_in(*EVERY)
    page = client.get(at("training_vote_shadow", pair.shadow_id)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_other_bots_shadows_do_not_exist(pair: ShadowAnswer) -> None:
    client, _ = signed_in("chat.view_shadow", "training.add_shadowvote")
    for name in ("chat_shadow_change", "training_vote_shadow"):
        assert client.get(at(name, pair.shadow_id)).status_code == 404
        assert client.get(at(name, 999_999)).status_code == 404


def test_pairs_stay_few_queries(pair: ShadowAnswer, django_assert_max_num_queries: Any) -> None:
    client, _ = signed_in(*EVERY)
    for _ in range(3):
        ShadowAnswerFactory.create(shadow=pair.shadow)
    client.get(at("training_vote_shadow", pair.shadow_id))
    with django_assert_max_num_queries(25):
        client.get(at("training_vote_shadow", pair.shadow_id))


def test_the_pages_speak_chinese(pair: ShadowAnswer) -> None:
    client, _ = signed_in(*EVERY)
    with translation.override("zh-hans"):
        page = client.get(
            at("training_vote_shadow", pair.shadow_id), headers={"accept-language": "zh-hans"}
        ).content.decode()
    assert "左边正确" in page


# Begin and stop


def test_a_shadow_is_begun_and_stopped_on_the_page(stage: Stage) -> None:
    version = stage.candidate(knowing(36))
    client, user = signed_in(*EVERY, "training.promote_modelversion", "training.view_modelversion")
    assert "Let it answer unseen" in client.get(at("training_start_shadow")).content.decode()

    sent = {"model": version.pk, "share": 30, "limit": 40}
    page = client.post(at("training_start_shadow"), sent, follow=True).content.decode()

    shadow = Shadow.objects.get()
    assert (shadow.share, shadow.limit, shadow.started_by) == (30, 40, user)
    assert "Nothing yet: it answers when a customer has been answered" in page
    page = client.post(at("training_stop_shadow", shadow.pk), follow=True).content.decode()
    shadow.refresh_from_db()
    assert (shadow.reason, shadow.ended_by) == ("stopped", user)
    assert "stopped by somebody" in page


def test_what_is_wrong_is_said_and_what_was_typed_is_kept(stage: Stage) -> None:
    client, _ = signed_in(*EVERY, "training.promote_modelversion", "training.view_modelversion")
    version = stage.candidate(knowing(10))
    sent = {"model": version.pk, "share": 30, "limit": 40}
    page = client.post(at("training_start_shadow"), sent).content.decode()
    assert "The gates are not all open" in page
    assert 'value="30"' in page
    page = client.post(at("training_start_shadow"), {**sent, "share": 101}).content.decode()
    assert "less than or equal to 100" in page
    assert not Shadow.objects.exists()


def test_begin_and_stop_take_the_permission_to_promote() -> None:
    shadow = ShadowFactory.create()
    client, _ = signed_in(*EVERY)
    assert client.get(at("training_start_shadow")).status_code == 403
    assert client.post(at("training_stop_shadow", shadow.pk)).status_code == 403
    shadow.refresh_from_db()
    assert shadow.ended_at is None
