"""The encoder in torch: the same numbers as the embedder computes, and a way back through them.

Served weights have four bits. A change too small for them would be lost when the file is written,
so the network already computes with rounded weights while it learns, and the rounding is passed over
on the way back (straight-through estimator; Bengio et al., arXiv 1308.3432).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import BertConfig, BertModel

from training.encoder.packed import BLOCK, Numbers, Packed


class Encoder(nn.Module):
    """Ids to vectors of length 1: the mean of the last layer over all tokens."""

    def __init__(self, packed: Packed, *, dropout: float) -> None:
        super().__init__()
        sizes = packed.sizes
        self._pad = packed.pieces.pad
        # transformers says nothing of the types of these.
        config: Any = BertConfig
        model: Any = BertModel
        self.bert = model(
            config(
                vocab_size=sizes.vocabulary,
                hidden_size=sizes.hidden,
                num_hidden_layers=sizes.layers,
                num_attention_heads=sizes.heads,
                intermediate_size=sizes.inner,
                max_position_embeddings=sizes.positions,
                type_vocab_size=sizes.types,
                layer_norm_eps=sizes.epsilon,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=dropout,
            ),
            add_pooling_layer=False,
        )
        with torch.no_grad():
            for name, parameter in _named(self.bert):
                parameter.copy_(torch.from_numpy(packed.tensor(name)).view_as(parameter))
        # What single words mean stays as it is: a few thousand questions say little about it.
        self.bert.embeddings.requires_grad_(False)
        for layer in self.bert.encoder.layer:
            for module in layer.modules():
                if isinstance(module, nn.Linear):
                    parametrize.register_parametrization(module, "weight", _Rounded())

    def forward(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """Vectors of shape (texts, dimensions)."""
        longest = max(len(each) for each in ids)
        tokens = torch.full((len(ids), longest), self._pad)
        mask = torch.zeros((len(ids), longest), dtype=torch.long)
        for row, each in enumerate(ids):
            tokens[row, : len(each)] = torch.tensor(each)
            mask[row, : len(each)] = 1
        hidden = self.bert(input_ids=tokens, attention_mask=mask).last_hidden_state
        weights = mask[..., None].to(hidden.dtype)
        return nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)

    def learning(self) -> list[nn.Parameter]:
        """What the optimiser changes: all but the embeddings."""
        return [each for each in self.parameters() if each.requires_grad]

    def tensors(self) -> dict[str, Numbers]:
        """What was learned, by the names of the file."""
        return {
            name: parameter.detach().numpy()
            for name, parameter in _named(self.bert)
            if not name.startswith("emb.")
        }


class _Rounded(nn.Module):
    """As :func:`training.encoder.packed._packed` will store it."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (_rounded(weight.detach()) - weight.detach())


def _rounded(weight: Tensor) -> Tensor:
    rows = weight.reshape(-1, BLOCK)
    furthest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    scale = (furthest / -8).half().float()
    steps = torch.where(scale == 0, torch.zeros_like(rows), rows / scale)
    levels = torch.clamp(torch.floor(steps + 8.5), 0, 15) - 8
    return (levels * scale).view_as(weight)


def _named(bert: Any) -> Iterator[tuple[str, nn.Parameter]]:
    """Every parameter by its name in the file."""
    embeddings = bert.embeddings
    yield "emb.word", embeddings.word_embeddings.weight
    yield "emb.pos", embeddings.position_embeddings.weight
    yield "emb.type", embeddings.token_type_embeddings.weight
    yield from _both("emb.ln", embeddings.LayerNorm)
    for number, layer in enumerate(bert.encoder.layer):
        attention = layer.attention
        for name, module in {
            "q": attention.self.query,
            "k": attention.self.key,
            "v": attention.self.value,
            "ao": attention.output.dense,
            "aln": attention.output.LayerNorm,
            "fi": layer.intermediate.dense,
            "fo": layer.output.dense,
            "oln": layer.output.LayerNorm,
        }.items():
            yield from _both(f"l{number}.{name}", module)


def _both(name: str, module: Any) -> Iterator[tuple[str, nn.Parameter]]:
    if parametrize.is_parametrized(module, "weight"):
        yield f"{name}.w", module.parametrizations.weight.original
    else:
        yield f"{name}.w", module.weight
    yield f"{name}.b", module.bias
