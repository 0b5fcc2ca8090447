"""Conversations as the inbox lists them, for one agent: never more than they may see."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Substr

from chat.access import conversations_of
from chat.inbox.events import PAGE_ROWS, RowData, Tab
from chat.inbox.presentation import person_data
from chat.models import Conversation, LeftMessage, Message

Status = Conversation.Status
LAST_CHARACTERS = 140
_SAID = (Message.Role.CUSTOMER, Message.Role.ASSISTANT, Message.Role.AGENT)


def listed(user: User, query: Mapping[str, Any]) -> tuple[list[RowData], bool]:
    """The rows of a tab with its filters, and whether there are more."""
    limit = query.get("limit", PAGE_ROWS)
    found = list(_with_facts(matching(user, query).order_by(*_order(query["tab"])))[: limit + 1])
    return [row_data(each) for each in found[:limit]], len(found) > limit


def of_ids(user: User, query: Mapping[str, Any], ids: Collection[str]) -> list[RowData]:
    """Those of ``ids`` that belong to the list."""
    found = matching(user, query).filter(public_id__in=ids)
    return [row_data(each) for each in _with_facts(found)]


def row_of(user: User, public_id: uuid.UUID) -> RowData | None:
    """One conversation's row, whatever tab it is in; None for what is not there for them."""
    found = _with_facts(conversations_of(user).filter(public_id=public_id)).first()
    return row_data(found) if found else None


def earlier(user: User, conversation: Conversation, limit: int = 10) -> list[RowData]:
    """The same visitor's other conversations, newest first."""
    found = conversations_of(user).filter(visitor=conversation.visitor_id)
    return [
        row_data(each)
        for each in _with_facts(found.exclude(pk=conversation.pk).order_by("-id"))[:limit]
    ]


def counts(user: User) -> dict[str, int]:
    """How many wait, are the agent's own and have something unread; one query."""
    mine = Q(status=Status.TAKEN, agent=user)
    unread = Message.objects.filter(
        conversation=OuterRef("pk"), role=Message.Role.CUSTOMER, seq__gt=OuterRef("seen_seq")
    )
    current = conversations_of(user).filter(status__in=[Status.WAITING, Status.TAKEN, Status.OPEN])
    found: dict[str, int] = current.annotate(has_unread=Exists(unread)).aggregate(
        waiting=Count("pk", Q(status=Status.WAITING)),
        mine=Count("pk", mine),
        unread=Count("pk", mine & Q(has_unread=True)),
        team=Count("pk", Q(status=Status.TAKEN) & ~Q(agent=user)),
        bot=Count("pk", Q(status=Status.OPEN, last_seq__gt=0)),
    )
    return found


def matching(user: User, query: Mapping[str, Any]) -> QuerySet[Conversation]:
    """The conversations of a tab that fit its filters."""
    found = conversations_of(user).filter(_tab(user, query["tab"]))
    if bot := query.get("bot"):
        found = found.filter(bot__public_id=bot)
    if reason := query.get("reason"):
        found = found.filter(handoff_reason=reason)
    if locale := query.get("locale"):
        found = found.filter(locale=locale)
    if search := query.get("search", "").strip():
        found = found.filter(_search(search))
    return found


def row_data(conversation: Any) -> RowData:
    """A conversation that :func:`_with_facts` has seen to."""
    bot, last_role = conversation.bot, conversation.last_role
    return {
        "id": str(conversation.public_id),
        "status": conversation.status,
        "bot": {"id": str(bot.public_id), "name": bot.name},
        "locale": conversation.locale,
        "page": conversation.page,
        "agent": person_data(conversation.agent) if conversation.agent else None,
        "reason": conversation.handoff_reason,
        "waiting_since": _iso(conversation.waiting_since),
        "closed_at": _iso(conversation.closed_at),
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "rating": conversation.rating,
        "unread": conversation.unread,
        "left": conversation.left_open,
        "last": {
            "role": last_role,
            "text": conversation.last_text,
            "created_at": conversation.last_at.isoformat(),
        }
        if last_role
        else None,
        "last_seq": conversation.last_seq,
    }


def _tab(user: User, tab: Tab) -> Q:
    match tab:
        case "waiting":
            return Q(status=Status.WAITING)
        case "mine":
            return Q(status=Status.TAKEN, agent=user)
        case "team":
            return Q(status=Status.TAKEN) & ~Q(agent=user)
        case "bot":
            # Who opened the widget and said nothing is nobody to look after.
            return Q(status=Status.OPEN, last_seq__gt=0)
        case "closed":
            return Q(status=Status.CLOSED)


def _order(tab: Tab) -> tuple[Any, ...]:
    """Who waits longest comes first; else what changed last."""
    if tab == "waiting":
        return ("waiting_since", "pk")
    if tab == "closed":
        return (F("closed_at").desc(nulls_last=True), "-pk")
    return ("-updated_at", "-pk")


def _search(search: str) -> Q:
    said = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=search)
    found = Q(Exists(said)) | Q(page__icontains=search)
    try:
        return found | Q(public_id=uuid.UUID(search))
    except ValueError:
        return found


def _with_facts(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    said = (
        Message.objects.filter(conversation=OuterRef("pk"), role__in=_SAID)
        .exclude(text="")
        .order_by("-seq")
    )
    unread = Message.objects.filter(
        conversation=OuterRef("pk"), role=Message.Role.CUSTOMER, seq__gt=OuterRef("seen_seq")
    )
    left = LeftMessage.objects.filter(conversation=OuterRef("pk"), answered_at=None)
    return conversations.select_related("bot", "agent").annotate(
        last_role=Subquery(said.values("role")[:1]),
        last_text=Subquery(
            said.annotate(begin=Substr("text", 1, LAST_CHARACTERS)).values("begin")[:1]
        ),
        last_at=Subquery(said.values("created_at")[:1]),
        unread=_count(unread),
        left_open=_count(left),
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("conversation").annotate(count=Count("pk"))
    return Coalesce(Subquery(counted.values("count")), 0)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
