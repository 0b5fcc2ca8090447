"""Questions as the ids that the encoder reads, cut exactly as the embedder cuts them."""

import re
from collections.abc import Sequence

from tokenizers import Tokenizer, models

from training.encoder.packed import Pieces

PREFIX = "query: "
"""What the model card asks for in front of questions that are compared with questions."""
LONGEST = 128
"""Tokens that are learned from: longer questions only repeat themselves."""
_SPACE = "\u2581"


class QuestionTokenizer:
    """Unigram pieces, as in SentencePiece; Kudo, arXiv 1804.10959."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        vocabulary = list(zip(pieces.texts, pieces.scores, strict=True))
        self._tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=pieces.unknown))

    def encode(self, questions: Sequence[str]) -> list[list[int]]:
        """The ids of each question, with those that begin and end a text."""
        prepared = [self._prepared(each) for each in questions]
        found = self._tokenizer.encode_batch(prepared, add_special_tokens=False)
        begin, end = self._pieces.begin, self._pieces.end
        return [[begin, *each.ids[: LONGEST - 2], end] for each in found]

    def _prepared(self, question: str) -> str:
        text = f"{PREFIX}{question}".translate(self._pieces.replaced)
        return f" {re.sub('  +', ' ', text)}".replace(" ", _SPACE)
