"""GGUF files become safetensors folders, with the tokenizer the file was made for.

transformers de-quantises the weights exactly. Its tokenizer conversion loses what is set
right here: how digits are split, which token ends an answer, and that none is put in front.
"""

import contextlib
import io
from pathlib import Path
from typing import Any

_SINGLE_DIGITS = frozenset({"smollm", "starcoder", "refact"})
"""Pre-tokenizers (``tokenizer.ggml.pre``) that are GPT-2's with every digit on its own."""


def convert(gguf: Path, folder: Path) -> None:
    """Write weights (float32, as de-quantised), config, tokenizer and template to ``folder``.

    Raises ``ValueError`` or ``KeyError`` for a file that transformers cannot read.
    """
    import torch
    from transformers import AutoModelForCausalLM

    # Both libraries draw progress bars of their own over the caller's.
    with contextlib.redirect_stderr(io.StringIO()):
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        model.save_pretrained(folder, safe_serialization=True)
        _convert_tokenizer(gguf).save_pretrained(folder)


def _convert_tokenizer(gguf: Path) -> Any:
    import transformers
    from tokenizers import decoders, pre_tokenizers

    library: Any = transformers
    facts = _tokenizer_facts(gguf)
    converted = library.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    backend = converted.backend_tokenizer
    if facts.get("pre") in _SINGLE_DIGITS:
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
        backend.decoder = decoders.ByteLevel()
    # The class of the converted one would rebuild what was just corrected.
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_object=backend, chat_template=converted.chat_template
    )
    for role in ("bos", "eos", "unknown", "padding"):
        token = facts.get(f"{role}_token_id")
        if token is not None:
            name = {"unknown": "unk", "padding": "pad"}.get(role, role)
            setattr(tokenizer, f"{name}_token", converted.convert_ids_to_tokens(int(token)))
    if not facts.get("add_bos_token", True):
        tokenizer.backend_tokenizer.post_processor = _nothing_added()
    return tokenizer


def _nothing_added() -> Any:
    from tokenizers import processors

    return processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])


def _tokenizer_facts(gguf: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    prefix = "tokenizer.ggml."
    long = ("tokens", "merges", "scores", "token_type")
    return {
        key.removeprefix(prefix): field.contents()
        for key, field in GGUFReader(gguf).fields.items()
        if key.startswith(prefix) and key.removeprefix(prefix) not in long
    }
