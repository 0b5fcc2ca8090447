"""Publishing: words and rules become immutable versions, and one of them is in force."""

import hashlib

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from moderation.actors import named
from moderation.current import compiled
from moderation.default_rules import DEFAULT_RULES
from moderation.models import PolicyVersion, Word, WordListVersion
from moderation.policy import Rules
from moderation.services import audit
from moderation.services.originals import NotAllowed
from moderation.words import lexicon
from moderation.words.lexicon import Lexicon


class NothingToPublish(Exception):
    """The draft equals what is in force."""


def active_version() -> PolicyVersion | None:
    """The published policy in force; None while the built-in one is."""
    return PolicyVersion.objects.filter(is_active=True).select_related("word_list").first()


def active_rules() -> Rules:
    version = active_version()
    return Rules.from_json(version.rules) if version is not None else DEFAULT_RULES


def draft_lexicon() -> Lexicon:
    """The words as they stand in the draft."""
    return Lexicon(
        tuple(
            lexicon.Word(term, category, allowed=kind == Word.Kind.ALLOWED)
            for term, category, kind in Word.objects.values_list("term", "category", "kind")
        )
    )


def draft_changes() -> tuple[list[str], list[str]]:
    """The terms that the draft adds to the list in force, and those that it lacks."""
    active = active_version()
    in_force = set(active.word_list.lexicon().words) if active and active.word_list else set()
    draft = set(draft_lexicon().words)
    return (
        sorted(word.term for word in draft - in_force),
        sorted(word.term for word in in_force - draft),
    )


@transaction.atomic
def publish_words(*, by: User | None, note: str = "") -> PolicyVersion:
    """Freeze the draft as a new word list, and put it in force with the rules as they are.

    ``by`` is None for commands. Raises :class:`NotAllowed` and :class:`NothingToPublish`.
    """
    _check(by, "moderation.publish_words")
    content = draft_lexicon().to_csv()
    sha256 = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    active = active_version()
    if active is not None and active.word_list is not None and active.word_list.sha256 == sha256:
        raise NothingToPublish
    words = WordListVersion.objects.create(
        number=_next_number(WordListVersion),
        content=content,
        sha256=sha256,
        size=content.count("\n"),
        note=note[:200],
        published_by=by,
    )
    return _publish(words, active_rules(), by=by, note=note)


@transaction.atomic
def publish_rules(rules: Rules, *, by: User | None, note: str = "") -> PolicyVersion:
    """Put ``rules`` in force with the word list as it is. Raises as :func:`publish_words`."""
    _check(by, "moderation.publish_policy")
    if rules.to_json() == active_rules().to_json():
        raise NothingToPublish
    active = active_version()
    return _publish(active.word_list if active is not None else None, rules, by=by, note=note)


@transaction.atomic
def activate(version: PolicyVersion, *, by: User | None) -> PolicyVersion:
    """Put an earlier version in force again (roll back). Raises :class:`NotAllowed`."""
    _check(by, "moderation.publish_policy")
    return _put_in_force(version, "policy.activated", by)


def _publish(
    words: WordListVersion | None, rules: Rules, *, by: User | None, note: str
) -> PolicyVersion:
    version = PolicyVersion(
        number=_next_number(PolicyVersion),
        word_list=words,
        rules=rules.to_json(),
        note=note[:200],
        published_by=by,
    )
    # What cannot be compiled is never put in force.
    compiled(version)
    version.save()
    return _put_in_force(version, "policy.published", by)


def _put_in_force(version: PolicyVersion, action: str, by: User | None) -> PolicyVersion:
    PolicyVersion.objects.filter(is_active=True).update(is_active=False)
    PolicyVersion.objects.filter(pk=version.pk).update(is_active=True)
    version.refresh_from_db()
    words = version.word_list
    audit.record(
        action,
        target=f"policy:{version.number}",
        facts={"words": words.number if words else None},
        by=named(by),
    )
    return version


def _next_number(model: type[PolicyVersion] | type[WordListVersion]) -> int:
    return int(model.objects.aggregate(highest=Max("number"))["highest"] or 0) + 1


def _check(by: User | None, permission: str) -> None:
    if by is not None and not by.has_perm(permission):
        raise NotAllowed
