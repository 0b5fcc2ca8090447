"""Kept answers: nobody's but the same question's, for a while, and never at the price of an answer."""

import json
import logging
import os
import signal
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from itertools import count
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django import Settings

from chat.answer_cache import AnswerCache, CachedAnswer, CacheScope, cache_key
from chat.cache import seals
from chat.cache import valkey as optional_valkey
from csbot import valkey

QUESTION = "how long does delivery take"
ANSWER = CachedAnswer("Two to three working days.", "0192f0c4", 1_790_000_000.5)
OTHER_ANSWER = CachedAnswer("Gift cards never expire.", "0192f0c5", 1_790_000_001.0)

_folders = count(1)


@pytest.fixture
def cache() -> AnswerCache:
    return AnswerCache()


@pytest.fixture
def bot(request: pytest.FixtureRequest) -> int:
    """Another one for each test, and the same in every run: of 16,000 pairs of visitors one is
    taken for one visitor, so a test is right always or never."""
    return 10_000 + zlib.crc32(request.node.nodeid.encode()) % 1_000_000


@pytest.fixture
def key(bot: int) -> str:
    return cache_key(scope(bot), QUESTION)


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    """The suite's Valkey, as an intruder would see it."""
    with redis.Redis.from_url(django_settings.VALKEY_URL, decode_responses=True) as client:
        yield client


def scope(bot: int, **changes: str | int) -> CacheScope:
    values = {
        "bot": bot,
        "deployment": 1,
        "prompt_version": "1",
        "knowledge_version": 1,
        "policy_version": "1",
        "locale": "en",
        "audience": "widget",
    }
    return CacheScope(**{**values, **changes})  # type: ignore[arg-type]


def admit(cache: AnswerCache, key: str, answer: CachedAnswer = ANSWER) -> None:
    cache.note_asked(key, "ann")
    cache.note_asked(key, "bob")
    assert cache.admit(key, answer)


def admit_many(cache: AnswerCache, bot: int, number: int) -> list[str]:
    keys = [cache_key(scope(bot), f"question {n}") for n in range(number)]
    for each in keys:
        admit(cache, each)
    return keys


# Keys

TRICKY = st.one_of(
    st.text(alphabet="01:|.,\x00 \n", max_size=4),
    st.text(max_size=6),
    st.text(alphabet=st.characters(categories=("Cs", "Lo")), max_size=2),
)
NUMBERS = st.integers(min_value=0, max_value=120)
SCOPES = st.builds(
    CacheScope,
    bot=NUMBERS,
    deployment=NUMBERS,
    prompt_version=TRICKY,
    knowledge_version=NUMBERS,
    policy_version=TRICKY,
    locale=TRICKY,
    audience=TRICKY,
)


@given(st.tuples(SCOPES, TRICKY), st.tuples(SCOPES, TRICKY))
@example((scope(1), "?"), (scope(1), "\ud800"))
@example((scope(1), "\ud800"), (scope(1), "\udfff"))
def test_two_scopes_or_questions_never_share_a_key(
    one: tuple[CacheScope, str], other: tuple[CacheScope, str]
) -> None:
    assert (cache_key(*one) == cache_key(*other)) == (one == other)


@given(st.lists(TRICKY, min_size=4, max_size=4), st.integers(0, 3), st.integers(0, 8))
def test_text_never_moves_from_one_part_of_a_key_to_the_next(
    parts: list[str], cut: int, at: int
) -> None:
    """The same characters in a row, cut elsewhere: what naive joining would confuse."""
    prompt, policy, locale, question = parts
    joined = prompt + policy + locale + question
    at = min(at, len(joined))
    moved = [""] * 4
    moved[cut] = joined[:at]
    moved[(cut + 1) % 4] += joined[at:]
    one = scope(1, prompt_version=prompt, policy_version=policy, locale=locale)
    other = scope(1, prompt_version=moved[0], policy_version=moved[1], locale=moved[2])
    assert (cache_key(one, question) == cache_key(other, moved[3])) == (parts == moved)


@pytest.mark.parametrize(
    "change",
    [
        {"bot": 2},
        {"deployment": 2},
        {"prompt_version": "2"},
        {"knowledge_version": 2},
        {"policy_version": "2"},
        {"locale": "zh-hans"},
        {"audience": "server"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_the_scope_makes_another_key(change: dict[str, str | int]) -> None:
    changed = scope(1, **change) if "bot" not in change else scope(2)
    assert cache_key(changed, QUESTION) != cache_key(scope(1), QUESTION)


def test_key_tells_nothing_without_the_secret(settings: Settings) -> None:
    before = cache_key(scope(1), QUESTION)
    settings.SECRET_KEY = "another-" + "y" * 40
    assert cache_key(scope(1), QUESTION) != before


# What is kept


def test_answer_is_found_as_it_was_admitted(cache: AnswerCache, key: str) -> None:
    assert cache.find(key) is None
    admit(cache, key)
    assert cache.find(key) == ANSWER


def test_nothing_that_customers_typed_can_be_read_in_valkey(
    cache: AnswerCache, key: str, server: redis.Redis
) -> None:
    admit(cache, key)
    cache.note_asked(key, "carol-0192f0aa")
    cache.find(key)
    cache.lead(key, "0192f0c6.1", 5)
    cache.ban(cache_key(scope(1), "another"))

    names = set(server.scan_iter())
    assert all(name.startswith("csbot:cache:") for name in names)
    told = repr(names)
    with redis.Redis.from_url(django_settings.VALKEY_URL) as raw:
        told += repr([raw.dump(name) for name in names - {f"csbot:cache:answer:{key}"}])
    for typed in (QUESTION, "delivery", "days", "carol", "0192f0aa"):
        assert typed not in told


def test_tampered_answer_is_refused_and_removed(
    cache: AnswerCache, key: str, server: redis.Redis
) -> None:
    admit(cache, key)
    name = f"csbot:cache:answer:{key}"
    server.set(name, str(server.get(name)).replace("Two", "Ten"), keepttl=True)

    assert cache.find(key) is None
    assert not server.exists(name)
    assert cache.statistics()["rejected"] == 1


@pytest.mark.parametrize("planted", [b"", b"{}", b"\xff\xfe\x00", "é".encode() * 100, b"0" * 5000])
def test_planted_answer_is_refused(
    cache: AnswerCache, key: str, server: redis.Redis, planted: bytes
) -> None:
    server.set(f"csbot:cache:answer:{key}", planted)
    server.set(f"csbot:cache:shared:{key}", planted)
    assert cache.find(key) is None
    assert cache.shared(key) is None


def test_value_of_another_type_is_a_miss(cache: AnswerCache, key: str, server: redis.Redis) -> None:
    server.lpush(f"csbot:cache:answer:{key}", "planted")
    server.lpush(f"csbot:cache:visitors:{key}", "planted")
    assert cache.find(key) is None
    assert cache.note_asked(key, "ann") == 0
    assert not cache.admit(key, ANSWER)


def test_answer_moved_to_another_key_is_refused(
    cache: AnswerCache, bot: int, key: str, server: redis.Redis
) -> None:
    admit(cache, key)
    other = cache_key(scope(bot), "is my parcel lost")
    server.copy(f"csbot:cache:answer:{key}", f"csbot:cache:answer:{other}")
    assert cache.find(other) is None
    assert cache.find(key) == ANSWER


def test_kept_answer_is_not_taken_for_a_shared_one(
    cache: AnswerCache, key: str, server: redis.Redis
) -> None:
    admit(cache, key)
    server.copy(f"csbot:cache:answer:{key}", f"csbot:cache:shared:{key}")
    assert cache.shared(key) is None


def test_answer_sealed_with_another_secret_is_refused(
    cache: AnswerCache, key: str, settings: Settings
) -> None:
    admit(cache, key)
    settings.SECRET_KEY = "another-" + "y" * 40
    assert cache.find(key) is None


def test_answer_expires_in_valkey(
    cache: AnswerCache, key: str, settings: Settings, server: redis.Redis
) -> None:
    settings.CHAT_CACHE_SECONDS = 1
    admit(cache, key)
    assert cache.find(key) == ANSWER
    time.sleep(1.05)
    assert not server.exists(f"csbot:cache:answer:{key}")
    assert cache.find(key) is None
    assert cache.statistics()["entries"] == 0


def test_answer_that_somebody_keeps_alive_expires_all_the_same(
    cache: AnswerCache, key: str, settings: Settings, server: redis.Redis
) -> None:
    settings.CHAT_CACHE_SECONDS = 1
    admit(cache, key)
    server.persist(f"csbot:cache:answer:{key}")
    time.sleep(1.05)
    assert cache.find(key) is None


def test_sealed_value_is_json_and_says_until_when() -> None:
    sealed = seals.seal("answer:1.k", ANSWER, seconds=60)
    body = json.loads(sealed[64:])
    assert body["answer"] == dict(
        zip(("text", "message_id", "created_at"), astuple(ANSWER), strict=True)
    )
    assert seals.opened("answer:1.k", sealed) == ANSWER
    assert seals.opened("answer:1.l", sealed) is None
    assert seals.opened("answer:1.k", seals.seal("answer:1.k", ANSWER, seconds=-1)) is None


# Admission


def test_answer_is_kept_once_enough_different_visitors_asked(
    cache: AnswerCache, key: str, settings: Settings
) -> None:
    settings.CHAT_CACHE_AFTER_VISITORS = 3
    assert [cache.note_asked(key, who) for who in ("ann", "bob")] == [1, 2]
    assert not cache.admit(key, ANSWER)
    assert cache.find(key) is None

    assert cache.note_asked(key, "carol") == 3
    assert cache.admit(key, ANSWER)


def test_visitor_who_asks_ten_times_counts_once(cache: AnswerCache, key: str) -> None:
    assert [cache.note_asked(key, "ann") for _ in range(10)] == [1] * 10
    assert not cache.admit(key, ANSWER)
    assert cache.statistics()["refused"] == 1


def test_visitors_of_another_question_do_not_count(cache: AnswerCache, bot: int, key: str) -> None:
    cache.note_asked(key, "ann")
    cache.note_asked(cache_key(scope(bot), "another"), "bob")
    assert not cache.admit(key, ANSWER)


def test_nobody_can_tell_that_two_questions_are_one_visitors(
    cache: AnswerCache, bot: int, key: str
) -> None:
    other = cache_key(scope(bot), "another")
    cache.note_asked(key, "ann")
    cache.note_asked(other, "ann")
    with redis.Redis.from_url(django_settings.VALKEY_URL) as raw:
        one, two = (raw.get(f"csbot:cache:visitors:{each}") for each in (key, other))
    assert one != two


def test_visitors_are_forgotten_after_the_life_of_an_answer(
    cache: AnswerCache, key: str, settings: Settings
) -> None:
    settings.CHAT_CACHE_SECONDS = 1
    cache.note_asked(key, "ann")
    time.sleep(1.05)
    assert cache.note_asked(key, "bob") == 1


def test_visitors_of_old_questions_make_room(
    cache: AnswerCache, bot: int, settings: Settings, server: redis.Redis
) -> None:
    settings.CHAT_CACHE_ENTRIES = 1
    keys = [cache_key(scope(bot), f"question {n}") for n in range(15)]
    for each in keys:
        cache.note_asked(each, "ann")
    counted = set(server.scan_iter("csbot:cache:visitors:*"))
    assert counted == {f"csbot:cache:visitors:{each}" for each in keys[-10:]}


def test_least_recently_used_answers_make_room(
    cache: AnswerCache, bot: int, settings: Settings, server: redis.Redis
) -> None:
    settings.CHAT_CACHE_ENTRIES = 3
    first, second, third = admit_many(cache, bot, 3)
    assert cache.find(first) == ANSWER

    newest = cache_key(scope(bot), "the newest question")
    admit(cache, newest)

    assert cache.find(second) is None
    assert [cache.find(each) for each in (first, third, newest)] == [ANSWER] * 3
    assert len(list(server.scan_iter("csbot:cache:answer:*"))) == 3
    assert cache.statistics()["entries"] == 3


def test_bound_holds_when_many_admit_at_once(
    cache: AnswerCache, bot: int, settings: Settings, server: redis.Redis
) -> None:
    settings.CHAT_CACHE_ENTRIES = 5
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: admit(cache, cache_key(scope(bot), f"question {n}")), range(60)))
    assert len(list(server.scan_iter("csbot:cache:answer:*"))) == 5
    assert cache.statistics()["entries"] == 5


def test_no_entries_keep_nothing_and_still_share(
    cache: AnswerCache, key: str, settings: Settings
) -> None:
    admit(cache, key)
    settings.CHAT_CACHE_ENTRIES = 0
    assert cache.find(key) is None
    assert cache.note_asked(key, "carol") == 0
    assert not cache.admit(key, ANSWER)
    assert cache.lead(key, "ann.1", 5)
    assert cache.share(key, "ann.1", ANSWER)
    assert cache.shared(key) == ANSWER


# Out of service


def test_banned_answer_is_gone_and_stays_away(
    cache: AnswerCache, key: str, server: redis.Redis
) -> None:
    admit(cache, key)
    assert cache.lead(key, "ann.1", 5)
    assert cache.share(key, "ann.1", ANSWER)

    assert cache.ban(key)

    assert cache.find(key) is None
    assert cache.shared(key) is None
    cache.note_asked(key, "carol")
    assert not cache.admit(key, OTHER_ANSWER)
    assert cache.find(key) is None
    assert cache.statistics()["entries"] == 0
    week = 7 * django_settings.CHAT_CACHE_SECONDS
    assert week - 5 <= server.ttl(f"csbot:cache:banned:{key}") <= week


def test_ban_beats_those_who_admit_at_the_same_moment(cache: AnswerCache, bot: int) -> None:
    for n in range(20):
        each = cache_key(scope(bot), f"question {n}")
        admit(cache, each)
        with ThreadPoolExecutor(4) as pool:
            tries = [pool.submit(cache.admit, each, ANSWER) for _ in range(3)]
            pool.submit(cache.ban, each).result()
            for one in tries:
                one.result()
        assert cache.find(each) is None


def test_ban_of_one_question_leaves_the_others(cache: AnswerCache, bot: int, key: str) -> None:
    other = cache_key(scope(bot), "another")
    admit(cache, key)
    admit(cache, other)
    cache.ban(other)
    assert cache.find(key) == ANSWER


def test_clear_removes_the_answers_of_that_bot_alone(cache: AnswerCache) -> None:
    # 7 is how 70 begins, and 1 what a key may contain: neither may be taken along.
    seven, seventy, one = (admit_many(cache, bot, 3) for bot in (7, 70, 1))

    assert cache.clear(7) == 3

    assert [cache.find(each) for each in seven] == [None] * 3
    assert [cache.find(each) for each in seventy + one] == [ANSWER] * 6
    assert cache.statistics()["entries"] == 6
    assert cache.clear(7) == 0


def test_clear_removes_more_than_one_chunk(
    cache: AnswerCache, bot: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.answer_cache.CHUNK", 4)
    admit_many(cache, bot, 10)
    assert cache.clear(bot) == 10
    assert cache.statistics()["entries"] == 0


def test_clear_lifts_no_ban(cache: AnswerCache, bot: int, key: str) -> None:
    cache.ban(key)
    cache.clear(bot)
    cache.note_asked(key, "ann")
    cache.note_asked(key, "bob")
    assert not cache.admit(key, ANSWER)


# Sight


def test_statistics_count_what_happened(cache: AnswerCache, key: str) -> None:
    cache.find(key)
    cache.admit(key, ANSWER)
    admit(cache, key)
    cache.find(key)
    cache.find(key)
    cache.lead(key, "ann.1", 5)
    cache.share(key, "ann.1", ANSWER)
    assert cache.statistics() == {
        "hits": 2,
        "misses": 1,
        "admitted": 1,
        "refused": 1,
        "rejected": 0,
        "banned": 0,
        "shared": 1,
        "entries": 1,
    }


def test_top_questions_are_ranked_by_different_visitors(
    cache: AnswerCache, bot: int, key: str
) -> None:
    rare = cache_key(scope(bot), "rare")
    stubborn = cache_key(scope(bot), "asked by one person again and again")
    other_bot = cache_key(scope(bot + 1), QUESTION)
    for n in range(5):
        cache.note_asked(key, f"visitor {n}")
        cache.note_asked(other_bot, f"visitor {n}")
        cache.note_asked(stubborn, "ann")
    for who in ("ann", "bob"):
        cache.note_asked(rare, who)
    cache.admit(key, ANSWER)
    cache.find(key)

    top = cache.top(bot)

    assert [(each.key, each.visitors) for each in top] == [(key, 5), (rare, 2), (stubborn, 1)]
    assert (top[0].hits, top[0].answer) == (1, ANSWER)
    assert (top[1].hits, top[1].answer) == (0, None)
    assert [each.key for each in cache.top(bot, limit=1)] == [key]
    assert cache.top(bot + 2) == []


def test_ranking_is_bounded(cache: AnswerCache, bot: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answer_cache.RANKED_QUESTIONS", 2)
    for n in range(4):
        for who in range(n + 1):
            cache.note_asked(cache_key(scope(bot), f"question {n}"), f"visitor {who}")
    assert [each.visitors for each in cache.top(bot)] == [4, 3]


# One generation for all


def test_fifty_who_ask_at_once_have_one_leader(cache: AnswerCache, key: str) -> None:
    gate = threading.Barrier(50)

    def ask(n: int) -> bool:
        gate.wait()
        return cache.lead(key, f"owner {n}", 5)

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(ask, range(50))) == 1
    assert cache.is_led(key)


def test_fifty_who_ask_at_once_cost_one_generation(cache: AnswerCache, key: str) -> None:
    gate = threading.Barrier(50)
    generations = []

    def ask(n: int) -> CachedAnswer | None:
        gate.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if cache.lead(key, f"owner {n}", 5):
                generations.append(n)
                time.sleep(0.2)
                assert cache.share(key, f"owner {n}", ANSWER)
                return ANSWER
            if (shared := cache.shared(key)) is not None:
                return shared
            time.sleep(0.005)
        return None

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, range(50))) == [ANSWER] * 50
    assert len(generations) == 1


def test_follower_leads_when_the_leader_died(cache: AnswerCache, key: str) -> None:
    assert cache.lead(key, "ann.1", 0.1)
    assert not cache.lead(key, "bob.1", 5)
    time.sleep(0.15)
    assert not cache.is_led(key)
    assert cache.lead(key, "bob.1", 5)


def test_follower_leads_when_the_leader_gave_up(cache: AnswerCache, key: str) -> None:
    assert cache.lead(key, "ann.1", 5)
    cache.abandon(key, "ann.1")
    assert not cache.is_led(key)
    assert cache.shared(key) is None
    assert cache.lead(key, "bob.1", 5)


def test_leader_who_renews_leads_on(cache: AnswerCache, key: str) -> None:
    assert cache.lead(key, "ann.1", 0.2)
    assert cache.renew(key, "ann.1", 5)
    time.sleep(0.25)
    assert cache.is_led(key)


def test_former_leader_can_share_renew_and_abandon_nothing(cache: AnswerCache, key: str) -> None:
    assert cache.lead(key, "ann.1", 0.05)
    time.sleep(0.1)
    assert cache.lead(key, "ann.2", 5)

    assert not cache.share(key, "ann.1", OTHER_ANSWER)
    assert not cache.renew(key, "ann.1", 5)
    cache.abandon(key, "ann.1")

    assert cache.is_led(key)
    assert cache.shared(key) is None
    assert cache.share(key, "ann.2", ANSWER)
    assert cache.shared(key) == ANSWER


def test_nobody_leads_again_while_an_answer_is_shared(
    cache: AnswerCache, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.answer_cache.SHARED_SECONDS", 1)
    cache.lead(key, "ann.1", 5)
    cache.share(key, "ann.1", ANSWER)
    assert not cache.is_led(key)
    assert not cache.lead(key, "bob.1", 5)
    time.sleep(1.05)
    assert cache.shared(key) is None
    assert cache.lead(key, "bob.1", 5)


def test_planted_share_does_not_keep_followers_waiting(
    cache: AnswerCache, key: str, server: redis.Redis
) -> None:
    server.set(f"csbot:cache:shared:{key}", "planted")
    assert not cache.lead(key, "ann.1", 5)
    assert cache.shared(key) is None
    assert cache.lead(key, "ann.1", 5)


def test_shared_answer_is_not_kept(cache: AnswerCache, key: str) -> None:
    cache.lead(key, "ann.1", 5)
    cache.share(key, "ann.1", ANSWER)
    assert cache.find(key) is None


# Without Valkey


def neutral(cache: AnswerCache, key: str) -> None:
    """Every call once; none finds anything and nobody is kept from generating."""
    assert cache.find(key) is None
    assert cache.note_asked(key, "ann") == 0
    assert not cache.admit(key, ANSWER)
    assert cache.statistics() == {}
    assert cache.top(1) == []
    assert cache.lead(key, "ann.1", 5)
    assert not cache.renew(key, "ann.1", 5)
    assert not cache.share(key, "ann.1", ANSWER)
    cache.abandon(key, "ann.1")
    assert not cache.is_led(key)
    assert cache.shared(key) is None


def lift_pause(cache: AnswerCache) -> None:
    cache._valkey._paused_until = 0.0


class OwnServer:
    """A Valkey that a test may stop, fill and kill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start()

    def start(self) -> None:
        self._process = valkey.start(self._folder)

    def send(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def cache(self) -> AnswerCache:
        return AnswerCache(f"unix://{self._folder / valkey.SOCKET_NAME}?db=0")


@pytest.fixture
def own_server() -> Iterator[OwnServer]:
    server = OwnServer(django_settings.VAR_DIR / f"cache{next(_folders)}")
    yield server
    server.kill()


@pytest.mark.parametrize("where", ["no socket", "nobody listens", "silent port"])
def test_every_call_is_neutral_and_quick_without_valkey(
    key: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        if where == "silent port":
            silent.listen()
        urls = {"no socket": "unix:///nowhere/valkey.sock?db=0"}
        cache = AnswerCache(urls.get(where, f"redis://127.0.0.1:{port}/0"))

        began = time.monotonic()
        neutral(cache, key)
        assert time.monotonic() - began < 2.0
        assert not cache.ban(key)
        assert cache.clear(1) == 0

    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    for typed in (ANSWER.text, key, "ann"):
        assert typed not in caplog.text


def test_stopped_valkey_costs_one_timeout_and_is_used_again(
    own_server: OwnServer, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = own_server.cache()
    admit(cache, key)
    own_server.send(signal.SIGSTOP)
    try:
        began = time.monotonic()
        neutral(cache, key)
        assert time.monotonic() - began < 2.0
        assert len(caplog.records) == 1
    finally:
        own_server.send(signal.SIGCONT)

    assert cache.find(key) is None  # still left alone
    lift_pause(cache)
    assert cache.find(key) == ANSWER


def test_one_thread_alone_tries_whether_valkey_is_back(own_server: OwnServer, key: str) -> None:
    cache = own_server.cache()
    tries = []

    def ask(n: int) -> bool:
        def ping() -> bool:
            tries.append(n)
            return bool(cache._client.ping())

        return cache._valkey.attempt(ping, False)

    own_server.send(signal.SIGSTOP)
    try:
        assert not ask(-1)
        lift_pause(cache)
        with ThreadPoolExecutor(8) as pool:
            assert not any(pool.map(ask, range(8)))
        assert len(tries) == 2
    finally:
        own_server.send(signal.SIGCONT)

    lift_pause(cache)
    with ThreadPoolExecutor(8) as pool:
        assert any(pool.map(ask, range(8)))
        assert all(pool.map(ask, range(8)))


def test_restarted_valkey_is_used_at_once(own_server: OwnServer, key: str) -> None:
    cache = own_server.cache()
    admit(cache, key)
    own_server.kill()
    own_server.start()
    cache.note_asked(key, "ann")
    assert cache.note_asked(key, "bob") == 2


def test_full_valkey_still_serves_and_removes(
    own_server: OwnServer, bot: int, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = own_server.cache()
    admit(cache, key)
    cache._client.config_set("maxmemory", "1")
    other = cache_key(scope(bot), "another")

    for _ in range(3):
        assert cache.find(key) == ANSWER
    assert cache.note_asked(other, "ann") == 0
    assert not cache.admit(other, ANSWER)
    assert cache.lead(other, "ann.1", 5)
    assert len(caplog.records) == 1

    # The ban cannot be noted, the answer goes all the same.
    assert not cache.ban(key)
    assert cache.find(key) is None


def test_bans_are_tried_even_while_valkey_is_left_alone(cache: AnswerCache, key: str) -> None:
    admit(cache, key)
    cache._valkey._is_silent = True
    cache._valkey._paused_until = time.monotonic() + 60
    try:
        assert cache.find(key) is None
        assert cache.ban(key)
        assert cache.find(key) is None
    finally:
        cache._valkey._is_silent = False


def test_warnings_come_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optional_valkey, "PAUSE_SECONDS", 0.0)
    away = optional_valkey.OptionalValkey("unix:///nowhere/valkey.sock?db=0")
    for _ in range(5):
        away.attempt(away.client.ping, False)
    assert len(caplog.records) == 1

    away._warned_at -= optional_valkey.WARNING_SECONDS
    away.attempt(away.client.ping, False)
    assert len(caplog.records) == 2
