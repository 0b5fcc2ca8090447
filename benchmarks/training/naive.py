"""The naive recipe, as a process: ``python -m benchmarks.training.naive FOLDER BATCH STEPS``.

The Trainer of transformers with everything as tutorials leave it: fp32, all weights, every
example padded to 256 tokens, loss on each of its tokens, gradient checkpointing. Reads the
examples and the base of a run's folder, prints the real tokens a second of all steps but the
first.
"""

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from chat.inference.tokenizer import ChatTokenizer
from training.trainer import examples
from training.trainer import job as jobs

LENGTH = 256


def main(folder: Path, batch: int, steps: int) -> None:
    import torch
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    job = jobs.read(folder)
    torch.set_num_threads(job.threads)
    tokens: list[int] = []
    ends: list[float] = []

    class Counting(Trainer):
        def training_step(self, model: Any, inputs: Any, *rest: Any, **others: Any) -> Any:
            tokens.append(int(inputs["attention_mask"].sum()))
            return super().training_step(model, inputs, *rest, **others)

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.monotonic())

    with tempfile.TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=output,
            per_device_train_batch_size=batch,
            max_steps=steps,
            gradient_checkpointing=True,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        model = AutoModelForCausalLM.from_pretrained(job.base, dtype=torch.float32)
        model.config.use_cache = False
        Counting(
            model=model, args=arguments, train_dataset=_dataset(job), callbacks=[Clock()]
        ).train()
    print(json.dumps({"tokens_per_second": sum(tokens[1:]) / (ends[-1] - ends[0])}))


def _dataset(job: jobs.Job) -> list[dict[str, list[int]]]:
    tokenizer = ChatTokenizer(job.base)
    made = []
    for each in examples.read(job.folder / "train.jsonl"):
        ids = list(examples.encode(each, tokenizer).ids)[:LENGTH]
        rest = LENGTH - len(ids)
        made.append(
            {
                "input_ids": ids + [0] * rest,
                "attention_mask": [1] * len(ids) + [0] * rest,
                "labels": ids + [-100] * rest,
            }
        )
    return made


if __name__ == "__main__":
    with warnings.catch_warnings(action="ignore"):
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
