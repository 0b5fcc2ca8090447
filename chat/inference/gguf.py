"""GGUF files become safetensors folders, with the tokenizer the file was made for.

transformers de-quantises the weights exactly. Its tokenizer conversion loses what is set
right here: how digits are split, which token ends an answer, and that none is put in front.
Gemma's it takes for another kind altogether; :mod:`chat.inference.gemma` makes that one.
"""

import contextlib
import io
from pathlib import Path
from typing import Any

from chat.inference import gemma

_SINGLE_DIGITS = frozenset({"smollm", "starcoder", "refact"})
"""Pre-tokenizers (``tokenizer.ggml.pre``) that are GPT-2's with every digit on its own."""


def convert(gguf: Path, folder: Path) -> None:
    """Write weights (float32, as de-quantised), config, tokenizer and template to ``folder``.

    Raises ``ValueError`` or ``KeyError`` for a file that transformers cannot read.
    """
    import torch
    import transformers
    from gguf import GGUFReader

    library: Any = transformers
    # Both libraries draw progress bars of their own over the caller's.
    with contextlib.redirect_stderr(io.StringIO()):
        model = library.AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        fields = GGUFReader(gguf).fields
        if fields["general.architecture"].contents() in gemma.ARCHITECTURES:
            tokenizer = _gemma_tokenizer(fields)
            model.generation_config = library.GenerationConfig(
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.convert_tokens_to_ids(list(gemma.STOPS)),
                pad_token_id=tokenizer.pad_token_id,
            )
        else:
            tokenizer = _convert_tokenizer(gguf, fields)
        model.save_pretrained(folder, safe_serialization=True)
        tokenizer.save_pretrained(folder)


def _convert_tokenizer(gguf: Path, fields: dict[str, Any]) -> Any:
    import transformers
    from tokenizers import decoders, pre_tokenizers

    library: Any = transformers
    converted = library.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    backend = converted.backend_tokenizer
    if _fact(fields, "pre") in _SINGLE_DIGITS:
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
        backend.decoder = decoders.ByteLevel()
    # The class of the converted one would rebuild what was just corrected.
    tokenizer = _wrapped(backend, converted.chat_template, fields)
    if not _fact(fields, "add_bos_token", True):
        tokenizer.backend_tokenizer.post_processor = _nothing_added()
    return tokenizer


def _gemma_tokenizer(fields: dict[str, Any]) -> Any:
    tokens, scores, kinds = (_fact(fields, key) for key in ("tokens", "scores", "token_type"))
    return _wrapped(gemma.build_tokenizer(tokens, scores, kinds), gemma.TEMPLATE, fields)


def _wrapped(backend: Any, template: str | None, fields: dict[str, Any]) -> Any:
    """``backend`` as transformers keeps it, with the roles that the file gives to tokens."""
    import transformers

    library: Any = transformers
    tokenizer = library.PreTrainedTokenizerFast(tokenizer_object=backend, chat_template=template)
    for role in ("bos", "eos", "unknown", "padding"):
        token = _fact(fields, f"{role}_token_id")
        if token is not None:
            name = {"unknown": "unk", "padding": "pad"}.get(role, role)
            setattr(tokenizer, f"{name}_token", backend.id_to_token(int(token)))
    return tokenizer


def _nothing_added() -> Any:
    from tokenizers import processors

    return processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])


def _fact(fields: dict[str, Any], key: str, default: Any = None) -> Any:
    """What the file says of its tokenizer under ``key``."""
    field = fields.get(f"tokenizer.ggml.{key}")
    return default if field is None else field.contents()
