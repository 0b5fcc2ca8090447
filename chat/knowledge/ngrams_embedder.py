"""Character n-grams, hashed: no model at all. For machines that the e5 package has no build for.

Knows spelling, not meaning: 'cheap' and 'inexpensive' are strangers to it.
"""

import zlib
from collections.abc import Sequence

import numpy as np

from chat.knowledge.embedding import Vectors, unit
from chat.knowledge.questions import normalized

DIMENSIONS = 1024
_LENGTHS = (1, 2, 3)


class NgramsEmbedder:
    name = f"character-ngrams-{DIMENSIONS}"

    def embed(self, questions: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(questions), DIMENSIONS), np.float32)
        for row, question in zip(vectors, questions, strict=True):
            text = f" {normalized(question)} "
            for length in _LENGTHS:
                for start in range(len(text) - length + 1):
                    place = zlib.crc32(text[start : start + length].encode("utf-8", "replace"))
                    row[place % DIMENSIONS] += length
        return unit(np.sqrt(vectors))
