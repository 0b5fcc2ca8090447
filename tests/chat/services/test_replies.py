"""The queue of replies: each is claimed by one runner at a time and settled exactly once."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from chat.models import Message
from chat.services import replies
from chat.services.replies import Claim, NotCancellable, NotRetryable, Provenance
from tests.factories import ConversationFactory, MessageFactory, ReplyFactory

pytestmark = pytest.mark.django_db


def claim_one(owner: str = "runner-1") -> Claim:
    (claim,) = replies.claim(owner=owner, limit=1)
    return claim


def send(claim: Claim, text: str = "In the post.") -> bool:
    return replies.settle_sent(claim, text=text, source="model", provenance=Provenance(None, "1"))


def expire(claim: Claim) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Message.objects.filter(pk=claim.message.pk).update(lease_until=past)


def status_of(reply: Message) -> str:
    reply.refresh_from_db()
    return reply.status


def test_claim_takes_the_oldest_first_and_no_more_than_asked() -> None:
    now = timezone.now()
    young = ReplyFactory(queued_at=now)
    old = ReplyFactory(queued_at=now - timedelta(seconds=9))

    claims = replies.claim(owner="runner-1", limit=1)

    assert [claim.message for claim in claims] == [old]
    assert status_of(young) == "pending"


def test_a_conversation_is_answered_one_reply_at_a_time_in_order() -> None:
    conversation = ConversationFactory()
    first = ReplyFactory(conversation=conversation)
    second = ReplyFactory(conversation=conversation)

    claim = claim_one()
    assert claim.message == first
    assert replies.claim(owner="runner-2", limit=8) == []

    send(claim)
    assert claim_one().message == second


def test_a_lost_runner_cannot_settle_what_another_took_over() -> None:
    reply = ReplyFactory()
    lost = claim_one("runner-1")
    expire(lost)
    assert replies.recover_expired() == 1
    current = claim_one("runner-2")

    assert not replies.renew(lost, text="stale")
    assert not send(lost, "stale")
    assert not replies.release(lost)
    assert not replies.settle_failed(lost, code="engine_error", retryable=False)
    assert send(current, "fresh")

    reply.refresh_from_db()
    assert (reply.text, reply.status, reply.attempt) == ("fresh", "sent", 2)


def test_the_same_runner_is_fenced_off_by_the_attempt() -> None:
    ReplyFactory()
    lost = claim_one("runner-1")
    expire(lost)
    replies.recover_expired()
    claim_one("runner-1")

    assert not send(lost, "stale")


def test_a_renewed_lease_does_not_expire() -> None:
    reply = ReplyFactory()
    claim = claim_one()
    expire(claim)

    assert replies.renew(claim, text="so far")
    assert replies.recover_expired() == 0
    assert (status_of(reply), reply.text) == ("generating", "so far")


def test_attempts_are_limited() -> None:
    reply = ReplyFactory(attempts_left=2)
    for expected in ("pending", "failed"):
        expire(claim_one())
        replies.recover_expired()
        assert status_of(reply) == expected
    assert reply.code == "attempts_exhausted"


def test_an_error_that_cannot_pass_fails_at_once_without_text() -> None:
    reply = ReplyFactory()
    claim = claim_one()
    replies.renew(claim, text="half an ans")

    replies.settle_failed(claim, code="prompt_too_long", retryable=False)

    assert (status_of(reply), reply.code, reply.text) == ("failed", "prompt_too_long", "")


def test_releasing_costs_no_attempt() -> None:
    reply = ReplyFactory(attempts_left=1)

    assert replies.release(claim_one())

    assert (status_of(reply), reply.attempts_left) == ("pending", 1)


def test_cancelling_silences_the_runner_at_once() -> None:
    reply = ReplyFactory()
    claim = claim_one()

    replies.cancel(reply)

    assert not replies.renew(claim, text="more")
    assert not send(claim)
    assert status_of(reply) == "cancelled"


def test_cancelling_keeps_what_was_said_until_then() -> None:
    reply = ReplyFactory()
    claim = claim_one()
    replies.cancel(reply)

    assert replies.keep_cancelled_text(claim, text="It is on")

    assert (status_of(reply), reply.text) == ("cancelled", "It is on")


def test_text_is_kept_only_for_the_cancelled_attempt() -> None:
    reply = ReplyFactory()
    stale = claim_one()
    replies.cancel(reply)
    replies.retry(reply)
    claim_one()
    replies.cancel(reply)

    assert not replies.keep_cancelled_text(stale, text="stale")


def test_only_a_running_reply_can_be_cancelled() -> None:
    with pytest.raises(NotCancellable):
        replies.cancel(MessageFactory())
    with pytest.raises(NotCancellable):
        replies.cancel(ReplyFactory(status=Message.Status.SENT))


def test_retry_queues_the_newest_failed_reply_again() -> None:
    reply = ReplyFactory(status=Message.Status.FAILED, code="overdue", attempts_left=0)

    replies.retry(reply)

    assert (status_of(reply), reply.code) == ("pending", "")
    assert claim_one().message == reply


def test_retry_refuses_an_answered_or_an_older_reply() -> None:
    with pytest.raises(NotRetryable):
        replies.retry(ReplyFactory(status=Message.Status.SENT))
    older = ReplyFactory(status=Message.Status.FAILED)
    ReplyFactory(conversation=older.conversation)
    with pytest.raises(NotRetryable):
        replies.retry(older)


def test_replies_that_nobody_took_are_failed_in_time() -> None:
    overdue = ReplyFactory(queued_at=timezone.now() - timedelta(hours=1))
    fresh = ReplyFactory()

    assert replies.fail_overdue() == 1

    assert (status_of(overdue), overdue.code) == ("failed", "overdue")
    assert status_of(fresh) == "pending"


@pytest.mark.django_db(transaction=True)
def test_two_runners_never_claim_the_same_reply(settings: Settings) -> None:
    # What is claimed is decided by the database; thousands of announcements would only cost time.
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    conversations = [ConversationFactory() for _ in range(40)]
    for number in range(1000):
        # Bulk rows: what counts is the claiming.
        conversation = conversations[number % 40]
        Message(
            conversation=conversation,
            seq=number // 40 + 1,
            role="assistant",
            status="pending",
            queued_at=timezone.now(),
            attempts_left=3,
        ).save()
    claimed: Counter[int] = Counter()

    def run(owner: str) -> None:
        while claims := replies.claim(owner=owner, limit=8):
            for claim in claims:
                claimed[claim.message.pk] += 1
                assert send(claim)
        connection.close()

    threads = [threading.Thread(target=run, args=(f"runner-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # One may find nothing claimable for a moment while the other holds the rest.
    run("runner-last")
    assert sorted(claimed.values()) == [1] * 1000
