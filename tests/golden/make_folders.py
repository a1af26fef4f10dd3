"""Tiny random model folders with PEFT adapters, and the log-probabilities that PEFT gives for them.

Made with Python 3, torch 2.15.0, transformers 5.24.0, peft 0.21.2, tokenizers 0.23.3, gguf 0.19.0:
    python tests/golden/make_folders.py tests/golden/folders
Weights are stored in half precision; the log-probabilities are of those weights, in double precision.
`llama.gguf` holds the weights of `llama` as llama.cpp's convert_hf_to_gguf.py would write them: rows of
queries and keys permuted, the scaled frequencies as divisors.
"""

import json
import math
import pathlib
import shutil
import sys

import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

OUT = pathlib.Path(sys.argv[1])
N_VOCAB = 96
SIZES = dict(
    vocab_size=N_VOCAB,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=256,
    bos_token_id=None,
    eos_token_id=95,
)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=500.0,
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)
YARN = dict(
    rope_type="yarn", rope_theta=1000.0, factor=2.0, original_max_position_embeddings=128
)
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
KINDS = {
    # Shards, an output matrix of its own, scaled by 1 / sqrt(rank).
    "llama": (
        LlamaConfig(**SIZES, rope_parameters=LLAMA3, tie_word_embeddings=False),
        torch.float16,
        "20KB",
        dict(r=2, lora_alpha=3, target_modules=ALL, use_rslora=True),
    ),
    # The embedding serves as output; one layer is adapted, with ranks and alphas of their own.
    "qwen2": (
        Qwen2Config(**SIZES, rope_parameters=YARN, tie_word_embeddings=True),
        torch.float16,
        "1GB",
        dict(
            r=4,
            lora_alpha=8,
            target_modules=r".*layers\.1\..*\.(q_proj|v_proj|down_proj)",
            rank_pattern={"v_proj": 3},
            alpha_pattern={"layers.1.mlp.down_proj": 2},
        ),
    ),
    # Heads wider than the hidden state gives, bf16 weights, an adapter in bf16.
    "qwen3": (
        Qwen3Config(**SIZES, head_dim=32, tie_word_embeddings=True),
        torch.bfloat16,
        "1GB",
        dict(r=5, lora_alpha=5, target_modules="all-linear"),
    ),
}


def tokenizer(folder):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [chr(c) for c in range(33, 127)]
    assert all(word in alphabet for word in words)
    # One merge, as GGUF files keep no empty list of them.
    words[-1] = "ab"
    vocab = {word: ix for ix, word in enumerate(["\u0120", *words])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[("a", "b")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<end>"])
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    config = {"eos_token": "<end>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
    template = "{% for m in messages %}{{ m.role + ':' + m.content + '<end>' }}{% endfor %}"
    (folder / "chat_template.jinja").write_text(template)
    return list(vocab) + ["<end>"]


def randomize(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name:
            parameter.data = 1 + 0.2 * noise
        elif parameter.dim() == 1:
            parameter.data = 0.3 * noise
        else:
            parameter.data = noise * (1.5 / math.sqrt(parameter.shape[-1]))


def logprobs(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double()
    all = torch.log_softmax(logits, -1)
    return [all[ix, token].item() for ix, token in enumerate(ids[1:])]


def permute(weights, n_heads):
    rows, width = weights.shape
    return weights.reshape(n_heads, 2, rows // n_heads // 2, width).swapaxes(1, 2).reshape(rows, width)


def write_gguf(path, model, config, tokens):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(LLAMA3["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (N_VOCAB - 1) + [3])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(95)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, weights in model.state_dict().items():
        weights = weights.float().numpy()
        if name.endswith("q_proj.weight"):
            weights = permute(weights, config.num_attention_heads)
        if name.endswith("k_proj.weight"):
            weights = permute(weights, config.num_key_value_heads)
        dtype = np.float32 if weights.ndim == 1 else np.float16
        writer.add_tensor(names.get_name(name, (".weight",)), np.ascontiguousarray(weights, dtype))
    plain = LLAMA3["rope_theta"] ** (-torch.arange(0, config.head_dim, 2).double() / config.head_dim)
    scaled = model.model.rotary_emb.inv_freq.double()
    writer.add_tensor("rope_freqs.weight", (plain / scaled).float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


golden = {}
for number, (name, (config, dtype, shard, lora)) in enumerate(KINDS.items()):
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    generator = torch.Generator().manual_seed(number)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    randomize(model, generator)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokens = tokenizer(folder)
    # Anew from its files: rounding the model has rounded its frequencies too.
    load = lambda: AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    )
    model = load()
    if name == "llama":
        write_gguf(OUT / "llama.gguf", model, config, tokens)
    ids = torch.randint(0, N_VOCAB, (120,), generator=generator).tolist()
    base = logprobs(load().double().eval(), ids)
    peft = LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **lora)
    adapted = get_peft_model(model, peft)
    for key, parameter in adapted.named_parameters():
        if "lora_" in key:
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.data = noise * (0.7 / math.sqrt(parameter.shape[-1]))
            if name == "qwen3":
                parameter.data = parameter.data.bfloat16()
    adapted.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    # PEFT writes names of modules in another order each time.
    about = folder / "adapter" / "adapter_config.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"target_modules": sorted(
        peft.target_modules) if isinstance(peft.target_modules, set) else peft.target_modules}, indent=2) + "\n")
    again = PeftModel.from_pretrained(load(), folder / "adapter").double().eval()
    golden[name] = {"ids": ids, "base": base, "adapted": logprobs(again, ids)}
rounded = lambda all: [round(x, 6) for x in all]
for entry in golden.values():
    entry.update(base=rounded(entry["base"]), adapted=rounded(entry["adapted"]))
(OUT / "logprobs.json").write_text(json.dumps(golden) + "\n")
