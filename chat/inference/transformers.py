"""The reference engine: torch, with a peft adapter if there is one; also on GPUs in bf16."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chat.inference.looping import LoopEngine
from chat.inference.tokenizer import ChatTokenizer


def open_transformers(
    folder: Path, *, adapter: Path | None, device: str, threads: int, context_length: int
) -> LoopEngine:
    """Load a safetensors artifact; ``threads`` are those of the whole process."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False
    )
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter, local_files_only=True).merge_and_unload()
    model = model.to(device).eval()
    length = min(context_length, model.config.max_position_embeddings)

    def forward(ids: Sequence[int], past: Any, _length: int) -> tuple[NDArray[np.float32], Any]:
        with torch.inference_mode():
            tokens = torch.tensor([list(ids)], device=device)
            # One row of logits: a whole prompt times the vocabulary is most of the memory.
            found = model(tokens, past_key_values=past, use_cache=True, logits_to_keep=1)
        return found.logits[0, -1].float().cpu().numpy(), found.past_key_values

    return LoopEngine("transformers", device, forward, ChatTokenizer(folder), context_length=length)
