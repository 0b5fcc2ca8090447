"""A tiny model with random weights, in every form that an engine loads."""

from pathlib import Path

from chat.inference import artifacts

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_TEXT = (
    "Where is my order and how do I return it? The refund takes three working days. "
    "Please tell me your order number, then I can look for the parcel and the invoice. "
    "我的订单在哪里？请问怎么退款？退款需要三个工作日。请告诉我您的订单号，我来查询物流和发票。"
)
CONTEXT = 512


def make_base(folder: Path) -> None:
    """Seal a Llama of two layers with grouped-query attention into ``folder``."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with artifacts.building(folder) as partial:
        vocabulary = _make_tokenizer(partial)
        torch.manual_seed(7)
        config = LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=False,
            initializer_range=0.3,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=2,
        )
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            # Control tokens are never the likeliest, so answers are as long as they may be.
            model.lm_head.weight[: len(_SPECIAL)] = 0
        model.save_pretrained(partial, safe_serialization=True)
        artifacts.seal(partial, artifacts.Facts("tiny", "safetensors", "tiny", "fp32", "test:"))


def _make_tokenizer(folder: Path) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT], trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        bos_token="<|im_start|>",
        pad_token="<|im_end|>",
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    return int(tokenizer.get_vocab_size())
