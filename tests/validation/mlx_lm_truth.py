"""Writes what mlx-lm's own classes say of the small configs beside this file, as JSON.

Every model is built with lazy arrays, so that nothing is computed: parameters, bytes in several
formats as mlx_lm.convert makes them, caches after a prompt, bytes of one rank of a tensor split.
macfit_verify compares the file with what macfit says; tests/validation/mlx_lm_0_32_2.json is one.

Usage: mlx_lm_truth.py OUTPUT [CONFIG...]
       mlx_lm_truth.py --table VALIDATION   (a table of macfit_verify's JSON, a line a model type)
"""

import collections
import contextlib
import copy
import importlib.metadata
import io
import json
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")

# Group size, bits and mode, as mlx_lm.convert takes them.
FORMATS = {
    "bf16": None,
    "4bit": (64, 4, "affine"),
    "8bit": (64, 8, "affine"),
    "6bit": (64, 6, "affine"),
    "4bit-gs32": (32, 4, "affine"),
    "mxfp4": (32, 4, "mxfp4"),
    "nvfp4": (16, 4, "nvfp4"),
    "mxfp8": (32, 8, "mxfp8"),
    "mixed_4_6": (64, 4, "affine"),
}

# 32-bit tensors of the published checkpoints that mlx-lm's conversion leaves so: their configs
# state no torch_dtype.
F32_IN_CHECKPOINT = dict.fromkeys(("minimax", "minimax_m2"), "block_sparse_moe.gate")

# Keys that a config may leave to the class.
OPTIONAL = (
    "tie_word_embeddings",
    "head_dim",
    "num_key_value_heads",
    "attention_bias",
    "first_k_dense_replace",
    "sliding_window_pattern",
)

# Multiples of the 256 slots by which caches grow, above every window of the small configs.
SHORT, LONG = 1280, 2560


class Rank:
    """Rank 0 of a group of so many, which never talks to another."""

    def __init__(self, size):
        self._size = size

    def size(self):
        return self._size

    def rank(self):
        return 0


def build(config):
    """The model as mlx_lm.convert casts it."""
    import mlx.core as mx
    from mlx.utils import tree_map_with_path
    from mlx_lm.utils import _get_classes

    config = copy.deepcopy(config)
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(config))
    # Some classes drop an untied head only when they see weights without one.
    for part in (model, getattr(model, "language_model", None)):
        with contextlib.suppress(Exception):
            part.sanitize({})
    keeps = getattr(model, "cast_predicate", lambda _: True)
    f32 = F32_IN_CHECKPOINT.get(config["model_type"])

    def cast(path, value):
        if not mx.issubdtype(value.dtype, mx.floating) or not keeps(path):
            return value
        return value.astype(mx.float32 if f32 and f32 in path else mx.bfloat16)

    model.update(tree_map_with_path(cast, model.parameters()))
    return model


def quantized(config, name):
    from mlx_lm.convert import mixed_quant_predicate_builder
    from mlx_lm.utils import quantize_model

    model = build(config)
    if FORMATS[name] is not None:
        group, bits, mode = FORMATS[name]
        mixed = name.startswith("mixed")
        predicate = mixed_quant_predicate_builder(name, model, group) if mixed else None
        with contextlib.redirect_stdout(io.StringIO()):
            quantize_model(model, config, group, bits, mode=mode, quant_predicate=predicate)
    return model


def arrays(model):
    from mlx.utils import tree_flatten

    return [value for _, value in tree_flatten(model.parameters())]


def size(model):
    return sum(value.nbytes for value in arrays(model))


def kind(cache):
    """ "full", "rot128", "chunk8192", "arr2", "(arr2+full)"."""
    name = type(cache).__name__
    if name == "CacheList":
        return "(" + "+".join(kind(part) for part in cache.caches) + ")"
    if name == "ArraysCache":
        return f"arr{len(cache.cache)}"
    if name == "RotatingKVCache":
        return f"rot{cache.max_size}"
    if name == "ChunkedKVCache":
        return f"chunk{cache.chunk_size}"
    return "full" if name == "KVCache" else name


def states(cache):
    """Bytes of what does not grow with the context."""
    name = type(cache).__name__
    if name == "CacheList":
        return sum(states(part) for part in cache.caches)
    return cache.nbytes if name == "ArraysCache" else 0


def window(cache):
    """Bytes of a window once it is full; chunks are held longer than they are seen."""
    name = type(cache).__name__
    if name == "CacheList":
        return sum(window(part) for part in cache.caches)
    if name == "ChunkedKVCache":
        return cache.nbytes // cache.keys.shape[2] * cache.chunk_size
    return cache.nbytes if name == "RotatingKVCache" else 0


def filled(model, tokens):
    """The caches of one sequence after a prompt and one token more."""
    import mlx.core as mx
    from mlx_lm.models.cache import make_prompt_cache

    caches = make_prompt_cache(model)
    model(mx.zeros((1, tokens - 1), mx.int32), cache=caches)
    model(mx.zeros((1, 1), mx.int32), cache=caches)
    return caches


def cache_facts(config):
    short = filled(build(config), SHORT)
    long = filled(build(config), LONG)
    windows = [window(cache) for cache in short]
    growing = [
        after.nbytes - before.nbytes
        for after, before, full in zip(long, short, windows)
        if not full or kind(before).startswith("(")
    ]
    return {
        "caches": dict(collections.Counter(kind(cache) for cache in short)),
        "kv_bytes_per_token": sum(growing) // (LONG - SHORT),
        "kv_constant_bytes": sum(states(cache) for cache in short),
        "kv_window_bytes_when_full": sum(windows),
    }


def rank_bytes(config, name, ranks):
    model = quantized(config, name)
    try:
        model.shard(Rank(ranks))
    except (ValueError, AssertionError, ZeroDivisionError) as error:
        return str(error)[:120]
    return size(model)


def without(config, key):
    """Parameters of the class where the config lacks a key; none where it refuses."""
    less = copy.deepcopy(config)
    for part in (less, less.get("text_config", {})):
        part.pop(key, None)
    try:
        return sum(value.size for value in arrays(build(less)))
    except Exception:
        return None


def facts(config):
    model = build(config)
    result = {"parameters": sum(value.size for value in arrays(model)), "bytes": {}}
    for name in FORMATS:
        try:
            result["bytes"][name] = size(quantized(config, name))
        except (ValueError, TypeError) as error:
            result.setdefault("refused", {})[name] = str(error)[:120]
    try:
        result |= cache_facts(config)
    except Exception as error:  # kernels that need Metal
        result["cache_error"] = f"{type(error).__name__}: {error}"[:120]
    if hasattr(model, "shard"):
        result["tensor"] = {
            f"{name} N={ranks}": rank_bytes(config, name, ranks)
            for name in ("4bit", "8bit")
            for ranks in (2, 4)
        }
    else:
        result["tensor"] = "no shard()"
    text = config.get("text_config", config)
    result["without"] = {key: without(config, key) for key in OPTIONAL if key in text}
    result["has_pipeline"] = hasattr(getattr(model, "model", None), "pipeline")
    return result


def write(output, names):
    folder = pathlib.Path(__file__).parent / "configs"
    paths = [folder / f"{name}.json" for name in names] or sorted(folder.glob("*.json"))
    rows = []
    for path in paths:
        config = json.loads(path.read_text())
        row = {"config": path.stem, "model_type": config["model_type"]}
        try:
            row |= facts(config)
        except Exception as error:
            row["do_not_use"] = f"{type(error).__name__}: {error}"[:120]
        print(path.stem, row.get("do_not_use", ""), file=sys.stderr, flush=True)
        rows.append(row)
    versions = {name: importlib.metadata.version(name) for name in ("mlx-lm", "mlx")}
    text = json.dumps({"versions": versions, "rows": rows}, indent=1)
    pathlib.Path(output).write_text(text + "\n")


def table(path):
    """A line for each config: figures equal, figures not equal, figures that macfit has none for."""
    validation = json.loads(pathlib.Path(path).read_text())
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for row in validation["results"]:
        counts[row["id"].split()[0]][0 if row["error"] == 0 else 1] += 1
    for row in validation["skipped"]:
        counts[row["id"].split()[0]][2] += 1
    whole = 0
    for name, (equal, wrong, skipped) in sorted(counts.items()):
        word = "wrong" if wrong else "exact" if equal else "not known"
        whole += word == "exact"
        print(f"{name:24} {equal:4} {wrong:4} {skipped:4}  {word}")
    print(f"{whole} of {len(counts)} exact")


if __name__ == "__main__":
    if sys.argv[1] == "--table":
        table(sys.argv[2])
    else:
        write(sys.argv[1], sys.argv[2:])
