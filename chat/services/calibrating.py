"""Thresholds and weights from a bot's own knowledge, kept with what they bring and cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from django.db import transaction
from django.db.models import F

from chat.knowledge import calibration
from chat.knowledge.calibration import Point, Sample
from chat.knowledge.confidence import Evidence, confidence, constant, fit
from chat.knowledge.embedding import Embedder, Vectors, has_learned
from chat.knowledge.guards import disagreement
from chat.knowledge.index import Candidate, Index, Variant
from chat.knowledge.matching import Thresholds, margin
from chat.libraries import embedded, thresholds_for
from chat.models import Bot, Calibration, CuratedAnswer, Deployment, QuestionVariant
from chat.services import publishing
from moderation.services import audit

FOLDS = 4
FEWEST_ANSWERS = 10
BINS = 10
_CANDIDATES = 2


class NotEnough(Exception):
    """There is too little to measure with that is new to what is measured; the text says what is
    missing."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A wording, asked as if nobody had written it down: what was found, and what should be."""

    question: str
    answer: int | None
    candidates: tuple[Candidate, ...]


def calibrate_matching(
    bot: Bot, locale: str, embedder: Embedder, *, unanswered: Sequence[str], false_hits: float
) -> Calibration:
    """Choose rank and margin on wordings held out in turn, and on questions of ``unanswered``
    that no approved answer fits. Raises :class:`NotEnough`."""
    refuse_learned(embedder)
    found = held_out(bot, locale, embedder, unanswered)
    names = tuple(bot.product_names)
    samples = [_sample(each, names) for each in found]
    chosen = calibration.choose(samples, false_hits=false_hits)
    before = thresholds_for(bot, locale, embedder.name)
    if chosen is None:
        chosen = Point(calibration.NEVER, 0.0, precision=1.0, recall=0.0, false_hits=0.0)
    thresholds = Thresholds(before.direct, chosen.rank, chosen.margin, _near(found))
    return _keep(
        bot,
        locale,
        embedder,
        purpose=Calibration.Purpose.MATCH,
        values=asdict(thresholds),
        precision=chosen.precision,
        recall=chosen.recall,
        target=false_hits,
        curve=[asdict(each) for each in calibration.curve(samples, margin=chosen.margin)],
        samples=len(samples),
    )


def calibrate_confidence(
    deployment: Deployment,
    locale: str,
    embedder: Embedder,
    *,
    evidence: Sequence[Evidence],
    is_right: Sequence[bool],
) -> Calibration:
    """Fit the weights of confidence on judged answers of the deployed model.

    Raises :class:`NotEnough`.
    """
    refuse_learned(embedder)
    if not evidence:
        raise NotEnough("Confidence needs judged answers to learn from.")
    weights = fit(evidence, is_right)
    sure = [confidence(each, weights) for each in evidence]
    return _keep(
        deployment.bot,
        locale,
        embedder,
        deployment=deployment,
        purpose=Calibration.Purpose.CONFIDENCE,
        values={"intercept": weights.intercept, "weights": list(weights.weights)},
        precision=None,
        recall=None,
        target=None,
        curve=reliability(sure, is_right),
        samples=len(sure),
    )


def refuse_learned(embedder: Embedder) -> None:
    """Raises :class:`NotEnough` for an embedder that was tuned."""
    if has_learned(embedder.name):
        raise NotEnough(
            "The embedder has learned the approved wordings: that it finds them says nothing about "
            "new ones. Confidence is learned from held-out questions when a model is trained."
        )


def keep_share_of_right(
    deployment: Deployment, locale: str, *, right: int, judged: int
) -> Calibration:
    """The same confidence for every answer of a model: the share of right ones among ``judged``."""
    is_right = [number < right for number in range(judged)]
    weights = constant(is_right)
    sure = confidence(Evidence(0.0, 0.0, 0.0), weights)
    return Calibration.objects.create(
        bot=deployment.bot,
        deployment=deployment,
        locale=locale,
        embedder="",
        purpose=Calibration.Purpose.CONFIDENCE,
        values={"intercept": weights.intercept, "weights": list(weights.weights)},
        curve=reliability([sure] * judged, is_right),
        samples=judged,
    )


def reliability(sure: Sequence[float], is_right: Sequence[bool]) -> list[dict[str, float]]:
    """How often answers were right, by how sure csbot was of them: ten bins."""
    bins: list[dict[str, float]] = []
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        inside = [
            right
            for value, right in zip(sure, is_right, strict=True)
            if low <= value < high or (number == BINS - 1 and value == 1.0)
        ]
        share = sum(inside) / len(inside) if inside else 0.0
        bins.append({"confidence": (low + high) / 2, "right": share, "count": len(inside)})
    return bins


def held_out(bot: Bot, locale: str, embedder: Embedder, unanswered: Sequence[str]) -> list[HeldOut]:
    """Every wording asked of an index without a quarter of the wordings, its own among them.

    Raises :class:`NotEnough`.
    """
    texts = dict(
        CuratedAnswer.objects.filter(bot=bot, locale=locale, is_active=True).values_list(
            "pk", "text"
        )
    )
    rows = [
        (Variant(answer, question), position)
        for answer, question, position in QuestionVariant.objects.filter(
            answer__in=texts
        ).values_list("answer_id", "text", "position")
    ]
    if len(texts) < FEWEST_ANSWERS:
        raise NotEnough(f"At least {FEWEST_ANSWERS} approved answers are needed, not {len(texts)}.")
    vectors = embedded([variant.question for variant, _ in rows], embedder)
    answers = dict(zip(texts, embedded(list(texts.values()), embedder), strict=True))
    found: list[HeldOut] = []
    folds = np.array([position % FOLDS for _, position in rows])
    for fold in range(FOLDS):
        index = _index_of(rows, vectors, answers, folds != fold, embedder.name)
        found += [
            HeldOut(
                rows[place][0].question,
                rows[place][0].answer,
                tuple(index.nearest(vectors[place], _CANDIDATES)),
            )
            for place in np.flatnonzero(folds == fold)
        ]
    whole = _index_of(rows, vectors, answers, folds >= 0, embedder.name)
    for question, vector in zip(unanswered, embedder.embed(unanswered), strict=True):
        found.append(HeldOut(question, None, tuple(whole.nearest(vector, _CANDIDATES))))
    return found


def _index_of(
    rows: Sequence[tuple[Variant, int]],
    vectors: Vectors,
    answers: dict[int, Vectors],
    chosen: np.ndarray,
    embedder: str,
) -> Index:
    variants = [variant for (variant, _), keep in zip(rows, chosen, strict=True) if keep]
    return Index(variants, vectors[chosen], answers, embedder=embedder)


def _sample(found: HeldOut, names: Sequence[str]) -> Sample:
    if not found.candidates:
        return Sample(0.0, 0.0, agrees=False, is_right=False)
    best = found.candidates[0]
    return Sample(
        rank=best.rank,
        margin=margin(found.candidates),
        agrees=not disagreement(found.question, best.question, names),
        is_right=best.answer == found.answer,
    )


def _near(found: Sequence[HeldOut]) -> float:
    """The cosine that all but one in a hundred rightly found wordings reach."""
    right = [
        each.candidates[0].score
        for each in found
        if each.candidates and each.candidates[0].answer == each.answer
    ]
    return round(float(np.percentile(right, 1)), 4) if right else 0.0


@transaction.atomic
def _keep(bot: Bot, locale: str, embedder: Embedder, **fields: object) -> Calibration:
    kept = Calibration.objects.create(bot=bot, locale=locale, embedder=embedder.name, **fields)
    # A library holds its thresholds: renewed with everything else.
    Bot.objects.filter(pk=bot.pk).update(knowledge_version=F("knowledge_version") + 1)
    publishing.call_runners("knowledge", bot=bot.pk)
    facts = {"purpose": kept.purpose, "locale": locale, "embedder": embedder.name}
    audit.record("calibration.published", bot=bot.slug, facts=facts)
    return kept
