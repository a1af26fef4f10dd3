"""Trains adapters on the tiny models with PyTorch and PEFT: tuning/*/ and tuning/steps.json.

    python make_tuning.py          (torch 2.15.0, peft 0.21.2, transformers 5.24.0, gguf, numpy)

Five updates of AdamW over the same six sequences, from values that a formula gives; the loss is the mean
over the sequences of their mean loss a token. The tests do the same and need none of these packages.
"""

import json
import math
from pathlib import Path

import gguf
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM,
)

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
RANK, ALPHA, PEAK, DECAY, STEPS, MOST_NORM = 4, 6.0, 1e-2, 0.1, 5, 0.5
BLOCKS = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
}
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def load(name):
    reader = gguf.GGUFReader(DATA / f"tiny_{name}.gguf")
    value = lambda key: reader.fields[f"{name}.{key}"].contents()
    tensors = {t.name: torch.tensor(np.array(gguf.dequantize(t.data, t.tensor_type)))
               for t in reader.tensors}
    has = lambda key: f"{name}.{key}" in reader.fields
    heads, kv = value("attention.head_count"), value("attention.head_count_kv")
    width = value("embedding_length")
    size = value("attention.key_length") if has("attention.key_length") else width // heads
    kinds = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM),
             "qwen3": (Qwen3Config, Qwen3ForCausalLM)}
    config, kind = kinds[name]
    base = value("rope.freq_base") if has("rope.freq_base") else 10000.0
    config = config(
        vocab_size=tensors["token_embd.weight"].shape[0], hidden_size=width,
        intermediate_size=value("feed_forward_length"), num_hidden_layers=value("block_count"),
        num_attention_heads=heads, num_key_value_heads=kv, head_dim=size,
        rms_norm_eps=value("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": base},
        tie_word_embeddings="output.weight" not in tensors, attn_implementation="eager",
    )
    model = kind(config).float()
    state = {"model.embed_tokens.weight": tensors["token_embd.weight"],
             "model.norm.weight": tensors["output_norm.weight"]}
    state["lm_head.weight"] = tensors.get("output.weight", tensors["token_embd.weight"])
    for key, tensor in tensors.items():
        if not key.startswith("blk."):
            continue
        _, layer, stem, kind = key.split(".")
        if name == "llama" and stem in ("attn_q", "attn_k"):
            # Undo the interleaving of the halves of each head that the conversion to GGUF does.
            n = heads if stem == "attn_q" else kv
            rows = tensor.reshape(n, size // 2, 2, -1).transpose(1, 2)
            tensor = rows.reshape(tensor.shape)
        state[f"model.layers.{layer}.{BLOCKS[stem]}.{kind}"] = tensor
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and not missing, (missing, unexpected)
    if "rope_freqs.weight" in tensors:
        model.model.rotary_emb.inv_freq /= tensors["rope_freqs.weight"]
    return model


def sequences():
    """Tokens and the length of the prompt."""
    made = []
    for n, (prompt, answer) in enumerate([(7, 3), (20, 5), (1, 1), (150, 2), (12, 9), (33, 4)]):
        tokens = [(17 * i * i + 31 * i + 5 * n) % 256 for i in range(prompt + answer)]
        made.append((tokens, prompt))
    return made


def begin(layer, target, kind, shape):
    first = 1000 * layer + 100 * TARGETS.index(target) + (50 if kind == "B" else 0)
    count = shape[0] * shape[1]
    return torch.tensor([0.1 * math.sin(first + 0.7 * i) for i in range(count)],
                        dtype=torch.float32).reshape(shape)


def share(step):
    warmup = math.ceil(0.03 * STEPS)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (STEPS - warmup)))


def main():
    steps = {}
    for name in ["llama", "qwen2", "qwen3"]:
        torch.manual_seed(0)
        model = get_peft_model(load(name), LoraConfig(
            r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM",
        ))
        model.train()
        for key, parameter in model.named_parameters():
            if parameter.requires_grad:
                parts = key.split(".")
                layer, target = int(parts[parts.index("layers") + 1]), parts[-4]
                kind = parts[-3][-1]
                parameter.data.copy_(begin(layer, target, kind, parameter.shape))
        trained = [p for p in model.parameters() if p.requires_grad]
        adam = torch.optim.AdamW(trained, lr=PEAK, betas=(0.9, 0.95), eps=1e-8, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, share)
        steps[name] = []
        for _ in range(STEPS):
            adam.zero_grad()
            total = 0.0
            for tokens, prompt in sequences():
                logits = model(torch.tensor([tokens])).logits[0]
                loss = torch.nn.functional.cross_entropy(
                    logits[prompt - 1:-1], torch.tensor(tokens[prompt:])) / len(sequences())
                loss.backward()
                total += loss.item()
            norm = torch.nn.utils.clip_grad_norm_(trained, MOST_NORM).item()
            adam.step()
            schedule.step()
            steps[name].append({"loss": total, "grad_norm": norm})
        folder = HERE / "tuning" / name
        model.peft_config["default"].base_model_name_or_path = f"tiny_{name}"
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
    (HERE / "tuning" / "steps.json").write_text(json.dumps(steps, indent=1) + "\n")


main()
