"""Who answers: that the bot is silent from the instant an agent takes a conversation."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from chat.models import Conversation, Feedback, Message
from chat.presentation import conversation_data
from chat.services import conversations, idling, replies, takeover
from chat.services.replies import Claim, NotRetryable, Provenance
from chat.services.transcript import ConversationClosed
from moderation.models import AuditEntry
from tests.chat.racing import Race
from tests.factories import (
    BotFactory,
    ConversationFactory,
    DeploymentFactory,
    MessageFactory,
    ReplyFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
Status = Conversation.Status


@pytest.fixture
def ann() -> User:
    return agent("ann", first_name="Ann", last_name="Weber")


def agent(name: str, *permissions: str, **fields: str) -> User:
    """Somebody who answers for every bot."""
    user = UserFactory(username=name, **fields)
    wanted = ("answer_conversation", "work_on_all_bots", *permissions)
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    return user


def asked(text: str = "Where is my parcel?", **fields: object) -> tuple[Conversation, Message]:
    """A conversation whose reply waits."""
    conversation = ConversationFactory(**fields)
    DeploymentFactory(bot=conversation.bot)
    question = conversations.post_message(conversation, text=text).message
    return conversation, question.replies.get()


def notices(conversation: Conversation) -> list[str]:
    found = conversation.messages.filter(role=Message.Role.NOTICE).order_by("seq")
    return list(found.values_list("code", flat=True))


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_taking_over_silences_the_bot_and_says_who_is_there(ann: User) -> None:
    conversation, reply = asked()

    takeover.take_over(conversation, by=ann)

    conversation.refresh_from_db()
    reply.refresh_from_db()
    assert (conversation.status, conversation.agent) == (Status.TAKEN, ann)
    assert conversation.handoff_reason == Conversation.HandoffReason.AGENT
    assert conversation.taken_at is not None
    assert (reply.status, reply.code, reply.text) == ("cancelled", "taken_over", "")
    last = conversation.messages.latest("seq")
    assert (last.code, last.text) == ("agent_joined", "Ann Weber is here now and answers you.")
    assert "conversation.taken_over" in actions()


@pytest.mark.parametrize(
    "write",
    [
        lambda claim: replies.renew(claim, text="The parcel"),
        lambda claim: replies.settle_sent(
            claim, text="The parcel is here.", source="model", provenance=Provenance(None)
        ),
        lambda claim: replies.settle_offered(claim, provenance=Provenance(None)),
        lambda claim: replies.settle_withheld(claim, provenance=Provenance(None)),
        lambda claim: replies.settle_failed(claim, code="engine_error", retryable=True),
        lambda claim: replies.keep_cancelled_text(claim, text="The parcel"),
        replies.release,
    ],
    ids=["renew", "sent", "offered", "withheld", "failed", "keep", "release"],
)
def test_a_runner_writes_nothing_any_more(ann: User, write: Callable[[Claim], bool]) -> None:
    conversation, reply = asked()
    [claim] = replies.claim(owner="runner", limit=1)

    takeover.take_over(conversation, by=ann)

    assert not write(claim)
    reply.refresh_from_db()
    assert (reply.status, reply.text, reply.code) == ("cancelled", "", "taken_over")


def test_while_it_is_taken_nothing_is_queued_and_nothing_answered_at_once(ann: User) -> None:
    conversation, _reply = asked()
    takeover.take_over(conversation, by=ann)
    before = conversation.messages.filter(role=Message.Role.ASSISTANT).count()

    posted = conversations.post_message(conversation, text="Are you there?")

    assert not posted.message.replies.exists()
    assert conversation.messages.filter(role=Message.Role.ASSISTANT).count() == before


def test_a_reply_is_not_tried_again_while_an_agent_answers_nor_afterwards(ann: User) -> None:
    conversation, reply = asked()
    takeover.take_over(conversation, by=ann)
    with pytest.raises(NotRetryable):
        replies.retry(reply)

    takeover.hand_back(conversation, by=ann)
    with pytest.raises(NotRetryable):
        replies.retry(reply)


def test_an_answer_to_another_question_is_not_tried_again_while_an_agent_answers(
    ann: User,
) -> None:
    conversation = ConversationFactory()
    answer = ReplyFactory(conversation=conversation, status="sent", text="Yes.", source="cache")
    takeover.take_over(conversation, by=ann)

    conversations.give_feedback(
        answer, value="down", reasons=[Feedback.Reason.OTHER_QUESTION], comment=""
    )

    assert not conversation.messages.filter(status="pending").exists()


def test_only_the_first_agent_takes_it(ann: User) -> None:
    conversation, _reply = asked()
    takeover.take_over(conversation, by=ann)
    takeover.take_over(conversation, by=ann)

    with pytest.raises(takeover.AlreadyTaken):
        takeover.take_over(conversation, by=agent("ben"))
    assert notices(conversation) == ["agent_joined"]


def test_handing_back_lets_the_bot_answer_the_next_message(ann: User) -> None:
    conversation, _reply = asked()
    takeover.take_over(conversation, by=ann)
    unanswered = conversations.post_message(conversation, text="And now?").message

    takeover.hand_back(conversation, by=ann)

    conversation.refresh_from_db()
    assert (conversation.status, conversation.agent) == (Status.OPEN, None)
    assert notices(conversation)[-1] == "agent_left"
    assert not unanswered.replies.exists()
    answered = conversations.post_message(conversation, text="Hello again").message
    assert answered.replies.get().status == "pending"


def test_nobody_hands_back_what_nobody_has(ann: User) -> None:
    conversation, _reply = asked()
    with pytest.raises(takeover.NotTaken):
        takeover.hand_back(conversation, by=ann)


@pytest.mark.parametrize("end", [takeover.hand_back, takeover.close])
def test_what_was_given_to_somebody_else_meanwhile_is_theirs(
    ann: User, end: Callable[..., Conversation]
) -> None:
    conversation, _reply = asked()
    seen = takeover.take_over(conversation, by=ann)
    ben = agent("ben")
    takeover.assign(conversation, to=ben, by=agent("boss"))

    with pytest.raises(takeover.NotTaken):
        end(seen, by=ann)

    conversation.refresh_from_db()
    assert (conversation.status, conversation.agent) == (Status.TAKEN, ben)
    end(seen, by=ann, may_override=True)
    conversation.refresh_from_db()
    assert conversation.status != Status.TAKEN


def test_assigning_gives_it_to_who_may_answer(ann: User) -> None:
    conversation, reply = asked()
    ben = agent("ben")

    takeover.assign(conversation, to=ben, by=ann)

    conversation.refresh_from_db()
    reply.refresh_from_db()
    assert (conversation.status, conversation.agent, reply.status) == (
        Status.TAKEN, ben, "cancelled",
    )  # fmt: skip
    takeover.assign(conversation, to=ann, by=ben)
    conversation.refresh_from_db()
    assert conversation.agent == ann
    with pytest.raises(takeover.CannotAnswer):
        takeover.assign(conversation, to=UserFactory(), by=ann)


def test_closing_ends_everything(ann: User) -> None:
    conversation, reply = asked()

    takeover.close(conversation, by=ann)

    conversation.refresh_from_db()
    reply.refresh_from_db()
    assert (conversation.status, conversation.closed_by) == (Status.CLOSED, ann)
    assert (reply.status, reply.text) == ("cancelled", "")
    with pytest.raises(ConversationClosed):
        takeover.take_over(conversation, by=ann)
    with pytest.raises(ConversationClosed):
        conversations.post_message(conversation, text="Hello?")


def test_who_waits_has_a_place_that_moves(ann: User) -> None:
    bot = BotFactory()
    first, second = ConversationFactory.create_batch(2, visitor__bot=bot)
    for each in (first, second):
        conversations.request_person(each)
    second.refresh_from_db()
    assert position(second) == 2

    takeover.take_over(first, by=ann)

    assert position(second) == 1
    assert position(first) is None


def position(conversation: Conversation) -> int | None:
    return conversation_data(Conversation.objects.get(pk=conversation.pk))["position"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "sent", "code": ""}, "asked"),
        ({"status": "sent", "code": "unanswered"}, "unanswered"),
        ({"status": "sent", "code": "unsure"}, "unsure"),
        ({"status": "sent", "code": "withheld"}, "withheld"),
        ({"status": "failed", "code": "overdue"}, "unanswered"),
    ],
)
def test_the_reason_is_what_the_bot_said_last(fields: dict[str, str], reason: str) -> None:
    conversation = ConversationFactory()
    ReplyFactory(conversation=conversation, **fields)

    conversations.request_person(conversation)

    conversation.refresh_from_db()
    assert (conversation.status, conversation.handoff_reason) == (Status.WAITING, reason)
    assert conversation.waiting_since is not None


def test_a_disliked_answer_is_the_reason() -> None:
    conversation = ConversationFactory()
    answer = ReplyFactory(conversation=conversation, status="sent", text="No.", source="model")
    conversations.give_feedback(answer, value="down", reasons=["wrong"], comment="")

    conversations.request_person(conversation)

    conversation.refresh_from_db()
    assert conversation.handoff_reason == "disliked"


def test_out_of_hours_a_request_says_so() -> None:
    bot = BotFactory(office_hours={"timezone": "Europe/Berlin", "weekly": {}})
    conversation = ConversationFactory(visitor__bot=bot)

    conversations.request_person(conversation)

    assert notices(conversation) == ["out_of_hours"]


def test_what_was_quiet_for_long_is_closed() -> None:
    quiet, waiting, new = ConversationFactory.create_batch(3)
    for each in (quiet, waiting, new):
        MessageFactory(conversation=each)
    conversations.request_person(waiting)
    long_ago = timezone.now() - timedelta(hours=25)
    Conversation.objects.exclude(pk=new.pk).update(updated_at=long_ago)

    assert idling.close_idle() == 1

    quiet.refresh_from_db()
    assert (quiet.status, quiet.closed_by) == (Status.CLOSED, None)


@pytest.mark.django_db(transaction=True)
def test_no_interleaving_lets_the_bot_speak_after_a_takeover() -> None:
    """A takeover against a runner that settles and a customer who writes. The benchmark does this a
    thousand times."""
    with Race(agent("ann")) as race:
        for number in range(40):
            found = race.run(number)
            assert found == [], number
