"""The rules of an installation that has not published its own."""

from moderation.findings import Action, Direction
from moderation.injection import ATTACK, CONTROL_TOKEN
from moderation.policy import OTHER, Rules

ALLOW, MASK, REVIEW, BLOCK = Action.ALLOW, Action.MASK, Action.REVIEW, Action.BLOCK

_Row = dict[Direction, Action]


def _row(inbound: Action, outbound: Action, agent: Action, training: Action) -> _Row:
    return {
        Direction.INBOUND: inbound,
        Direction.OUTBOUND: outbound,
        Direction.AGENT: agent,
        Direction.TRAINING: training,
    }


# Angry customers are still customers: what they say is masked and answered. Somebody in
# danger is never blocked: a person shall see it. The bot and agents say none of it.
_RUDE = _row(MASK, BLOCK, BLOCK, BLOCK)
_ILLEGAL = _row(REVIEW, BLOCK, BLOCK, BLOCK)
_HATEFUL = _row(BLOCK, BLOCK, BLOCK, BLOCK)
_DANGER = _row(REVIEW, BLOCK, REVIEW, BLOCK)

# Agents may have to write a number to a customer; models learn placeholders.
_MASKED = _row(MASK, MASK, ALLOW, MASK)
# A bot that may not name people and places is of no use, and what it knows was approved.
_MASKED_BUT_SAID = _row(MASK, ALLOW, ALLOW, MASK)
_SECRET = _row(MASK, MASK, MASK, MASK)

DEFAULT_RULES = Rules(
    words={
        "abuse": _RUDE,
        "hate": _HATEFUL,
        "sexual": _RUDE,
        "self_harm": _DANGER,
        "violence": _ILLEGAL,
        "spam": _row(MASK, BLOCK, REVIEW, BLOCK),
        OTHER: _ILLEGAL,
    },
    personal={
        "name": _MASKED_BUT_SAID,
        "address": _MASKED_BUT_SAID,
        "ip": _MASKED_BUT_SAID,
        "credential": _SECRET,
        "card": _SECRET,
        OTHER: _MASKED,
    },
    injection={
        CONTROL_TOKEN: _row(MASK, MASK, MASK, MASK),
        ATTACK: _row(REVIEW, ALLOW, ALLOW, BLOCK),
        OTHER: _row(REVIEW, BLOCK, BLOCK, BLOCK),
    },
)
