"""Model files for tests: real headers, weights of zeros that take no room on disk."""

import json
import os
import struct

CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 256,
    "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8,
    "num_key_value_heads": 4, "vocab_size": 1024, "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}


def tensors_of(config):
    """Names and shapes as Hugging Face writes them."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    kv = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    yield "model.embed_tokens.weight", [config["vocab_size"], hidden]
    for layer in range(config["num_hidden_layers"]):
        start = f"model.layers.{layer}."
        for name, rows, columns in (("q", hidden, hidden), ("k", kv, hidden), ("v", kv, hidden),
                                    ("o", hidden, hidden)):
            yield f"{start}self_attn.{name}_proj.weight", [rows, columns]
        for name, rows, columns in (("gate", inner, hidden), ("up", inner, hidden),
                                    ("down", hidden, inner)):
            yield f"{start}mlp.{name}_proj.weight", [rows, columns]
        yield f"{start}input_layernorm.weight", [hidden]
        yield f"{start}post_attention_layernorm.weight", [hidden]
    yield "model.norm.weight", [hidden]
    yield "lm_head.weight", [config["vocab_size"], hidden]


def write_safetensors(path, tensors, padding=0):
    header, at = {}, 0
    if padding:
        header["__metadata__"] = {"note": "x" * padding}
    for name, shape in tensors:
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + at)


def write_sharded(folder, count, padding=0, index=True, config=CONFIG):
    os.makedirs(folder, exist_ok=True)
    all_tensors = list(tensors_of(config))
    shards = [all_tensors[i::count] for i in range(count)]
    weight_map = {}
    for number, tensors in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{count:05d}.safetensors"
        write_safetensors(os.path.join(folder, name), tensors, padding)
        weight_map.update({tensor: name for tensor, _ in tensors})
    with open(os.path.join(folder, "config.json"), "w") as stream:
        json.dump(config, stream)
    if index:
        with open(os.path.join(folder, "model.safetensors.index.json"), "w") as stream:
            json.dump({"metadata": {}, "weight_map": weight_map}, stream)


def gguf_text(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def write_gguf(path, kind, part=None, parts=1, tokens=1024):
    """A llama in GGUF: `kind` 8 is Q8_0 (34 bytes for 32 weights), 1 is F16."""
    c = CONFIG
    values = [("general.architecture", 8, gguf_text("llama")),
              ("llama.block_count", 4, struct.pack("<I", c["num_hidden_layers"])),
              ("llama.context_length", 4, struct.pack("<I", 8192)),
              ("llama.embedding_length", 4, struct.pack("<I", c["hidden_size"])),
              ("llama.feed_forward_length", 4, struct.pack("<I", c["intermediate_size"])),
              ("llama.attention.head_count", 4, struct.pack("<I", c["num_attention_heads"])),
              ("llama.attention.head_count_kv", 4, struct.pack("<I", c["num_key_value_heads"])),
              ("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)),
              ("llama.vocab_size", 4, struct.pack("<I", c["vocab_size"]))]
    if part in (None, 0):
        values.append(("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, tokens) +
                       b"".join(gguf_text(f"token number {i}") for i in range(tokens))))
    if part is not None:
        values += [("split.no", 2, struct.pack("<H", part)),
                   ("split.count", 2, struct.pack("<H", parts)),
                   ("split.tensors.count", 5, struct.pack("<i", 39))]
    names = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
    inside = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
              "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
              "post_attention_layernorm": "ffn_norm"}
    tensors, at, infos = list(tensors_of(c)), 0, b""
    if part is not None:
        tensors = tensors[part::parts]
    for name, shape in tensors:
        words = name.removesuffix(".weight").removeprefix("model.").split(".")
        new = (f"blk.{words[1]}." + inside[".".join(words[2:])] if words[0] == "layers"
               else names[words[0]]) + ".weight"
        stored = 0 if len(shape) == 1 else kind
        count = 1
        for length in shape:
            count *= length
        size = count * 4 if stored == 0 else count // 32 * 34 if stored == 8 else count * 2
        infos += gguf_text(new) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", length) for length in reversed(shape))
        infos += struct.pack("<IQ", stored, at)
        at += (size + 31) // 32 * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    head += b"".join(gguf_text(key) + struct.pack("<I", kind_) + value for key, kind_, value in values)
    head += infos
    head += b"\0" * (-len(head) % 32)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as stream:
        stream.write(head)
        stream.truncate(len(head) + at)
