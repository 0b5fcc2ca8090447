"""Answers of the model to questions that many ask, kept in Valkey for a while.

Nothing depends on it: without Valkey every question is simply answered. It knows questions only
by their keys (:func:`cache_key`) and believes only values that this installation sealed.
"""

import time
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from chat.cache import scripts, valkey
from chat.cache.seals import CachedAnswer, CacheScope, cache_key, digest, opened, seal

__all__ = ["AnswerCache", "AskedQuestion", "CacheScope", "CachedAnswer", "cache_key"]

SHARED_SECONDS = 10
BAN_FACTOR = 7
"""A banned question stays out for so many lives of an answer."""
QUESTIONS_PER_ENTRY = 10
"""For every answer that may be kept, the visitors of so many questions are counted."""
RANKED_QUESTIONS = 1000
CHUNK = 500
REWRITING_SECONDS = 5.0
"""How long a rewriting of Valkey's file is waited for, before another one begins."""
COUNTS = ("hits", "misses", "admitted", "refused", "rejected", "banned", "shared")
"""Refused: not asked often enough, or banned. Rejected: what Valkey held was not ours."""
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question by its key: how many visitors asked for it, and what is kept for the next."""

    key: str
    visitors: int
    hits: int
    answer: CachedAnswer | None


class AnswerCache:
    """Cheap to make: all of one process share one pool. Safe in threads, and raises nothing:
    without Valkey nothing is found and everybody leads, for which one call in five seconds
    waits a third of a second."""

    def __init__(self, url: str = "") -> None:
        self._valkey = valkey.shared(url or settings.VALKEY_URL)
        self._client = self._valkey.client

    def find(self, key: str) -> CachedAnswer | None:
        """The answer kept under ``key``; counted as a hit or a miss."""
        if settings.CHAT_CACHE_ENTRIES <= 0:
            return None
        answer = self._read("answer", key)
        names = [_name("used"), _name("hits"), _name("counts")]
        if answer is not None:
            self._run(scripts.HIT, names, [key], otherwise=None)
        else:
            self._run(scripts.MISS, [_name("answer", key), *names], [key], otherwise=None)
        return answer

    def note_asked(self, key: str, visitor: str) -> int:
        """Count ``visitor`` among those who asked within ``CHAT_CACHE_SECONDS``; returns how
        many different ones did, 0 when nobody counts."""
        if settings.CHAT_CACHE_ENTRIES <= 0:
            return 0
        names = [_name("visitors", key), _name("questions"), _ranking(key.partition(".")[0])]
        args = [
            key,
            digest("visitor", key, visitor),
            settings.CHAT_CACHE_SECONDS,
            settings.CHAT_CACHE_ENTRIES * QUESTIONS_PER_ENTRY,
            _name("visitors", ""),
            RANKED_QUESTIONS,
            2 * _DAY,
        ]
        return int(self._run(scripts.NOTE, names, args, otherwise=0))

    def admit(self, key: str, answer: CachedAnswer) -> bool:
        """Keep ``answer`` if enough different visitors asked and nobody objected.

        The least recently used ones make room.
        """
        if settings.CHAT_CACHE_ENTRIES <= 0:
            return False
        places = [_name("answer", key), _name("visitors", key), _name("banned", key)]
        names = [*places, _name("used"), _name("hits"), _name("counts")]
        args = [
            key,
            seal(f"answer:{key}", answer, seconds=settings.CHAT_CACHE_SECONDS),
            settings.CHAT_CACHE_SECONDS,
            settings.CHAT_CACHE_AFTER_VISITORS,
            settings.CHAT_CACHE_ENTRIES,
            _name("answer", ""),
        ]
        return bool(self._run(scripts.ADMIT, names, args, otherwise=0))

    def ban(self, key: str) -> bool:
        """Remove what is kept under ``key`` and keep nothing there for a long time.

        Tried even while Valkey is left alone. False: it did not take it.
        """

        def remove() -> bool:
            # No transaction: a full Valkey refuses to note the ban, but has to remove. The ban
            # comes first, so that nothing is admitted in between.
            with self._client.pipeline(transaction=False) as pipe:
                seconds = settings.CHAT_CACHE_SECONDS * BAN_FACTOR
                pipe.set(_name("banned", key), 1, ex=seconds)
                pipe.delete(_name("answer", key), _name("shared", key))
                pipe.zrem(_name("used"), key)
                pipe.zrem(_name("hits"), key)
                pipe.hincrby(_name("counts"), "banned", 1)
                pipe.execute()
            return True

        return self._valkey.attempt(remove, False, insist=True)

    def clear(self, bot: int) -> int:
        """Remove the answers kept for one bot; returns how many. Bans and visitors stay.

        What is being handed out to those who ask at this moment ends by itself, seconds later.
        """

        def remove() -> int:
            listed = self._client.zscan_iter(_name("used"), match=f"{bot}.*", count=CHUNK)
            keys = sorted({str(key) for key, _ in listed})
            return sum(self._forget(keys[at : at + CHUNK]) for at in range(0, len(keys), CHUNK))

        return self._valkey.attempt(remove, 0, insist=True)

    def forget(self, bot: int, messages: Set[str]) -> bool:
        """Remove what was said first in one of these messages (public ids) of ``bot``.

        An embedded Valkey then writes its file anew, which held it, too. False: Valkey did not
        take it.
        """

        def remove() -> bool:
            for kind in ("answer", "shared"):
                prefix = _name(kind, f"{bot}.")
                names = [str(each) for each in self._client.scan_iter(f"{prefix}*", count=CHUNK)]
                for at in range(0, len(names), CHUNK):
                    self._forget(self._said_in(messages, kind, names[at : at + CHUNK]))
            return not settings.EMBEDDED_VALKEY or self._rewrite_file()

        return not messages or self._valkey.attempt(remove, False, insist=True)

    def statistics(self) -> dict[str, int]:
        """``COUNTS`` since Valkey began and ``entries``, without the certainty of a table;
        empty without Valkey."""

        def read() -> dict[str, int]:
            counts: Any = self._client.hgetall(_name("counts"))
            entries = int(self._client.zcard(_name("used")))
            return {**{name: int(counts.get(name, 0)) for name in COUNTS}, "entries": entries}

        return self._valkey.attempt(read, {})

    def top(self, bot: int, limit: int = 20) -> list[AskedQuestion]:
        """What most visitors of ``bot`` asked today and yesterday (UTC), most asked first."""

        def read() -> list[tuple[str, int, int]]:
            days = [_ranking(str(bot), days_ago=ago) for ago in (0, 1)]
            ranked: list[Any] = self._client.zunion(days, aggregate="MAX", withscores=True)
            most = sorted(ranked, key=lambda each: -each[1])[:limit]
            if not most:
                return []
            hits = self._client.zmscore(_name("hits"), [str(key) for key, _ in most])
            return [(str(k), int(n), int(h or 0)) for (k, n), h in zip(most, hits, strict=True)]

        nothing: list[tuple[str, int, int]] = []
        return [
            AskedQuestion(key, visitors, hits, self._read("answer", key))
            for key, visitors, hits in self._valkey.attempt(read, nothing)
        ]

    # A hundred customers who ask the same at once cost one generation: one leads, the others
    # look until something is shared or nobody leads any more.

    def lead(self, key: str, owner: str, seconds: float) -> bool:
        """Whether ``owner`` is the one to generate, for so long. ``owner`` names one attempt."""
        names = [_name("lead", key), _name("shared", key)]
        return bool(self._run(scripts.LEAD, names, [owner, _milliseconds(seconds)], otherwise=1))

    def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Lead on from now, for so long. False: ``owner`` does not lead any more."""
        args = [owner, _milliseconds(seconds)]
        return bool(self._run(scripts.RENEW, [_name("lead", key)], args, otherwise=0))

    def share(self, key: str, owner: str, answer: CachedAnswer) -> bool:
        """Lead no longer and hand ``answer`` to those who wait. False, and nothing is handed
        out, when ``owner`` does not lead any more."""
        names = [_name("lead", key), _name("shared", key), _name("counts")]
        sealed = seal(f"shared:{key}", answer, seconds=SHARED_SECONDS)
        args = [owner, sealed, SHARED_SECONDS]
        return bool(self._run(scripts.SHARE, names, args, otherwise=0))

    def abandon(self, key: str, owner: str) -> None:
        """Lead no longer, with nothing to hand out: somebody else may lead."""
        self._run(scripts.ABANDON, [_name("lead", key)], [owner], otherwise=None)

    def is_led(self, key: str) -> bool:
        """Whether somebody generates. Ask before :meth:`shared`: both change at once."""
        return self._valkey.attempt(lambda: bool(self._client.exists(_name("lead", key))), False)

    def shared(self, key: str) -> CachedAnswer | None:
        """What was handed out within the last ``SHARED_SECONDS``."""
        return self._read("shared", key)

    def _read(self, kind: str, key: str) -> CachedAnswer | None:
        sealed = self._valkey.attempt(lambda: self._client.get(_name(kind, key)), None)
        if sealed is None:
            return None
        answer = opened(f"{kind}:{key}", str(sealed))
        if answer is None:
            self._valkey.attempt(lambda: self._reject(kind, key), None)
        return answer

    def _reject(self, kind: str, key: str) -> None:
        self._client.delete(_name(kind, key))
        self._client.hincrby(_name("counts"), "rejected", 1)

    def _rewrite_file(self) -> bool:
        """A rewriting that is under way may have begun before something was removed."""
        until = time.monotonic() + REWRITING_SECONDS
        while time.monotonic() < until:
            if not self._client.info("persistence")["aof_rewrite_in_progress"]:
                break
            time.sleep(0.05)
        return bool(self._client.bgrewriteaof())

    def _said_in(self, messages: Set[str], kind: str, names: list[str]) -> list[str]:
        """The keys of those entries that were said in one of the messages."""
        keys = [each.removeprefix(_name(kind, "")) for each in names]
        values: list[Any] = self._client.mget(names)
        answers = [
            opened(f"{kind}:{k}", str(v)) if v else None for k, v in zip(keys, values, strict=True)
        ]
        return [
            k for k, each in zip(keys, answers, strict=True) if each and each.message_id in messages
        ]

    def _forget(self, keys: list[str]) -> int:
        if not keys:
            return 0
        with self._client.pipeline() as pipe:
            pipe.delete(*(_name("answer", key) for key in keys))
            pipe.delete(*(_name("shared", key) for key in keys))
            pipe.zrem(_name("used"), *keys)
            pipe.zrem(_name("hits"), *keys)
            return int(pipe.execute()[0])

    def _run(self, script: str, names: list[str], args: list[Any], *, otherwise: Any) -> Any:
        run = self._client.register_script(script)
        return self._valkey.attempt(lambda: run(keys=names, args=args), otherwise)


def _name(kind: str, key: str | None = None) -> str:
    return f"csbot:cache:{kind}" if key is None else f"csbot:cache:{kind}:{key}"


def _ranking(bot: str, *, days_ago: int = 0) -> str:
    return _name("ranking", f"{bot}.{int(time.time() // _DAY) - days_ago}")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
