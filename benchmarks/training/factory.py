"""LLaMA-Factory's LoRA on the same examples; optional, and absent where nobody names a Python.

It wants other versions than csbot, so an environment of its own: ``pip install
llamafactory==0.9.5 torch``. On a machine without a GPU it does not start with the torchvision and
torchaudio that this brings: remove both, and put an empty ``torchaudio.py`` with a
``__version__`` on its path. Then ``--llamafactory /that/environment/bin/python``.

Settings are those of its own LoRA example where a CPU can do them; rank 16, as peers are compared
with. Its template ``smollm2`` takes our instructions as they are, so examples are as long as ours.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.trainer.examples import Prepared

WORKER = Path(__file__).with_name("factory_worker.py")


def prepare(
    folder: Path, base: Path, learned: Sequence[Prepared], batch: int, steps: int, *, bf16: bool
) -> list[str]:
    """Write data and settings; the arguments of its Python. One step more is taken, uncounted."""
    folder.mkdir(parents=True)
    rows = [
        {"messages": [*each.messages, {"role": "assistant", "content": each.target}]}
        for each in learned
    ]
    (folder / "examples.json").write_text(json.dumps(rows), encoding="utf-8")
    tags = {
        "role_tag": "role", "content_tag": "content", "user_tag": "user",
        "assistant_tag": "assistant", "system_tag": "system",
    }  # fmt: skip
    described = {
        "file_name": "examples.json",
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": tags,
    }
    (folder / "dataset_info.json").write_text(json.dumps({"csbot": described}), encoding="utf-8")
    settings: dict[str, Any] = {
        "model_name_or_path": str(base),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": 16,
        "lora_target": "all",
        "dataset": "csbot",
        "dataset_dir": str(folder),
        "template": "smollm2",
        "cutoff_len": 2048,
        "output_dir": str(folder / "output"),
        "overwrite_output_dir": True,
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": 1,
        "learning_rate": 1e-4,
        "max_steps": steps + 1,
        # Where a CPU has no instructions for it, a step takes two minutes.
        "bf16": bf16,
        "use_cpu": True,
        "save_strategy": "no",
        "report_to": "none",
    }
    place = folder / "settings.json"
    place.write_text(json.dumps(settings), encoding="utf-8")
    return [str(WORKER), str(place)]
