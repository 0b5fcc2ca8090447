"""optimum's ONNX export of any architecture, on onnxruntime; one answer at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chat.inference.looping import LoopEngine
from chat.inference.tokenizer import ChatTokenizer

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def open_onnx(folder: Path, *, device: str, threads: int, context_length: int) -> LoopEngine:
    """Load an ``onnx`` artifact. optimum brings torch along, for its tensors only."""
    import onnxruntime
    import torch
    from optimum.onnxruntime import ORTModelForCausalLM

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Spinning burns whole cores between answers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = ORTModelForCausalLM.from_pretrained(
        folder, provider=_PROVIDERS[device], session_options=options, local_files_only=True
    )
    length = min(context_length, model.config.max_position_embeddings)

    def forward(ids: Sequence[int], past: Any, length: int) -> tuple[NDArray[np.float32], Any]:
        tokens = torch.tensor([list(ids)], device=device)
        positions = torch.arange(length - len(ids), length, device=device)[None]
        found = model(
            tokens,
            attention_mask=torch.ones((1, length), dtype=torch.int64, device=device),
            position_ids=positions,
            past_key_values=past,
            use_cache=True,
        )
        return found.logits[0, -1].float().cpu().numpy(), found.past_key_values

    return LoopEngine("onnx", device, forward, ChatTokenizer(folder), context_length=length)
