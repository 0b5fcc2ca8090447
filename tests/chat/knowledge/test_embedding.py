"""Every embedder: one vector a question, length 1, the same again; and it knows its name."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from chat.knowledge.embedding import Embedder, EmbedderSpec, EmbeddingError, open_embedder


class _Server(BaseHTTPRequestHandler):
    """Speaks just enough of /v1/embeddings: the letters of a text, counted."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rows = [
            {
                "index": i,
                "embedding": [float(text.lower().count(chr(97 + n))) + 1 for n in range(26)],
            }
            for i, text in enumerate(body["input"])
        ]
        if body["model"] == "broken":
            rows = rows[:-1]
        answer = json.dumps({"data": rows[::-1]}).encode()
        self.send_response(500 if body["model"] == "down" else 200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1"
        http.shutdown()
        thread.join()


@pytest.fixture(params=["e5", "ngrams", "openai"])
def embedder(request: pytest.FixtureRequest, server: str) -> Embedder:
    return open_embedder(EmbedderSpec(request.param, url=server, model="letters"))


QUESTIONS = ["Where is my parcel?", "我的包裹在哪里？", "", "a\x00b \ud800", "x" * 5000]


def test_one_vector_of_length_one_for_each_question(embedder: Embedder) -> None:
    vectors = embedder.embed(QUESTIONS[:2])
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == 2
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_the_same_question_has_the_same_vector_alone_and_among_others(embedder: Embedder) -> None:
    alone = embedder.embed(QUESTIONS[:1])[0]
    np.testing.assert_allclose(embedder.embed(QUESTIONS[:2])[0], alone, atol=1e-5)


def test_no_questions_no_vectors(embedder: Embedder) -> None:
    assert len(embedder.embed([])) == 0


@pytest.mark.parametrize("kind", ["e5", "ngrams"])
def test_strange_texts_are_embedded_like_all_others(kind: str) -> None:
    assert np.isfinite(open_embedder(EmbedderSpec(kind)).embed(QUESTIONS)).all()


def test_meaning_is_nearer_than_spelling_with_e5() -> None:
    asked, same, other = open_embedder(EmbedderSpec("e5")).embed(
        ["Where is my parcel?", "My package has not been delivered", "Where is my father?"]
    )
    assert asked @ same > asked @ other


def test_embedders_have_different_names(server: str) -> None:
    kinds = ["e5", "ngrams", "openai"]
    names = {open_embedder(EmbedderSpec(kind, url=server, model="m")).name for kind in kinds}
    assert len(names) == 3


@pytest.mark.parametrize("model", ["broken", "down"])
def test_a_server_that_answers_nonsense_is_an_error(server: str, model: str) -> None:
    embedder = open_embedder(EmbedderSpec("openai", url=server, model=model))
    with pytest.raises(EmbeddingError):
        embedder.embed(["a", "b"])


def test_a_server_that_is_not_there_is_an_error() -> None:
    embedder = open_embedder(EmbedderSpec("openai", url="http://127.0.0.1:9/v1", model="m"))
    with pytest.raises(EmbeddingError):
        embedder.embed(["a"])


@pytest.mark.parametrize("spec", [EmbedderSpec("magic"), EmbedderSpec("openai")])
def test_a_wrong_setting_is_told(spec: EmbedderSpec) -> None:
    with pytest.raises(EmbeddingError):
        open_embedder(spec)
