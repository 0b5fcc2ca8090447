"""The policy that applies now, compiled once per process and version."""

import datetime
import functools
import logging
import threading

from moderation.default_rules import DEFAULT_RULES
from moderation.models import PolicyVersion
from moderation.policy import Policy, Rules
from moderation.recognizers.catalog import STRUCTURED
from moderation.recognizers.named import NAMED
from moderation.words.defaults import default_lexicon
from moderation.words.lexicon import Lexicon

logger = logging.getLogger(__name__)

RECOGNIZERS = (*STRUCTURED, *NAMED)

_loading = threading.Lock()
# The key of the version and what it was compiled to.
_loaded: tuple[tuple[int, datetime.datetime], Policy] | None = None


def current_policy() -> Policy:
    """The active policy; the built-in one when none was published.

    One query. When another version became active, the first caller compiles it while all
    others go on with the one before: there is no moment without a policy. A version that
    cannot be compiled leaves the one before in force; without one, raises.
    """
    global _loaded  # noqa: PLW0603 - one policy per process is the point
    in_force = PolicyVersion.objects.filter(is_active=True)
    active = in_force.values_list("pk", "published_at").first()
    if active is None:
        return built_in_policy()
    loaded = _loaded
    if loaded is not None and loaded[0] == active:
        return loaded[1]
    if not _loading.acquire(blocking=loaded is None):
        assert loaded is not None
        return loaded[1]
    try:
        if _loaded is None or _loaded[0] != active:
            _loaded = (active, compiled(PolicyVersion.objects.get(pk=active[0])))
        return _loaded[1]
    except Exception as error:
        if loaded is None:
            raise
        logger.error(  # noqa: TRY400 - every message says it again
            "the policy in force stays: the new one does not load (%s)", type(error).__name__
        )
        return loaded[1]
    finally:
        _loading.release()


@functools.cache
def built_in_policy() -> Policy:
    """csbot's own rules and words."""
    return Policy.build(
        version="built-in",
        rules=DEFAULT_RULES,
        lexicon=default_lexicon(),
        recognizers=RECOGNIZERS,
    )


def compiled(version: PolicyVersion) -> Policy:
    """A published version, ready to run."""
    rules = Rules.from_json(version.rules)
    words = version.word_list.lexicon().words if version.word_list is not None else ()
    if rules.default_words:
        words = (*default_lexicon().words, *words)
    return Policy.build(
        version=str(version.number),
        rules=rules,
        lexicon=Lexicon(words),
        recognizers=RECOGNIZERS,
    )
