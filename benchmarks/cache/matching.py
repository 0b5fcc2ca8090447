"""Which approved answers are found, which are served by meaning, and which wrongly.

Everything at the thresholds that ship with csbot, with e5 as the embedder. *Served*: given to the
customer as it is. *Recall* of a search: share of the questions whose answer is among the first so
many that were found, served or not.
"""

from pathlib import Path

from benchmarks.cache.library import Library, Remembering, rows, singles
from benchmarks.machine import Figure, figure
from benchmarks.place import Options
from chat import demo
from chat.knowledge.index import Variant
from tests.services import ROOT

LOCALES = ("en", "zh-hans")
FOLDS = 4
PAIRS = ROOT / "tests" / "chat" / "knowledge"
PAIR_SETS = (
    ("zh-hans", "pairs_zh/pawsx_zh", 1.0),
    ("zh-hans", "pairs_zh/afqmc", 1.0),
    ("zh-hans", "pairs_zh/lcqmc", None),
    ("en", "pairs_en/banking77", None),
    ("en", "pairs_en/qqp", None),
)
"""Language, file, and the most false hits allowed, in percent of the pairs that differ."""


def measure(options: Options) -> list[Figure]:
    """All figures of matching; those on other people's texts only with data."""
    embedder = Remembering()
    figures: list[Figure] = []
    for locale in LOCALES:
        figures += _demo(locale, embedder) + _look_alikes(locale, embedder)
    if options.data is not None:
        figures += _support(options.data, embedder)
        for locale, name, most in PAIR_SETS:
            figures += _pairs(options.data / f"{name}.jsonl", locale, embedder, most)
    return figures


def demo_library(
    locale: str, embedder: Remembering, *, without: int | None = None
) -> tuple[Library, list[Variant]]:
    """The demo shop's knowledge, and the wordings left out: every fourth, those of fold
    ``without``, as calibration leaves them out."""
    drafts = demo.knowledge(locale)
    kept: list[Variant] = []
    left_out: list[Variant] = []
    for answer, draft in enumerate(drafts):
        for position, question in enumerate(draft.questions):
            to = left_out if position % FOLDS == without else kept
            to.append(Variant(answer, question))
    answers = {answer: draft.text for answer, draft in enumerate(drafts)}
    names = demo.PRODUCT_NAMES
    return Library(kept, answers, embedder, locale=locale, names=names), left_out


def _demo(locale: str, embedder: Remembering) -> list[Figure]:
    asked = first = third = served = right = 0
    for fold in range(FOLDS):
        library, left_out = demo_library(locale, embedder, without=fold)
        for variant in left_out:
            found = [each.answer for each in library.nearest(variant.question)]
            match = library.ask(variant.question)
            asked += 1
            first += variant.answer in found[:1]
            third += variant.answer in found[:3]
            served += match.answer is not None
            right += match.answer == variant.answer
    library, _ = demo_library(locale, embedder)
    unanswered = demo.unanswered(locale)
    wrong = library.served(unanswered)
    name = f"demo {locale}"
    return [
        figure(f"{name}: wordings asked, each held out once", "texts", [asked]),
        figure(f"{name}: recall of the first", "", [first / asked], at_least=0.98),
        figure(f"{name}: recall of the first three", "", [third / asked], at_least=0.995),
        figure(f"{name}: served by meaning", "%", [100 * served / asked]),
        figure(f"{name}: right of those served", "%", [100 * right / max(1, served)], at_least=99),
        figure(f"{name}: served wrongly", "%", [100 * (served - right) / asked], at_most=1),
        figure(
            f"{name}: {len(unanswered)} questions without an answer, served",
            "%",
            [100 * len(wrong) / len(unanswered)],
            at_most=1,
        ),
    ]


def _look_alikes(locale: str, embedder: Remembering) -> list[Figure]:
    """Pairs of our own: those that differ in one word that counts, and those that mean the same.

    All first questions are in one library, and the second ones are asked.
    """
    figures = []
    for name, what, most in (
        ("pairs", "look-alikes", 0),
        ("same", "paraphrases", None),
    ):
        pairs = rows(PAIRS / f"{name}.{locale}.jsonl")
        library = singles([pair["a"] for pair in pairs], embedder, locale=locale)
        served = library.served([pair["b"] for pair in pairs])
        title = f"{what} {locale}: {len(pairs)} pairs, served"
        figures.append(figure(title, "", [len(served)], at_most=most))
    return figures


def _support(data: Path, embedder: Remembering) -> list[Figure]:
    """Bitext's customer support: 23 answers with all their training questions, asked the questions
    kept for development. Off-topic questions of CLINC150, asked of that and of the demo."""
    questions = rows(data / "en_bitext_support" / "qa.jsonl")
    texts = rows(data / "en_bitext_support" / "canonical_answers.jsonl")
    numbers = {row["group"]: number for number, row in enumerate(texts)}
    library = Library(
        [Variant(numbers[r["group"]], r["question"]) for r in questions if r["split"] == "train"],
        {number: row["answer"] for number, row in enumerate(texts)},
        embedder,
        locale="en",
    )
    asked = [r for r in questions if r["split"] == "dev"]
    places = []
    served = right = 0
    for row in asked:
        found = [each.answer for each in library.nearest(row["question"])]
        wanted = numbers[row["group"]]
        places.append(found.index(wanted) if wanted in found else len(found))
        answer = library.ask(row["question"]).answer
        served += answer is not None
        right += answer == wanted
    figures = [
        figure("bitext: questions of train in the library", "texts", [len(library.index)]),
        figure("bitext: questions of dev asked", "texts", [len(asked)]),
        figure("bitext: recall of the first", "", [_share(places, 1)], at_least=0.98),
        figure("bitext: recall of the first three", "", [_share(places, 3)], at_least=0.995),
        figure("bitext: served by meaning", "%", [100 * served / len(asked)]),
        figure("bitext: right of those served", "%", [100 * right / max(1, served)]),
    ]
    intents = rows(data / "en_intents" / "clinc150_oos.jsonl")
    strange = [row["text"] for row in intents if row["intent"] == "oos"]
    for name, known in (("demo", demo_library("en", embedder)[0]), ("bitext", library)):
        share = 100 * len(known.served(strange)) / len(strange)
        title = f"clinc150: {len(strange)} off-topic questions, served from {name}"
        figures.append(figure(title, "%", [share], at_most=1))
    return figures


def _share(places: list[int], most: int) -> float:
    return sum(place < most for place in places) / len(places)


def _pairs(path: Path, locale: str, embedder: Remembering, most: float | None) -> list[Figure]:
    """Each pair by itself: the first question is all that a library knows, the second is asked."""
    hits = {True: 0, False: 0}
    counts = {True: 0, False: 0}
    embedder.embed([text for pair in rows(path) for text in (pair["a"], pair["b"])])
    for pair in rows(path):
        is_same = pair["label"] == 1
        library = singles([pair["a"]], embedder, locale=locale)
        counts[is_same] += 1
        hits[is_same] += library.ask(pair["b"]).answer is not None
    name = f"{path.stem} ({sum(counts.values())} pairs)"
    false_hits = 100 * hits[False] / counts[False]
    return [
        figure(f"{name}: false hits", "% of the different", [false_hits], at_most=most),
        figure(f"{name}: recall", "% of the same", [100 * hits[True] / counts[True]]),
    ]
