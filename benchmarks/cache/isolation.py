"""Whose answers reach whom: two visitors of each of two bots, while everything changes.

Every conversation has a word of its own, a canary, in its questions, which the scripted engine
repeats whenever it reads it; so does every bot, in its instructions and its approved answers.
An answer with a word that stands nowhere in its own conversation or bot came from somebody else.
The engine also says with which model, prompt, policy and knowledge it answers: an answer that
says anything but what is in force is stale.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.cache import poisoning
from benchmarks.cache.staged import Stage, chat, make_bot, versions
from benchmarks.machine import Figure, figure
from benchmarks.place import Options
from chat import prompts
from chat.inference.engine import ChatMessage
from chat.models import Bot, Conversation, CuratedAnswer, Deployment, Message
from chat.services import conversations, knowledge, visitors
from chat.services.knowledge import Draft
from moderation.models import PolicyVersion
from moderation.services import policies

CONVERSATIONS = 10_000
SECONDS = 190.0
"""After so long the run ends, and says how far it came."""
LETTERS = "bdglmnr"
CANARY = re.compile(rf"canary[{LETTERS}]{{8}}")
EDITION = re.compile(r"edition (\d+)")
SHARED = (
    "which lamp is the brightest one",
    "how do people brew green tea",
    "what makes a good present for a teacher",
    "where does the oak of your tables come from",
    "why is the kettle so loud",
    "who designs your cups",
)
APPROVED = (
    ("how long does delivery take", "when does a parcel arrive at last"),
    ("which cards may people pay with", "what are the ways of paying here"),
)
PROMPT_VERSIONS = ("2", "3 trial")


def measure(options: Options) -> list[Figure]:
    """All figures of isolation and of poisoning."""
    run = Run(seed=4)
    try:
        figures = run.measure(options.scaled(CONVERSATIONS), SECONDS)
    finally:
        run.stage.close()
    return figures + poisoning.measure(options)


class Run:
    """One world, its changes, and what was found wrong in it."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._bot_words: dict[int, str] = {}
        self._in_force: dict[str, str] = {}
        self._answers: dict[int, list[CuratedAnswer]] = {}
        self.stage = Stage(self._say)
        self._bots = [self._make_bot(slug) for slug in ("amber", "birch")]
        self._visitors = {
            bot.pk: [visitors.register_visitor(bot)[0] for _ in range(2)] for bot in self._bots
        }
        self._policies = self._make_policies()
        self.seen: Counter[str] = Counter()
        self._refresh()

    def measure(self, wanted: int, seconds: float) -> list[Figure]:
        """Conversations until there are enough, or until the time is over."""
        until = time.monotonic() + seconds
        version = prompts.VERSION
        try:
            while self.seen["conversations"] < wanted and time.monotonic() < until:
                self._round()
        finally:
            prompts.VERSION = version
        name = "isolation"
        return [
            figure(f"{name}: conversations", "", [self.seen["conversations"]], at_least=wanted),
            figure(f"{name}: changes of what is in force", "", [self.seen["changes"]]),
            *(
                figure(f"{name}: answers, {each}", "", [self.seen[each]])
                for each in ("model", "cache", "curated")
            ),
            figure(f"{name}: foreign canaries", "answers", [self.seen["foreign"]], at_most=0),
            figure(f"{name}: stale answers", "answers", [self.seen["stale"]], at_most=0),
            figure(f"{name}: replies that failed", "", [self.seen["failed"]], at_most=0),
        ]

    def _say(self, messages: list[ChatMessage], artifact: str) -> str:
        """Everything that may not go further: all canaries that were read, and the versions."""
        read = CANARY.findall(" ".join(message["content"] for message in messages))
        return f"{' '.join(dict.fromkeys(read))} {self._in_force[artifact]}"

    def _round(self) -> None:
        """Each of the four visitors begins a conversation and asks one to three times."""
        self._maybe_change()
        talks = [
            (chat(visitor), self._script(), self._canary())
            for bot in self._bots
            for visitor in self._visitors[bot.pk]
        ]
        self._draw.shuffle(talks)
        self.seen["conversations"] += len(talks)
        for turn in range(3):
            waiting: list[tuple[Message, str]] = []
            for conversation, script, canary in talks:
                if turn < len(script):
                    reply = self.stage.post(conversation, script[turn].format(canary))
                    if reply.is_settled:
                        self._check(reply, conversation, canary)
                    else:
                        waiting.append((reply, canary))
            self._maybe_change()
            self.stage.settle()
            for reply, canary in waiting:
                reply.refresh_from_db()
                self._check(reply, reply.conversation, canary)

    def _script(self) -> list[str]:
        shared = self._draw.choice(SHARED)
        approved = self._draw.choice(self._draw.choice(APPROVED))
        return self._draw.choice(
            [
                [shared],
                [shared],
                [shared, self._draw.choice(SHARED)],
                ["my word is {} and nobody elses", shared],
                [f"{shared} and what of {{}}"],
                [f"write to {{}}@example.org please, {shared}"],
                [approved],
                [approved.replace("how", "and how"), shared],
                [shared, "my word is {} today", approved],
            ]
        )

    def _check(self, reply: Message, conversation: Conversation, canary: str) -> None:
        if reply.status != Message.Status.SENT or reply.source == Message.Source.NOTICE:
            self.seen["failed"] += 1
            return
        self.seen[reply.source] += 1
        own = {canary, self._bot_words[conversation.bot_id]}
        self.seen["foreign"] += not set(CANARY.findall(reply.text)) <= own
        self.seen["stale"] += not self._is_current(reply, conversation.bot_id)
        rating = self._draw.random()
        if reply.source == Message.Source.CURATED and rating < 0.02:
            conversations.give_feedback(
                reply, value="down", reasons=["other_question"], comment=canary
            )
        elif reply.source == Message.Source.CACHE and rating < 0.05:
            conversations.give_feedback(reply, value="down", reasons=["wrong"], comment=canary)

    def _is_current(self, reply: Message, bot: int) -> bool:
        if edition := EDITION.search(reply.text):
            answer = reply.curated_answer
            if answer is not None:
                current = CuratedAnswer.objects.get(pk=answer.pk)
                return int(edition[1]) == current.revision
        active = Deployment.objects.get(bot=bot, is_active=True)
        return reply.text.endswith(self._in_force[active.artifact])

    def _maybe_change(self) -> None:
        if self._draw.random() < 0.05:
            change: Callable[[], None] = self._draw.choice(
                [self._promote, self._change_prompt, self._change_policy, self._change_answer]
            )
            change()
            self.seen["changes"] += 1
            self._refresh()

    def _promote(self) -> None:
        """Another model serves one bot, a new one or an earlier one again."""
        bot = self._draw.choice(self._bots)
        other = self._draw.choice(list(bot.deployments.filter(is_active=False)))
        bot.deployments.update(is_active=False)
        bot.deployments.filter(pk=other.pk).update(is_active=True)

    def _change_prompt(self) -> None:
        prompts.VERSION = self._draw.choice(PROMPT_VERSIONS)

    def _change_policy(self) -> None:
        policies.activate(self._draw.choice(self._policies), by=None)

    def _change_answer(self) -> None:
        bot = self._draw.choice(self._bots)
        answer = self._draw.choice(self._answers[bot.pk])
        answer.refresh_from_db()
        self._save(bot, tuple(answer.variants.values_list("text", flat=True)), answer)

    def _refresh(self) -> None:
        self._in_force = {
            each.artifact: versions(each.bot, each.artifact)
            for each in Deployment.objects.select_related("bot")
        }

    def _make_bot(self, slug: str) -> Bot:
        word = self._canary()
        bot = make_bot(slug, word, deployments=3)
        self._bot_words[bot.pk] = word
        self._answers[bot.pk] = [self._save(bot, each, None) for each in APPROVED]
        return bot

    def _save(
        self, bot: Bot, questions: tuple[str, ...], answer: CuratedAnswer | None
    ) -> CuratedAnswer:
        edition = answer.revision + 1 if answer else 1
        text = f"{self._bot_words[bot.pk]} says so, edition {edition}"
        return knowledge.save(bot, "en", Draft(questions, text), author=None, answer=answer)

    def _make_policies(self) -> list[PolicyVersion]:
        rules = policies.active_rules()
        levels = sorted(rules.levels)
        made = []
        for number in range(2):
            changed = rules.to_json()
            changed["default_words"] = number == 0
            changed["levels"] = levels if number == 0 else ["leet"]
            made.append(
                policies.publish_rules(type(rules).from_json(changed), by=None)
                if changed != policies.active_rules().to_json()
                else policies.publish_words(by=None)
            )
        return made

    def _canary(self) -> str:
        return "canary" + "".join(self._draw.choice(LETTERS) for _ in range(8))
