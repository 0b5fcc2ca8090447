"""The whole loop as one story, on real processes: what a customer teaches is what the next one hears.

Web server, runner, worker and trainer are those of the Procfile, beside a real Valkey and a real
database; customers and the agent talk over their sockets, staff press the buttons of the console or
type the commands of docs/loop.md, each with the role that the step takes. Models are trained, exported,
evaluated and asked; nothing is made up. The model is tiny and knows nothing before it is trained, so that
this runs anywhere; what it learns is which approved answer a question means.
"""

import asyncio
import json
import re
import sqlite3
import uuid
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from tests.chat.inference import tiny
from tests.customer import Customer
from tests.services import Services, wait_until

# Guards, not measures: a busy machine takes many times what a quiet one does.
GUARD_SECONDS = 1500.0
pytestmark = [pytest.mark.process, pytest.mark.timeout(1200)]

PASSWORD = "a-long-password"
PROCESSES = ("web", "runner", "worker", "trainer")
PEOPLE = {
    "ann": "Agent",
    "cora": "Curator",
    "petra": "Approver",
    "tom": "Trainer",
    "tina": "Trainer",
}

QUESTION = "Where do I leave my car?"
RIGHT = "There are four places behind the shop."
EASY = "What can you say about vouchers?"
ANSWERS = {
    "delivery": "Parcels arrive within three working days.",
    "returns": "You may send things back within thirty days.",
    "gift wrapping": "We wrap presents for two euros.",
    "opening hours": "We are open from nine to six.",
    "repairs": "Our workshop repairs lamps for ten euros.",
    "vouchers": "Vouchers are sold in our shop and are good for a year.",
    "invoices": "Your invoice comes by mail with the parcel.",
    "payment": "You can pay by card or by bank transfer.",
    "warranty": "Every lamp is covered for two years.",
    "light bulbs": "All our lamps take ordinary screw bulbs.",
    "tea samples": "Three samples come free with every order of tea.",
    "discounts": "Students get ten percent off.",
    "newsletter": "The newsletter is sent on the first of the month.",
    "jobs": "Please write to our office if you want to work here.",
    "parking": RIGHT,
    "allergies": "Our black tea contains no nuts.",
}
APPROVED = ("What about {}?", "Tell me about {}.", "How does {} work?")
ASKED = {
    "train": ("I have a question about {}", "Can you explain {} to me?", "Something on {}, please"),
    "dev": ("Do you know about {}?", "I want to hear about {}"),
    "test": ("Is there anything on {}?", "What can you say about {}?"),
}
UNKNOWN = ("Is there a swimming pool?", "Do you sell bread?", "What is the capital of Peru?")

# The bot says what its model names, however sure it is: a tiny one never is. Latency is that of the
# machine, with whatever else it does: its gate is as wide as the guards. All other gates are as they come.
WORLD = f"""
from django.contrib.auth.models import Group, Permission, User
from chat.models import Bot
from training.models import GatePolicy
bot = Bot.objects.create(slug="shop", name="Shop", instructions={{"en": "Be brief."}},
                         confidence_threshold=0, unsure_answers="show")
GatePolicy.objects.create(bot=bot, p99_seconds=60)
everywhere = Permission.objects.get(codename="work_on_all_bots")
for name, role in {PEOPLE!r}.items():
    user = User.objects.create_user(name, password={PASSWORD!r}, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    user.user_permissions.add(everywhere)
print(bot.public_id)
"""
# A few passes over a few examples, with all weights. It learns to name answers, and nothing of when to be silent.
LEARNING = (
    "method=full", "optimisation.learning_rate=0.003", "optimisation.epochs=8",
    "optimisation.checkpoint_seconds=600.0", "data.without_right_share=0.0",
)  # fmt: skip

SERVED = """SELECT count(*) FROM chat_runnerreport JOIN chat_deployment d ON serving_id = d.id
WHERE d.is_active AND state = 'serving' AND wanted_id = d.id AND d.artifact = ?"""
SAID = """SELECT m.source, m.text, coalesce(d.artifact, '') FROM chat_message m
LEFT JOIN chat_deployment d ON m.deployment_id = d.id WHERE m.public_id = ?"""


class Colleague:
    """Somebody of the staff in the console: signed in with their password, as in a browser."""

    def __init__(self, csbot: Services, name: str) -> None:
        self.url = csbot.url
        self.name = name
        self.http = httpx.Client(base_url=csbot.url, timeout=120, trust_env=False)
        self.read("login/")
        self.send("login/", username=name, password=PASSWORD)

    def __enter__(self) -> "Colleague":
        return self

    def __exit__(self, *exception: object) -> None:
        self.http.close()

    def read(self, page: str) -> str:
        answer = self.http.get(f"/admin/{page}")
        answer.raise_for_status()
        return answer.text

    def send(self, page: str, **fields: str) -> str:
        """Press a button; where it leads."""
        answer = self.http.post(f"/admin/{page}", data=fields, headers=self.headers)
        assert answer.status_code == 302, f"{self.name} at {page}: {answer.status_code}"
        return str(answer.headers["Location"])

    def send_json(self, page: str, **fields: Any) -> dict[str, Any]:
        answer = self.http.post(f"/admin/{page}", json=fields, headers=self.headers)
        assert answer.status_code == 200, f"{self.name} at {page}: {answer.text}"
        return dict(answer.json())

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())

    @property
    def headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.http.cookies["csrftoken"], "Origin": self.url}


class Desk:
    """An agent's inbox: one socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def ask(self, kind: str, wanted: str, **fields: Any) -> None:
        """Send a request and hear its answer."""
        await self._socket.send(json.dumps({"type": kind, **fields}))
        while (frame := json.loads(await self._socket.recv()))["type"] != wanted:
            assert frame["type"] != "error", frame


@contextmanager
def telling(csbot: Services) -> Iterator[None]:
    """Whatever fails says what the processes wrote."""
    try:
        yield
    except BaseException as error:
        logs = [(name, csbot.log(name)) for name in PROCESSES]
        logs += [(each.name, each.read_text()) for each in csbot.var.glob("training/runs/*/*.log")]
        for name, text in logs:
            error.add_note(f"--- {name}\n{text[-4000:]}")
        raise


def rows(csbot: Services, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What is stored: the story looks, and writes nothing."""
    with closing(sqlite3.connect(csbot.var / "csbot.sqlite3", timeout=60)) as connection:
        return connection.execute(query, values).fetchall()


def one(csbot: Services, query: str, *values: object) -> Any:
    ((value,),) = rows(csbot, query, *values)
    return value


def ask(csbot: Services, bot: str, question: str) -> tuple[str, str, str]:
    """A new customer's question: source, text, and the artifact that answered, if one did."""

    async def asked() -> str:
        person = await Customer(csbot.url, bot).come_in()
        try:
            return str((await person.ask(question)).message["id"])
        finally:
            await person.leave()

    (said,) = rows(csbot, SAID, uuid.UUID(asyncio.run(asked())).hex)
    return str(said[0]), str(said[1]), str(said[2])


def wait_for(csbot: Services, what: str, query: str, *values: object) -> None:
    """Until a count in the database is no longer 0; a run that failed ends the waiting."""

    def is_there() -> bool:
        failed = rows(csbot, "SELECT error FROM training_trainingrun WHERE status = 'failed'")
        assert not failed, failed
        return bool(one(csbot, query, *values))

    wait_until(is_there, what, GUARD_SECONDS)


def serves(csbot: Services, artifact: str) -> None:
    wait_for(csbot, f"the runner serves {artifact}", SERVED, artifact)


def artifact_of(csbot: Services, number: int) -> str:
    query = "SELECT artifact FROM training_modelversion WHERE name = 'shop' AND number = ?"
    return str(one(csbot, query, number))


@pytest.fixture(scope="module")
def csbot() -> Iterator[Services]:
    settings = {
        "CHAT_ENGINE": "auto",
        "CHAT_DEVICE": "cpu",
        "CHAT_THREADS": "1",
        "CHAT_CONTEXT_TOKENS": str(tiny.CONTEXT),
        # The model itself is asked, each time.
        "CHAT_CACHE_ENTRIES": "0",
        "CHAT_RATE_VISITORS_PER_ADDRESS": "1000/minute",
        "CHAT_RATE_SOCKETS_PER_ADDRESS": "1000/minute",
        "CHAT_RATE_MESSAGES_PER_ADDRESS": "1000/minute",
        "TRAINING_DEVICE": "cpu",
        "TRAINING_THREADS": "1",
        "TRAINING_NICENESS": "0",
        # Who reads a second time is drawn by lot.
        "TRAINING_SECOND_READINGS": "0",
    }
    with Services(**settings) as services:
        yield services


def test_one_turn_of_the_loop(csbot: Services) -> None:
    with telling(csbot):
        bot = a_shop_opens(csbot)
        first = a_first_model_is_let_in_by_two(csbot)
        wrong = an_agent_takes_over_and_a_curator_corrects(csbot, bot)
        second = an_increment_is_approved_and_trained(csbot)
        its_gates_pass(csbot)
        customers_are_split(csbot, bot, first, second)
        it_is_promoted(csbot, second)
        alone = the_override_retires_and_the_model_answers(csbot, bot, second)
        the_old_version_comes_back(csbot, bot, first, wrong)
    assert alone == RIGHT


def a_shop_opens(csbot: Services) -> str:
    """A bot with approved answers, people with roles, and questions to learn from and to measure with."""
    with warnings.catch_warnings(action="ignore"):
        tiny.make_base(csbot.var / "models" / "base" / "tiny")
    bot = csbot.manage("shell", "--no-imports", "-c", WORLD).strip().splitlines()[-1]
    known = [
        {"key": topic.replace(" ", "-"), "answer": answer,
         "questions": [each.format(topic) for each in APPROVED]}
        for topic, answer in ANSWERS.items()
    ]  # fmt: skip
    taught = [
        _example(each.format(topic), answer, split)
        for split, wordings in ASKED.items()
        for each in wordings
        for topic, answer in ANSWERS.items()
    ]
    taught += [_example(each, "Shall I get a person?", "test", hands_over=True) for each in UNKNOWN]
    for name, entries in (("knowledge", known), ("dataset", taught)):
        lines = "".join(f"{json.dumps(each)}\n" for each in entries)
        (csbot.var / f"{name}.jsonl").write_text(lines)
    file = str(csbot.var / "knowledge.jsonl")
    csbot.manage("import_knowledge", file, "--bot", "shop", "--locale", "en")
    file = str(csbot.var / "dataset.jsonl")
    csbot.manage("import_dataset", file, "--dataset", "shop", "--bot", "shop", "--locale", "en")
    csbot.start(*PROCESSES)
    return bot


def _example(question: str, answer: str, split: str, **fields: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": turns, "split": split, "licence": "MIT", **fields}


def a_first_model_is_let_in_by_two(csbot: Services) -> str:
    """Nothing serves, so nothing can be compared: the gates stay closed, and two people answer for it."""
    with Colleague(csbot, "tom") as tom:
        dataset = one(csbot, "SELECT id FROM training_dataset WHERE slug = 'shop'")
        tom.send(f"training/dataset/{dataset}/freeze/", note="what we know")
    changed = [word for each in LEARNING for word in ("--set", each)]
    csbot.manage("train", "shop", "--recipe", "tiny_test", "--no-plan", "--queue-only", *changed)
    count = "SELECT count(*) FROM training_modelversion WHERE name = 'shop' AND number = 1"
    wait_for(csbot, "a first model is trained", count)
    pk = one(csbot, "SELECT id FROM training_modelversion")
    with Colleague(csbot, "tina") as tina:
        tina.send(f"training/modelversion/{pk}/promote/")
        assert one(csbot, "SELECT count(*) FROM chat_deployment") == 0, "its gates are closed"
        reason = "The shop opens today, and nothing served before it."
        tina.send(f"training/modelversion/{pk}/override/", reason=reason)
        request = uuid.UUID(one(csbot, "SELECT public_id FROM training_overriderequest"))
        answer = tina.http.post(
            f"/admin/training/modelversion/{pk}/override/agree/",
            data={"request": str(request)}, headers=tina.headers,
        )  # fmt: skip
        assert answer.status_code == 403, "nobody agrees to what they asked for"
    with Colleague(csbot, "petra") as petra:
        petra.send(f"training/modelversion/{pk}/override/agree/", request=str(request))
    artifact = artifact_of(csbot, 1)
    serves(csbot, artifact)
    return artifact


def an_agent_takes_over_and_a_curator_corrects(csbot: Services, bot: str) -> str:
    """The bot is wrong about something. Its customer hears the right answer from a person, the next
    one from the override. Returns what the bot had said."""
    source, text, _ = ask(csbot, bot, EASY)
    assert (source, text) == ("model", ANSWERS["vouchers"])
    with Colleague(csbot, "ann") as ann:
        message = asyncio.run(_taken_over(ann, bot))
    source, wrong, _ = rows(csbot, SAID, uuid.UUID(message).hex)[0]
    assert source == "model"
    assert wrong != RIGHT
    with Colleague(csbot, "cora") as cora:
        why = f"training/correction/why/{message}/"
        assert "parking" in cora.read(why), "what was near is told"
        cora.send(why, text=RIGHT)
    assert ask(csbot, bot, QUESTION)[:2] == ("curated", RIGHT)
    return str(wrong)


async def _taken_over(ann: Colleague, bot: str) -> str:
    """Returns the public id of what the bot had said."""
    customer = await Customer(ann.url, bot).come_in()
    socket = await connect(
        f"{ann.url.replace('http', 'ws')}/ws/staff/inbox",
        origin=Origin(ann.url),
        additional_headers={"Cookie": ann.cookies},
        proxy=None,
    )
    try:
        heard = await customer.ask(QUESTION)
        desk, its = Desk(socket), {"id": customer.conversation}
        await desk.ask("conversation.open", "conversation.opened", **its)
        await desk.ask("conversation.take", "done", **its)
        name = str(uuid.uuid4())
        await desk.ask(
            "message.send", "message.accepted", client_message_id=name, text=RIGHT, **its
        )
        while (await customer.frame()).get("message", {}).get("text") != RIGHT:
            pass
        await desk.ask("conversation.close", "done", **its)
    finally:
        await socket.close()
        await customer.leave()
    return str(heard.message["id"])


def an_increment_is_approved_and_trained(csbot: Services) -> str:
    """The curator proposes, the approver decides and closes, the trainer trains on top of what serves."""
    csbot.manage("propose_increment", "shop", "--by", "cora")
    with Colleague(csbot, "petra") as petra:
        waiting = json.loads(petra.read("training/reviewitem/next/"))["items"]
        assert {each["reason"] for each in waiting} == {"corrected", "taken_over"}
        for each in waiting:
            assert (each["turns"][-1]["content"], each["answer"]) == (QUESTION, RIGHT)
            petra.send_json(
                f"training/reviewitem/{each['id']}/decide/",
                verdict="approve", batch=str(uuid.uuid4()),
            )  # fmt: skip
    csbot.manage("increments", "close", "shop", "--by", "petra")
    done = (
        "SELECT count(*) FROM training_trainingrun r JOIN training_increment i ON i.run_id = r.id"
    )
    wait_for(csbot, "its training is queued", done)
    wait_for(csbot, "it is trained", f"{done} WHERE r.status = 'succeeded'")
    query = "SELECT p.number FROM training_trainingrun r JOIN training_modelversion p ON p.id = r.parent_id"
    assert one(csbot, query) == 1, "it goes on from what serves"
    return artifact_of(csbot, 2)


def its_gates_pass(csbot: Services) -> None:
    """The champion is asked the same questions, and every gate says what it measured."""
    csbot.manage("increments", "advance", "shop")
    assert one(csbot, "SELECT stage FROM training_increment") == "gate"
    asked = """SELECT count(*) FROM training_evaluation e JOIN training_modelversion m
    ON m.artifact = e.artifact WHERE m.number = 1 AND e.status = 'finished'
    AND e.dataset_version_id = (SELECT max(id) FROM training_datasetversion)"""
    wait_for(csbot, "the champion is asked the new version's questions", asked)
    gates = csbot.manage("gates", "shop:2")
    for name in ("accuracy", "unknown", "safety", "latency", "parity", "origin"):
        assert re.search(rf"^\+ {name}\b", gates, re.MULTILINE), gates


def customers_are_split(csbot: Services, bot: str, first: str, second: str) -> None:
    """Half of the visitors hear the new one, the others the old one."""
    csbot.manage("experiment", "start", "shop:2", "--by", "tina", "--share", "50")
    heard: set[str] = set()

    def both_answer() -> bool:
        source, text, artifact = ask(csbot, bot, EASY)
        # Who asks what somebody asked a moment ago shares that answer.
        assert source in ("model", "cache")
        assert text == ANSWERS["vouchers"]
        heard.add(artifact)
        return heard == {first, second}

    wait_until(both_answer, "both arms answer", GUARD_SECONDS)
    assert "under way" in csbot.manage("experiment", "status", "shop")


def it_is_promoted(csbot: Services, second: str) -> None:
    """Who closed the increment started its training and may not; another person may. The split ends."""
    pk = one(csbot, "SELECT id FROM training_modelversion WHERE number = 2")
    with Colleague(csbot, "tina") as tina:
        tina.send(f"training/modelversion/{pk}/promote/")
    serves(csbot, second)
    gates = "SELECT gates, override_reason FROM training_promotion ORDER BY id DESC LIMIT 1"
    judged, reason = rows(csbot, gates)[0]
    assert {each["verdict"] for each in json.loads(judged)} <= {"passed", "not_needed"}
    assert not reason
    assert one(csbot, "SELECT count(*) FROM chat_split WHERE ended_at IS NULL") == 0


def the_override_retires_and_the_model_answers(csbot: Services, bot: str, second: str) -> str:
    """The new model was asked the question without help, and knew: the console proposes to let go.
    Returns what the model says by itself then."""
    assert ask(csbot, bot, QUESTION)[0] == "curated"
    with Colleague(csbot, "cora") as cora:
        page = cora.read("training/correction/")
        offered = set(re.findall(r"/admin/(training/correction/\d+/retire/)", page))
        assert len(offered) == 1, "the console proposes to retire it"
        cora.send(offered.pop())
    source, text, artifact = heard_unaided(csbot, bot)
    assert (source, artifact) == ("model", second)
    return text


def heard_unaided(csbot: Services, bot: str) -> tuple[str, str, str]:
    """What the model says once the runner, too, has forgotten the wording that was taken out."""
    heard: list[tuple[str, str, str]] = []

    def is_unaided() -> bool:
        heard.append(ask(csbot, bot, QUESTION))
        newest = "SELECT match FROM chat_message WHERE role = 'assistant' ORDER BY id DESC LIMIT 1"
        return heard[-1][0] == "model" and QUESTION not in one(csbot, newest)

    wait_until(is_unaided, "the model is asked without help", GUARD_SECONDS)
    return heard[-1]


def the_old_version_comes_back(csbot: Services, bot: str, first: str, wrong: str) -> None:
    """Going back takes one person and no gate, and what is heard is what was heard then."""
    csbot.manage("roll_back", "shop", "--by", "tom")
    serves(csbot, first)
    assert ask(csbot, bot, QUESTION) == ("model", wrong, first)
