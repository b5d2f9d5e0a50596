"""Compares macfit's bytes with those of mlx-lm's own classes.

Models are built from the small configs beside this file with lazy arrays; weights are random and
only caches of a short prompt are ever computed. Usage: compare_mlx.py MACFIT [CONFIG...]
"""

import contextlib
import io
import json
import pathlib
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")

import mlx.core as mx
import mlx_lm
from mlx.utils import tree_flatten, tree_map_with_path
from mlx_lm.convert import mixed_quant_predicate_builder
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import _get_classes, quantize_model

# macfit's name, and what mlx_lm.convert is told: group size, bits, mode, recipe.
FORMATS = {
    "bf16": None,
    "4bit": (64, 4, "affine", None),
    "8bit": (64, 8, "affine", None),
    "6bit": (64, 6, "affine", None),
    "4bit-gs32": (32, 4, "affine", None),
    "4bit-gs128": (128, 4, "affine", None),
    "mxfp4": (32, 4, "mxfp4", None),
    "nvfp4": (16, 4, "nvfp4", None),
    "mxfp8": (32, 8, "mxfp8", None),
    "mixed_4_6": (64, 4, "affine", "mixed_4_6"),
}

# 32-bit tensors of the published checkpoints that mlx-lm's conversion leaves so: their configs
# state no torch_dtype.
F32_IN_CHECKPOINT = {"minimax_m2": "block_sparse_moe.gate"}

# From this release on, an indexer's cache holds zeros as wide as its keys where it had values of no
# width before (deepseek_v32.py).
INDEXER_ZEROS_SINCE = (0, 32, 0)

# One token after a prompt: growing caches are full to the last slot (a multiple of 256), windows
# are cut to their width.
PROMPT = 255


def build(config):
    """The model as mlx_lm.convert casts it."""
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(config))
    # Some classes drop an untied head only when they see weights without one.
    with contextlib.suppress(Exception):
        model.sanitize({})
    keeps = getattr(model, "cast_predicate", lambda _: True)
    f32 = F32_IN_CHECKPOINT.get(config["model_type"])

    def cast(path, value):
        if not mx.issubdtype(value.dtype, mx.floating) or not keeps(path):
            return value
        return value.astype(mx.float32 if f32 and f32 in path else mx.bfloat16)

    model.update(tree_map_with_path(cast, model.parameters()))
    return model


def parameters(model):
    return sum(v.size for _, v in tree_flatten(model.parameters()))


def quantized(config, form):
    model = build(config)
    if form is not None:
        group, bits, mode, recipe = form
        predicate = mixed_quant_predicate_builder(recipe, model, group) if recipe else None
        with contextlib.redirect_stdout(io.StringIO()):
            quantize_model(model, config, group, bits, mode=mode, quant_predicate=predicate)
    return model


def weight_bytes(config, form):
    model = quantized(config, form)
    return sum(v.nbytes for _, v in tree_flatten(model.parameters()))


def indexer_zeros(config):
    """Bytes a token that macfit leaves out: it follows the release before."""
    release = tuple(int(n) for n in mlx_lm.__version__.split(".")[:3] if n.isdigit())
    if "index_head_dim" not in config or release < INDEXER_ZEROS_SINCE:
        return 0
    return config["num_hidden_layers"] * config["index_head_dim"] * 2


def cache_bytes(config):
    """What the caches of one sequence hold after PROMPT + 1 tokens."""
    # Quantized, as MLX on a CPU multiplies no experts in bf16; caches are bf16 all the same.
    model = quantized(config, FORMATS["8bit"])
    cache = make_prompt_cache(model)
    vocabulary = config.get("text_config", config)["vocab_size"]
    model(mx.arange(PROMPT)[None] % vocabulary, cache=cache)
    mx.eval([c.state for c in cache])
    model(mx.array([[1]]), cache=cache)
    mx.eval([c.state for c in cache])
    return sum(c.nbytes for c in cache)


def macfit(program, path, form):
    done = subprocess.run(
        [program, "models", "show", str(path), "--quant", form, "--format", "json"],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return json.loads(done.stdout)


class Refused(Exception):
    """macfit's exit code 2."""


def unless_refused(figure):
    """The figure; a word where the format can't be applied (mlx-lm raises ValueError)."""
    try:
        return figure()
    except (Refused, ValueError):
        return "refused"


class Tally:
    passed = 0
    failed = 0

    def check(self, what, theirs, ours):
        line = f"{what}: mlx-lm {theirs}, macfit {ours}"
        if theirs == ours:
            self.passed += 1
            print(f"pass   {line}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL   {line}", flush=True)

    def broken(self, what, error):
        self.failed += 1
        print(f"FAIL   {what}: {type(error).__name__}: {error}", flush=True)


def compare(program, path, tally):
    config = json.loads(path.read_text())
    name = path.stem
    try:
        shown = macfit(program, path, "bf16")
        tally.check(f"{name} parameters", parameters(build(config)), shown["parameters"]["total"])
    except Exception as error:  # a class that changed, a config that can't be read
        tally.broken(name, error)
        return
    for form, settings in FORMATS.items():
        try:
            ours = unless_refused(lambda: macfit(program, path, form)["weight_bytes"])
            theirs = unless_refused(lambda: weight_bytes(config, settings))
            tally.check(f"{name} {form}", theirs, ours)
        except Exception as error:
            tally.broken(f"{name} {form}", error)
    try:
        # Windows that mlx-lm caches in full: a plan counts that and this figure does not.
        if config["model_type"] not in ("gemma2", "llama4_text"):
            per_token = shown["kv_bytes_per_token"] + indexer_zeros(config)
            ours = (PROMPT + 1) * per_token + shown["kv_constant_bytes"]
            tally.check(f"{name} cache of {PROMPT + 1} tokens", cache_bytes(config), ours)
    except Exception as error:
        tally.broken(f"{name} cache", error)


def main():
    program = sys.argv[1]
    folder = pathlib.Path(__file__).parent / "configs"
    names = sys.argv[2:]
    paths = [folder / f"{n}.json" for n in names] if names else sorted(folder.glob("*.json"))
    tally = Tally()
    for path in paths:
        compare(program, path, tally)
    verdict = "FAIL" if tally.failed else "PASS"
    print(
        f"{verdict}: {tally.passed} equal, {tally.failed} not equal, {len(paths)} architectures"
    )
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
