"""Tiny models with random weights that mlx-lm loads, for ./dev try-launch.
usage: try_models.py FOLDER   writes FOLDER/llama, FOLDER/glm4_moe, FOLDER/deepseek_v3
       try_models.py --bytes PIPELINE MODEL   under mlx.launch: bytes of weights of each rank
"""

import json
import pathlib
import sys

COMMON = {"vocab_size": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": 4096,
          "torch_dtype": "float32", "eos_token_id": 255, "bos_token_id": 254}
CONFIGS = {
    "llama": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 128,
              "intermediate_size": 256, "num_attention_heads": 8, "num_key_value_heads": 4,
              "num_hidden_layers": 6, "tie_word_embeddings": False},
    "glm4_moe": {"architectures": ["Glm4MoeForCausalLM"], "model_type": "glm4_moe", "hidden_size": 128,
                 "intermediate_size": 256, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 16,
                 "num_hidden_layers": 7, "max_position_embeddings": 4096, "moe_intermediate_size": 64,
                 "norm_topk_prob": True, "n_group": 1, "topk_group": 1, "n_routed_experts": 8,
                 "n_shared_experts": 1, "num_experts_per_tok": 2, "routed_scaling_factor": 1.0,
                 "first_k_dense_replace": 1, "use_qk_norm": True, "tie_word_embeddings": False,
                 "attention_bias": True, "partial_rotary_factor": 0.5, "scoring_func": "sigmoid", "rope_scaling": None},
    "deepseek_v3": {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_size": 128,
                    "intermediate_size": 256, "moe_intermediate_size": 64, "num_attention_heads": 8,
                    "num_key_value_heads": 8, "num_hidden_layers": 5, "n_shared_experts": 1,
                    "n_routed_experts": 8, "routed_scaling_factor": 1.0, "kv_lora_rank": 32, "q_lora_rank": 48,
                    "qk_rope_head_dim": 16, "v_head_dim": 16, "qk_nope_head_dim": 16, "n_group": 1,
                    "topk_group": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1, "moe_layer_freq": 1,
                    "topk_method": "noaux_tc", "scoring_func": "sigmoid", "norm_topk_prob": True,
                    "attention_bias": False, "tie_word_embeddings": False},
}
TEMPLATE = ("{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
            "{% if add_generation_prompt %}assistant: {% endif %}")


def write_tokenizer(folder):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = alphabet[:253] + ["<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>",
         "unk_token": "<unk>", "chat_template": TEMPLATE, "model_max_length": 4096}))


def write_model(folder, config):
    import mlx.core as mx
    from mlx.utils import tree_flatten, tree_map
    from mlx_lm.utils import _get_classes, save_model
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    model_class, arguments = _get_classes(config)
    model = model_class(arguments.from_dict(config))
    mx.random.seed(7)
    # Wide enough that an answer depends on every layer.
    model.update(tree_map(lambda a: (mx.random.normal(a.shape) * 0.15), model.parameters()))
    save_model(folder, model)
    write_tokenizer(folder)
    return sum(value.nbytes for _, value in tree_flatten(model.parameters()))


def bytes_of_rank(pipeline, path):
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.utils import sharded_load
    group = mx.distributed.init()
    model, _ = sharded_load(path, *((group, None) if pipeline else (None, group)))
    print("rank", group.rank(), sum(value.nbytes for _, value in tree_flatten(model.parameters())), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--bytes":
        bytes_of_rank(sys.argv[2] == "pipeline", sys.argv[3])
    else:
        for name, config in CONFIGS.items():
            print(name, write_model(pathlib.Path(sys.argv[1]) / name, COMMON | config))
