"""What an approved proposal becomes: an example of its bot's dataset, or one that is there already."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from chat.inference.engine import ChatMessage
from chat.knowledge.questions import normalized
from chat.models import CuratedAnswer
from chat.services.notices import notice_text
from training.formats import Turn
from training.frozen import digest
from training.models import Dataset, Example, FrozenExample, ReviewItem
from training.services import examples, proposing
from training.services.examples import InvalidExample
from training.services.importing import messages_of, turns_of

SOURCE = "review"


class NotDecided(ValueError):
    """The decision was not taken; the text says why, to a person. Nothing changed."""


def learn(item: ReviewItem, *, hands_over: bool, by: User) -> tuple[Example, str | None]:
    """The example that the item has become, and the status that it had before if it was there.

    Raises :class:`NotDecided`.
    """
    dataset = Dataset.objects.filter(bot=item.bot).order_by("id").last()
    if dataset is None:
        raise NotDecided(_("This bot has no dataset yet: make one first."))
    answer = notice_text("unanswered", item.locale) if hands_over else item.answer
    messages = screened(item, item.turns, answer)
    known = dataset.examples.filter(digest=digest(messages, item.locale)).first()
    if known is not None:
        # Somebody else asked in the same words, or a correction waits for its approval.
        return known, _approved(known, by)
    if proposing.is_too_much_of(dataset, item.conversation):
        raise NotDecided(
            _("This customer has as many examples as one may have, so that nobody shapes the bot.")
        )
    example = Example(
        dataset=dataset,
        locale=item.locale,
        scenario=item.scenario,
        group="" if hands_over else _group(item, answer),
        hands_over=hands_over,
        source=SOURCE,
        conversation=item.conversation,
        status=Example.Status.APPROVED,
    )
    try:
        saved = examples.save(example, turns_of(messages), author=by)
    except InvalidExample as error:
        raise NotDecided(str(error)) from None
    saved.author, saved.reviewer = item.text_author, by
    saved.save(update_fields=["author", "reviewer"])
    return saved, None


def _approved(known: Example, by: User) -> str:
    """The status that it had."""
    before = known.status
    if before != Example.Status.APPROVED:
        if known.author_id == by.pk:
            raise NotDecided(_("Somebody else has to approve what you wrote."))
        examples.decide([known], Example.Status.APPROVED, reviewer=by)
    return before


def _group(item: ReviewItem, answer: str) -> str:
    """The key of the approved answer that says the same."""
    wanted = normalized(answer)
    approved = CuratedAnswer.objects.filter(bot=item.bot, locale=item.locale, is_active=True)
    keys = (key for key, text in approved.values_list("key", "text") if normalized(text) == wanted)
    return next(keys, "")


def screened(
    item: ReviewItem, turns: Sequence[ChatMessage], answer: str
) -> tuple[ChatMessage, ...]:
    """The turns and the answer as they may be learned. Raises :class:`NotDecided`."""
    try:
        return messages_of(examples.kept(Dataset(bot=item.bot), _spoken(turns, answer)))
    except InvalidExample as error:
        raise NotDecided(str(error)) from None


def _spoken(turns: Sequence[ChatMessage], answer: str) -> list[Turn]:
    said = [*turns, ChatMessage(role="assistant", content=answer)]
    return [Turn(each["role"], str(each["content"])) for each in said]  # type: ignore[arg-type]


def unlearn(example: Example, status: str | None) -> None:
    """Take it back. ``status`` is what the example had before it was approved, None when there was none yet."""
    if FrozenExample.objects.filter(example=example).exists():
        raise NotDecided(_("It is part of a frozen dataset already."))
    if ReviewItem.objects.filter(example=example).exists():
        # Somebody else approved the same words: it stays theirs.
        return
    # What was withdrawn after a second reading goes back to that, and is not gone.
    is_withdrawn = status == Example.Status.REJECTED
    if status is None or (example.source == SOURCE and not is_withdrawn):
        example.delete()
    else:
        Example.objects.filter(pk=example.pk).update(status=status, reviewer=None)
