"""A bad answer is put right in one place, and that takes effect in three."""

import pytest

from chat.models import Bot, CuratedAnswer, Message
from chat.services import conversations, knowledge, replies
from chat.services.replies import Provenance
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DatasetFactory,
    DeploymentFactory,
    EvaluationFactory,
    UserFactory,
    VisitorFactory,
    approve,
)
from training.evaluation.regression import Case, try_out
from training.evaluation.responding import Response
from training.models import Correction, Dataset, Evaluation
from training.services import correcting
from training.services.correcting import NotCorrectable

pytestmark = pytest.mark.django_db

ASKED = "Can I bring the pot back?"
RIGHT = "Yes, within 30 days."


@pytest.fixture
def bot() -> Bot:
    made: Bot = BotFactory(confidence_threshold=0)
    DeploymentFactory(bot=made, artifact="shop-v3-int4")
    return made


@pytest.fixture
def dataset(bot: Bot) -> Dataset:
    made: Dataset = DatasetFactory(bot=bot)
    return made


def answered(bot: Bot, question: str, answer: str, before: str = "") -> Message:
    """What the bot's model said to a question, perhaps not the first one of its conversation."""
    conversation = ConversationFactory(visitor=VisitorFactory(bot=bot))
    if before:
        answer_in(conversation, before, "Good day.")
    return answer_in(conversation, question, answer)


def answer_in(conversation: object, question: str, answer: str) -> Message:
    conversations.post_message(conversation, text=question)  # type: ignore[arg-type]
    (claim,) = replies.claim(owner="runner", limit=1)
    replies.settle_sent(claim, text=answer, source="model", provenance=Provenance(deployment=None))
    claim.message.refresh_from_db()
    return claim.message


def said_to(bot: Bot, question: str) -> Message:
    """What the next customer with this question gets in the same breath."""
    conversation = ConversationFactory(visitor=VisitorFactory(bot=bot))
    conversations.post_message(conversation, text=question)
    reply: Message = conversation.messages.get(seq=2)
    return reply


def correct(message: Message, text: str = RIGHT) -> Correction:
    return correcting.correct(message, text=text, by=UserFactory())


def test_the_next_customer_gets_the_right_answer_at_once(bot: Bot, dataset: Dataset) -> None:
    correct(answered(bot, ASKED, "No, never."))

    reply = said_to(bot, "can i bring the POT back")
    assert (reply.source, reply.text) == ("curated", RIGHT)


def test_it_waits_as_an_example_for_somebody_else(bot: Bot, dataset: Dataset) -> None:
    message = answered(bot, ASKED, "No, never.", before="I bought a pot from you.")
    by = UserFactory()
    example = correcting.correct(message, text=RIGHT, by=by).example

    assert example is not None
    assert (example.status, example.author, example.reviewer) == ("draft", by, None)
    assert [each["content"] for each in example.messages] == [
        "I bought a pot from you.", "Good day.", ASKED, RIGHT,
    ]  # fmt: skip


def test_every_model_is_asked_it_again(bot: Bot, dataset: Dataset) -> None:
    first = correct(answered(bot, ASKED, "No, never."))
    second = correct(answered(bot, "Do you sell lamps?", "Blue."), "Yes, five kinds.")

    def unaided(row: object) -> Response:
        return Response(RIGHT, False, "model", 1.0, 0.1, 3)

    found = try_out(unaided, correcting.cases(bot))
    assert found == {
        "total": 2,
        "right": [str(first.public_id)],
        "not_right": [str(second.public_id)],
    }


def test_an_answer_that_says_the_same_gets_the_wording(bot: Bot, dataset: Dataset) -> None:
    known = approve(bot, "What is your return policy?", text=RIGHT)
    correction = correct(answered(bot, ASKED, "No, never."))

    assert correction.answer == known
    assert said_to(bot, ASKED).text == said_to(bot, "What is your return policy?").text == RIGHT


def test_the_approved_answer_that_was_wrong_loses_the_wording_alone(
    bot: Bot, dataset: Dataset
) -> None:
    wrong = approve(bot, ASKED, "Do you take pots back?", text="No, never.")
    correct(said_to(bot, ASKED))

    assert said_to(bot, ASKED).text == RIGHT
    assert said_to(bot, "Do you take pots back?").text == "No, never."
    wrong.refresh_from_db()
    assert wrong.revisions.count() == 2


def test_an_answer_left_without_a_wording_goes_out_of_use(bot: Bot, dataset: Dataset) -> None:
    wrong = approve(bot, ASKED, text="No, never.")
    correct(said_to(bot, ASKED))

    wrong.refresh_from_db()
    assert not wrong.is_active
    assert said_to(bot, ASKED).text == RIGHT


def test_without_a_dataset_it_is_served_all_the_same(bot: Bot) -> None:
    assert correct(answered(bot, ASKED, "No, never.")).example is None
    assert said_to(bot, ASKED).text == RIGHT


def test_what_no_bot_said_cannot_be_corrected(bot: Bot) -> None:
    message = answered(bot, ASKED, "No, never.")
    assert message.reply_to is not None
    with pytest.raises(NotCorrectable):
        correct(message.reply_to)


@pytest.mark.parametrize("text", ["", "   ", "x" * 5000])
def test_a_refused_text_changes_nothing(bot: Bot, dataset: Dataset, text: str) -> None:
    message = answered(bot, ASKED, "No, never.")
    with pytest.raises(knowledge.InvalidAnswer):
        correct(message, text)
    assert not Correction.objects.exists()
    assert not CuratedAnswer.objects.exists()


def evaluated(bot: Bot, right: list[Correction], artifact: str = "shop-v3-int4") -> None:
    EvaluationFactory(
        artifact=artifact,
        status=Evaluation.Status.FINISHED,
        suites={"regression": {"total": 2, "right": [str(each.public_id) for each in right]}},
    )


def test_the_model_in_service_proposes_the_end_of_an_override(bot: Bot, dataset: Dataset) -> None:
    learned = correct(answered(bot, ASKED, "No, never."))
    correct(answered(bot, "Do you sell lamps?", "Blue."), "Yes, five kinds.")
    assert correcting.retirable(bot) == []

    evaluated(bot, [learned], artifact="shop-v4-int4")
    assert correcting.retirable(bot) == [], "that model serves nobody"

    evaluated(bot, [learned])
    assert correcting.retirable(bot) == [learned]


def test_a_retired_override_is_served_no_more_and_asked_all_the_same(
    bot: Bot, dataset: Dataset
) -> None:
    correction = correct(answered(bot, ASKED, "No, never."))
    evaluated(bot, [correction])
    by = UserFactory()
    correcting.retire(correction, by=by)

    assert said_to(bot, ASKED).status == "pending"
    assert correcting.retirable(bot) == []
    assert [each.id for each in correcting.cases(bot)] == [str(correction.public_id)]
    correction.refresh_from_db()
    assert correction.retired_by == by


def test_retiring_leaves_the_other_wordings_of_the_answer(bot: Bot, dataset: Dataset) -> None:
    approve(bot, "What is your return policy?", text=RIGHT)
    correcting.retire(correct(answered(bot, ASKED, "No, never.")), by=None)

    assert said_to(bot, ASKED).status == "pending"
    assert said_to(bot, "What is your return policy?").text == RIGHT


def test_the_case_is_only_as_long_as_the_conversation_before_it(bot: Bot) -> None:
    message = answered(bot, ASKED, "No, never.", before="I bought a pot from you.")
    correct(message)
    conversation = message.conversation
    answer_in(conversation, "And the lid?", "The lid, too.")

    (case,) = correcting.cases(bot)
    assert isinstance(case, Case)
    assert [each["role"] for each in case.row.messages] == [
        "user", "assistant", "user", "assistant",
    ]  # fmt: skip
