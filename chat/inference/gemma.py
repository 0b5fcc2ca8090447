"""What a GGUF of Gemma leaves out: how its tokenizer joins pieces, and its chat template.

The file lists pieces with scores, which are negative ranks of merges and no probabilities.
The pieces are the merges: one joins two others whenever it is in the vocabulary.
"""

from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

ARCHITECTURES = frozenset({"gemma2", "gemma3"})
STOPS = ("<eos>", "<end_of_turn>")
TEMPLATE = (
    "{% set opening = namespace(text='') %}"
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}"
    "{% set opening.text = opening.text + message['content'] + '\\n\\n' %}"
    "{% else %}"
    "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else 'user' }}\n"
    "{% if message['role'] == 'user' %}"
    "{{ opening.text }}{% set opening.text = '' %}"
    "{% endif %}"
    "{{ message['content'] }}<end_of_turn>\n"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
"""Gemma knows no system turn: what it would say opens the next turn of the user."""

_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4


def build_tokenizer(
    tokens: Sequence[str], scores: Sequence[float], kinds: Sequence[int]
) -> Tokenizer:
    """The tokenizer of a vocabulary as GGUF states it (``kinds`` are its token types)."""
    vocabulary = {token: number for number, token in enumerate(tokens)}
    pieces = zip(tokens, scores, kinds, strict=True)
    merges = _merges({piece: score for piece, score, kind in pieces if kind == _NORMAL})
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    # Runs of spaces or line breaks and tags of HTML are cut out before anything is merged.
    tokenizer.add_tokens(
        [
            AddedToken(token, special=kind == _CONTROL, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind in (_CONTROL, _USER_DEFINED)
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[("<bos>", vocabulary["<bos>"])]
    )
    return tokenizer


def _merges(scores: dict[str, float]) -> list[tuple[str, str]]:
    """Every pair of pieces that joins into a piece, the likeliest piece first."""
    return [
        (piece[:cut], piece[cut:])
        for piece in sorted(scores, key=scores.__getitem__, reverse=True)
        for cut in range(1, len(piece))
        if piece[:cut] in scores and piece[cut:] in scores
    ]
