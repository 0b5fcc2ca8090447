"""Any server that speaks OpenAI's ``/v1/embeddings``."""

from collections.abc import Sequence

import httpx
import numpy as np

from chat.knowledge.embedding import EmbeddingError, Vectors, unit

TIMEOUT_SECONDS = 5.0
BATCH = 64


class OpenAIEmbedder:
    def __init__(self, url: str, model: str, api_key: str = "") -> None:
        if not url or not model:
            raise EmbeddingError("The openai embedder needs an address and the name of a model.")
        self.name = f"openai/{model}"
        self._model = model
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/", headers=headers, timeout=TIMEOUT_SECONDS
        )

    def embed(self, questions: Sequence[str]) -> Vectors:
        rows: list[list[float]] = []
        for start in range(0, len(questions), BATCH):
            rows += self._ask(list(questions[start : start + BATCH]))
        if not rows:
            return np.empty((0, 0), np.float32)
        return unit(np.array(rows, dtype=np.float64))

    def _ask(self, texts: list[str]) -> list[list[float]]:
        try:
            answer = self._client.post("embeddings", json={"model": self._model, "input": texts})
            answer.raise_for_status()
            data = sorted(answer.json()["data"], key=lambda each: each["index"])
            rows = [[float(value) for value in each["embedding"]] for each in data]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EmbeddingError(f"no embeddings came ({type(error).__name__})") from error
        if len(rows) != len(texts) or len({len(row) for row in rows}) != 1:
            raise EmbeddingError("the server sent another number of embeddings than was asked for")
        return rows
