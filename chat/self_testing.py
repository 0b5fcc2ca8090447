"""Before a model meets customers it answers once: a folder may be whole and its model mute."""

from chat import answering, choosing, prompts
from chat.answering import AnswerRequest
from chat.deployments import Served
from chat.inference.engine import EngineError, GenerationParams
from chat.inference.opening import FILE_ENGINES
from chat.knowledge.index import Candidate
from chat.prompts import Knowledge, Prompt

QUESTIONS = {
    "en": "Hello, can you help me with my order?",
    "zh-hans": "你好，请问能帮我查一下订单吗？",
}
_KNOWN = (
    Knowledge("Where is my order?", "Please tell me your order number."),
    Knowledge("How can I pay?", "By card."),
)
# Equally near, so that the model has to choose.
_FOUND = [Candidate(at, each.question, 1.0, 1.0, 1) for at, each in enumerate(_KNOWN)]
_TOKENS = 8


def warm_up(served: Served) -> None:
    """Read each of the bot's instructions once, so that the first customer finds them read where
    the engine remembers prompts. Raises :class:`EngineError`."""
    if served.style == "questions":
        # It reads no instructions.
        return
    params = GenerationParams(max_new_tokens=1)
    for instructions in served.deployment.bot.instructions.values():
        prompt = Prompt(instructions, ({"role": "user", "content": "?"},))
        for _ in served.engine.stream(
            f"warm-up-{served.deployment.pk}", prompts.build(prompt), params
        ):
            pass


def self_test(served: Served) -> None:
    """Ask the trial question and give the tokenizer back its own tokens.

    Raises :class:`EngineError` when nothing is said or other words come back.
    """
    _check_tokenizer(served)
    prompt = Prompt(
        served.deployment.bot.text(served.deployment.bot.instructions, "en"),
        ({"role": "user", "content": QUESTIONS["en"]},),
        knowledge=_KNOWN if prompts.names_answers(served.style) else None,
        style=served.style,
    )
    request = AnswerRequest(
        request_id=f"self-test-{served.deployment.pk}",
        prompt=prompt,
        max_new_tokens=_TOKENS,
        choices=choosing.choices(_FOUND, served.style),
    )
    if not "".join(answering.answer(request, served.engine)).strip():
        raise EngineError(
            "The model says nothing to the trial question.", code="self_test", retryable=False
        )


def _check_tokenizer(served: Served) -> None:
    artifact = served.spec.artifact
    if artifact is None or served.engine.name not in FILE_ENGINES:
        return
    from chat.inference.tokenizer import ChatTokenizer

    tokenizer = ChatTokenizer(artifact)
    for text in QUESTIONS.values():
        if tokenizer.decode(tokenizer.answer_ids(text)[:-1]).strip() != text:
            raise EngineError(
                "The tokenizer does not give back what it is given.",
                code="self_test",
                retryable=False,
            )
