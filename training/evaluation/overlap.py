"""How much of the standard answers' wording is in the given ones: BLEU-4 and ROUGE-L, 0 to 1.

Both are reported, neither decides: a wrong date costs them next to nothing. Chinese is compared
by characters, which is what its readers count, other languages by words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKENIZE = {"zh-hans": "zh"}
_CHARACTER_OR_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Bleu:
    """Of a whole corpus; ``signature`` says how it was computed, for whoever compares."""

    score: float
    signature: str


def bleu(given: Sequence[str], standard: Sequence[str], locale: str) -> Bleu | None:
    """Corpus BLEU-4 of one language; None of no texts."""
    # Imported here: it brings its data sets' index and is wanted once an evaluation.
    from sacrebleu.metrics.bleu import BLEU

    if not given:
        return None
    metric = BLEU(tokenize=_TOKENIZE.get(locale, "13a"))
    found = metric.corpus_score(list(given), [list(standard)])
    # Rounding in the library may leave a hair above 100.
    return Bleu(min(1.0, found.score / 100), str(metric.get_signature()))


def rouge_l(given: str, standard: str) -> float:
    """F-measure of the longest common subsequence (Lin, 2004), precision and recall equal.

    Own code because the usual package drops every character that is not Latin. Two texts without
    a word are alike.
    """
    said, wanted = _tokens(given), _tokens(standard)
    if not said or not wanted:
        return float(said == wanted)
    row = [0] * (len(wanted) + 1)
    for token in said:
        before = 0
        for place, other in enumerate(wanted, 1):
            above = row[place]
            row[place] = before + 1 if token == other else max(above, row[place - 1])
            before = above
    return 2 * row[-1] / (len(said) + len(wanted))


def _tokens(text: str) -> list[str]:
    return _CHARACTER_OR_WORD.findall(text.casefold())
