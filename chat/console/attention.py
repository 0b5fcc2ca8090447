"""What waits for somebody: a list that every app adds to, so that no app has to know the others.

Each source is a function that gets the person and yields what they can do something about,
of the rows that they work on and with the permissions that they have. One query each, or two.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from chat.access import bots_of, conversations_of
from chat.models import Conversation, Dispute, LeftMessage
from moderation.models import ModerationCase


@dataclass(frozen=True, slots=True)
class Attention:
    """``count`` things that wait since ``since``. ``is_urgent``: a customer waits for it."""

    title: Any
    count: int
    url: str
    since: datetime | None = None
    is_urgent: bool = False


Source = Callable[[User], Iterable[Attention]]
_sources: list[Source] = []


def source(function: Source) -> Source:
    """Decorates a source. Apps import theirs where they register their pages."""
    _sources.append(function)
    return function


def waiting_for(user: User) -> list[Attention]:
    """What there is to do, the urgent first. What there is none of is left out."""
    found = [each for source in _sources for each in source(user) if each.count]
    return sorted(found, key=lambda each: not each.is_urgent)


@source
def conversations(user: User) -> Iterator[Attention]:
    if not user.has_perm("chat.answer_conversation"):
        return
    inbox = reverse("admin:inbox_page")
    status = Conversation.Status
    mine = conversations_of(user)
    waiting = mine.filter(status=status.WAITING).order_by("waiting_since")
    first = waiting.values_list("waiting_since", flat=True).first()
    yield Attention(_("Customers waiting for a person"), waiting.count(), inbox, first, True)
    taken = mine.filter(status=status.TAKEN, agent=user)
    yield Attention(_("Conversations that you have taken"), taken.count(), inbox, None, True)
    left = LeftMessage.objects.filter(conversation__bot__in=bots_of(user), answered_at=None)
    oldest = left.order_by("created_at").values_list("created_at", flat=True).first()
    yield Attention(_("Messages left while nobody was there"), left.count(), inbox, oldest, True)


@source
def disputes(user: User) -> Iterator[Attention]:
    if not user.has_perm("chat.change_curatedanswer"):
        return
    still_open = Dispute.objects.filter(bot__in=bots_of(user), resolution=Dispute.Resolution.OPEN)
    yield Attention(
        _("Disputed answers, out of service until you decide"),
        still_open.count(),
        reverse("admin:chat_dispute_changelist"),
    )


@source
def moderation(user: User) -> Iterator[Attention]:
    if not user.has_perm("moderation.change_moderationcase"):
        return
    cases = ModerationCase.objects.filter(resolution="")
    yield Attention(
        _("Texts that moderation wants somebody to see"),
        cases.count(),
        reverse("admin:moderation_moderationcase_changelist"),
    )
