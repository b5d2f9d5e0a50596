"""Hostile names in every place where macfit reads a name, printed in every format it writes.

Each case is a name, a place and a format. Whatever the name, the program must end by itself with an
exit code of its own, and what it prints must be neutral where it is shown: a terminal, a browser, a
spreadsheet, a JSON or XML reader, a CI runner, a shell. See hostile.sh.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from neutral import CHECKS, Fault, check_json, neutral

MACFIT = os.environ["MACFIT_BINARY"]
SOURCE = os.environ["MACFIT_SOURCE_DIR"]
LONG = int(os.environ.get("MACFIT_HOSTILE_BYTES", "10000000"))
SECONDS = 60  # a hang, not a timing: far above what any case takes under a sanitizer
MOST_LINES = 8000
MOST_BYTES = 1 << 20  # of what is printed, whatever the length of a name

NAMES = {
    "escape": "a\x1b[31mred\x1b[0m",
    "title": "a\x1b]0;owned\x07",
    "clipboard": "a\x1b]52;c;ZXZpbA==\x07",
    "link": "a\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "c1": "a\u009b31mred\u0085next\u009d0;t\u009c",
    "controls": "a\x01\x07\x08\x0b\x0c\x7f",
    "bidi": "a\u202eevil\u202c\u2066x\u2069\u200f",
    "zero-width": "a\u200b\u200d\ufeff\u2060\u00adb",
    "tags": "a\U000e0041\U000e007f",
    "separators": "a\u2028b\u2029c",
    "newline": "first\nsecond\r\nthird\rfourth",
    "tab": "\ta\tb",
    "script": "</script><script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover=\"alert(1)\" x='",
    "comment": "--><svg/onload=alert(1)><!--",
    "cdata": "]]><x>&lt;&amp;",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1",
    "minus": "-1",
    "at": "@SUM(A1)",
    "quotes": "a\"b'c`d\\",
    "substitution": "$(touch hit)`touch hit`",
    "semicolon": "a; touch hit #",
    "pipe": "a|b & touch hit > hit",
    "option": "-oProxyCommand=touch hit",
    "workflow": "x%0A::error::y,z:w\n::set-output name=a::b",
    "path": "../../etc/passwd",
    "markdown": "[click](javascript:alert(1)) | **b** `c` <b>",
    "format": "{} {0} %s %n",
    "wide": "日本語の名前👩‍👩‍👧 é́",
    "broken": b"a\xff\xfe\xc3(\xed\xa0\x80\xf4\x90\x80\x80z",
    "nul": "a\x00b",
    "empty": "",
    "blank": " ",
    "long": "x" * LONG,
    "long-hostile": "<\x1b[31m\n\"" * (LONG // 8),
}
# What the formats are most likely to stumble over, in one name.
NAMES["everything"] = "".join(
    NAMES[label] for label in ("script", "escape", "clipboard", "c1", "controls", "bidi", "zero-width", "tags",
                               "separators", "newline", "attribute", "cdata", "quotes", "substitution", "workflow",
                               "markdown", "wide"))
# What the test suite runs; --all runs all.
SUITE = ["everything", "broken", "long-hostile"]


def text(name):
    """A name as text; bytes that are not UTF-8 stay what they are through surrogateescape."""
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def raw(name):
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def json_bytes(value):
    """JSON with the names in it as they are, so that broken UTF-8 reaches the reader too."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")


# Where a name can stand. Each place writes what it needs into its folder and gives command lines, as
# words and the format to ask for.

SHAPES = {
    "type": "llama", "hidden": 4096, "vocabulary": 128256,
    "blocks": {"full": {"attention": {"heads": 32, "kv_heads": 8, "head_dim": 128}, "dense": {"width": 14336}}},
    "layers": "32*full",
}
CONFIG = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "head_dim": 128,
    "max_position_embeddings": 131072, "architectures": ["LlamaForCausalLM"],
}
STUDIO = "mac-studio-m4-max-128"
TEXTS = ["text", "json", "html"]
CHECK = ["concise", "json", "github", "sarif", "junit"]


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def of(words, formats):
    return [(words, one) for one in formats]


def every_command(model, nodes):
    """All that is printed about a model on a cluster."""
    m, n = ["--model", model], ["--nodes", nodes]
    jobs = ["--prompt-tokens", "2k", "--output-tokens", "500", "--prompts", "50", "--nights", "20"]
    return (
        of(["plan", *m, *n], TEXTS) + of(["plan", "--explain", *m, *n, "--color", "always"], ["colored"])
        + of(["plan", *m, *n, "--against", nodes], TEXTS)
        + of(["night", *m, *n, *jobs], ["text", "json", "csv", "markdown", "html"])
        + of(["size", *m, *n], ["text", "json"])
        + of(["compare", *m, *n, "context=8k", "context=64k"], ["text", "markdown", "json"])
        + of(["sweep", *m, *n, "--context", "8k,16k"], ["csv", "jsonl", "markdown", "text", "html"])
        + of(["breakeven", *m, *n], ["text", "json", "csv", "svg", "html"])
    )


def place_model_flag(name):
    return every_command(name, "2x128")[:3] + of(["models", "show", name], ["text", "json"])


def place_nodes_flag(name):
    return of(["plan", "--model", "glm-4.5", "--nodes", name], TEXTS) + of(["hardware", "show", name], ["text"])


def place_other_flags(name):
    base = ["plan", "--model", "glm-4.5", "--nodes", "2x128"]
    flags = ["--quant", "--context", "--sequences", "--kv", "--runtime", "--split", "--layers", "--link", "--macos",
             "--wired-limit", "--reserve", "--cluster-reserve", "--prefill-step", "--require", "--against", "--format",
             "--color", "--catalog", "--batch"]
    sweeps = ["sweep", "--model", "glm-4.5", "--nodes", "2x128", "--format", "text"]
    nights = ["night", "--model", "glm-4.5", "--nodes", "2x128"]
    return of([], []) + [(line, "text?") for line in (
        [[*base, f"{flag}={name}"] for flag in flags]
        + [[*sweeps, f"{flag}={name}"] for flag in ("--where", "--select", "--pareto", "--part", "--threads", "--spec")]
        + [[*nights, f"{flag}={name}"] for flag in ("--jobs", "--hours", "--fault", "--restart", "--checkpoint",
                                                    "--load-rate", "--nights", "--seed", "--prompt-tokens")]
        + [["survey", "--nodes", "2x128", f"{flag}={name}"] for flag in ("--models", "--where", "--sort", "--tier")]
        + [["breakeven", "--nodes", "2x128", f"{flag}={name}"] for flag in ("--active", "--hours", "--context")]
        + [["compare", "--model", "glm-4.5", "nodes=2x128", name], ["compare", name, "nodes=2x128"]]
        + [["explain", name], ["help", name], ["completion", name], [name], ["plan", name], ["--" + name],
           ["runtimes", "show", name], ["models", "import", name], ["check", name], ["check", "[" + name],
           ["calibrate", "--validate", name], ["calibrate", "--fit", name],
           ["launch", "--model", "glm-4.5", "--nodes", "2x128", "--output", "missing/" + name],
           [*base, "--output", "missing/" + name]])]


def place_model_file(name):
    """A manifest's path."""
    path = "./" + text(name).replace("/", "_") + ".json"
    write(raw(path), json_bytes({"schema": "macfit.manifest/1", "id": "good", "architecture": SHAPES}))
    return every_command(path, "2x128") + of(["models", "show", path], ["text", "json"]) + of(["check", path], CHECK)


def place_bad_file(name):
    """The path of a manifest with something wrong in it."""
    path = "./" + text(name).replace("/", "_") + ".json"
    write(raw(path), json_bytes({"schema": "macfit.manifest/1", "idd": "good"}))
    return of(["check", path], CHECK) + of(["models", "show", path], ["text"])


def place_model_folder(name):
    """A checkpoint's folder, whose name becomes the model's."""
    folder = "./" + text(name).replace("/", "_")
    if folder in ("./", "./."):
        folder = "./ "
    os.makedirs(raw(folder), exist_ok=True)
    write(raw(folder + "/config.json"), json_bytes(CONFIG))
    return (every_command(folder, "2x128") + of(["models", "show", folder], ["text", "json"])
            + [(["models", "import", folder], "json?")]
            + [(["launch", "--model", folder, "--nodes", "2x128", "--runtime", "mlx-lm", "--output", "launched"],
                "launch")])


def place_config(name):
    """Texts in a config.json."""
    write("config.json", json_bytes({**CONFIG, "_name_or_path": text(name), "torch_dtype": text(name), text(name): 1}))
    write("type.json", json_bytes({**CONFIG, "model_type": text(name), "architectures": [text(name)]}))
    return (of(["plan", "--model", "./config.json", "--nodes", "2x128"], TEXTS)
            + of(["models", "show", "./config.json"], ["text", "json"])
            + of(["models", "show", "./type.json"], ["text", "json"])
            + [(["models", "import", "./type.json"], "json?")])


def gguf(name):
    def string(data):
        return len(data).to_bytes(8, "little") + data

    def number(key, value):
        return string(key) + (4).to_bytes(4, "little") + value.to_bytes(4, "little")

    pairs = [string(b"general.architecture") + (8).to_bytes(4, "little") + string(b"llama")]
    for key in (b"general.name", b"general.basename", b"general.finetune", b"x." + name):
        pairs.append(string(key) + (8).to_bytes(4, "little") + string(name))
    for key, value in ((b"block_count", 2), (b"embedding_length", 64), (b"feed_forward_length", 128),
                       (b"attention.head_count", 2), (b"attention.head_count_kv", 2), (b"context_length", 4096),
                       (b"vocab_size", 1000)):
        pairs.append(number(b"llama." + key, value))
    tensor = string(name or b"t") + (1).to_bytes(4, "little") + (64).to_bytes(8, "little") + (0).to_bytes(4, "little")
    head = b"GGUF" + (3).to_bytes(4, "little") + (1).to_bytes(8, "little") + len(pairs).to_bytes(8, "little")
    data = head + b"".join(pairs) + tensor + (0).to_bytes(8, "little")
    return data + bytes(-len(data) % 32) + bytes(256)


def place_gguf(name):
    write("m.gguf", gguf(raw(name)))
    return (of(["models", "show", "./m.gguf"], ["text", "json"]) + [(["models", "import", "./m.gguf"], "json?")]
            + of(["plan", "--model", "./m.gguf", "--nodes", "2x128"], TEXTS))


def place_safetensors(name):
    head = json_bytes({"__metadata__": {"format": text(name), text(name) + "k": text(name)},
                       text(name) + "t": {"dtype": text(name), "shape": [4], "data_offsets": [0, 8]}})
    write("m.safetensors", len(head).to_bytes(8, "little") + head + bytes(8))
    index = {"metadata": {text(name): text(name)}, "weight_map": {text(name): text(name)}}
    write("model.safetensors.index.json", json_bytes(index))
    write("config.json", json_bytes(CONFIG))
    return (of(["models", "show", "./m.safetensors"], ["text", "json"])
            + of(["models", "show", "./model.safetensors.index.json"], ["text"])
            + of(["models", "show", "."], ["text", "json"]))


def place_manifest(name):
    """Every text of a manifest, one at a time."""
    whole = {
        "schema": "macfit.manifest/1", "id": "good", "aliases": ["other"], "repository": "owner/name",
        "source": {"shapes": "somewhere", "evidence": "exact"}, "architecture": SHAPES,
        "formats": [{"recipe": "q4", "repository": "owner/name-4bit", "bytes": 4600000000, "source": "s",
                     "evidence": "community"}],
        "expect": [{"name": "one", "nodes": "2x128", "verdict": "pipeline-shard", "quant": "q4", "runtime": "mlx-lm"}],
    }

    def deep(**changes):
        result = json.loads(json.dumps(whole))
        result.update(changes)
        return result

    t = text(name)
    one = {
        "id": deep(id=t), "schema": deep(schema=t), "alias": deep(aliases=[t]), "repository": deep(repository=t),
        "shapes": deep(source={"shapes": t, "evidence": "exact"}),
        "evidence": deep(source={"shapes": "s", "evidence": t}),
        "type": deep(architecture={**SHAPES, "type": t}), "layers": deep(architecture={**SHAPES, "layers": t}),
        "block": deep(architecture={**SHAPES, "blocks": {t: SHAPES["blocks"]["full"]}, "layers": "32*" + t}),
        "recipe": deep(formats=[{**whole["formats"][0], "recipe": t}]),
        "format": deep(formats=[{**whole["formats"][0], "repository": t, "source": t}]),
        "key": deep(**{t: 1}), "from": deep(**{"from": {"config": t}}),
    }
    for key in ("name", "nodes", "verdict", "tier", "quant", "runtime", "kv", "link"):
        one["expect-" + key] = deep(expect=[{**whole["expect"][0], key: t}])
    if len(t) > 1_000_000:  # a few stand for all
        one = {label: one[label] for label in ("id", "shapes", "block", "key", "format", "expect-kv")}
    os.makedirs("m")
    for label, manifest in one.items():
        write(f"m/{label}.json", json_bytes(manifest))
    commands = of(["check", "m"], CHECK)
    for label in ("id", "repository", "shapes", "type", "block", "recipe", "format", "key", "alias"):
        if label not in one:
            continue
        commands += of(["models", "show", f"m/{label}.json"], ["text", "json"])
    for label in ("repository", "shapes", "type", "block", "format"):
        if label not in one:
            continue
        commands += of(["plan", "--model", f"m/{label}.json", "--nodes", "2x128"], TEXTS)
        commands.append((["launch", "--model", f"m/{label}.json", "--nodes", "2x128", "--runtime", "mlx-lm", "--output",
                          "launched-" + label], "launch"))
    return commands


def cluster(name, node):
    return {"schema": "macfit.cluster/1", "name": name,
            "nodes": [{"name": node, "machine": STUDIO}, {"name": "two", "machine": STUDIO}],
            "links": [{"between": [node, "two"], "kind": "thunderbolt-5", "transport": "rdma"}]}


def place_node(name):
    """The name of a node and of its cluster."""
    write("desk.json", json_bytes(cluster(text(name), text(name))))
    commands = every_command("glm-4.5", "desk.json") + of(["hardware", "show", "desk.json"], ["text", "json"])
    commands += of(["survey", "--nodes", "desk.json", "--models", "glm*"], ["text", "markdown", "csv", "json", "html"])
    commands += of(["compare", "--model", "glm-4.5", "nodes=desk.json", "nodes=2x128"], ["text", "markdown", "json"])
    for runtime in ("mlx-lm", "exo", "llama.cpp"):
        model = "glm-4.5" if runtime != "exo" else "minimax-m2.5"
        commands.append((["launch", "--model", model, "--nodes", "desk.json", "--runtime", runtime, "--output",
                          "launched-" + runtime], "launch"))
    commands.append((["launch", "--model", "llama-3.1-70b", "--nodes", "desk.json", "--runtime", "mlx-lm", "--output",
                      "launched-workers"], "launch"))
    return commands


def place_cluster_file(name):
    """The path of a cluster file."""
    path = "./" + text(name).replace("/", "_") + ".json"
    write(raw(path), json_bytes(cluster("desk", "one")))
    commands = every_command("glm-4.5", path) + of(["survey", "--nodes", path, "--models", "glm*"], ["text", "html"])
    commands.append((["launch", "--model", "glm-4.5", "--nodes", path, "--runtime", "mlx-lm", "--output", "launched"],
                     "launch"))
    return commands


def place_cluster_texts(name):
    """The other texts of a cluster file."""
    t = text(name)
    commands = []
    for label, change in {
        "machine": {"nodes": [{"name": "one", "machine": t}]},
        "macos": {"nodes": [{"name": "one", "machine": STUDIO, "macos": t}]},
        "limit": {"nodes": [{"name": "one", "machine": STUDIO, "wired_limit": t}]},
        "key": {t: 1}, "schema": {"schema": t},
        "between": {"links": [{"between": [t, "two"], "kind": "thunderbolt-5", "transport": "tcp"}]},
        "kind": {"links": [{"between": ["one", "two"], "kind": t, "transport": t}]},
    }.items():
        write(f"{label}.json", json_bytes({**cluster("desk", "one"), **change}))
        commands += of(["plan", "--model", "glm-4.5", "--nodes", f"{label}.json"], ["text"])
    return commands


def place_jobs(name):
    write("jobs.jsonl", json_bytes({"id": text(name), "prompt_tokens": 2000, "output_tokens": 500, "count": 3}) + b"\n")
    write("key.jsonl", json_bytes({text(name): 1}) + b"\n")
    base = ["night", "--model", "llama-3.3-70b", "--nodes", "2x128", "--nights", "20", "--jobs"]
    path = "./" + text(name).replace("/", "_") + ".jsonl"
    shutil.copy(b"jobs.jsonl", raw(path))
    return (of([*base, "jobs.jsonl"], ["text", "json", "csv", "markdown", "html"]) + of([*base, "key.jsonl"], ["text"])
            + of([*base, path], ["text", "html"]))


def place_batch(name):
    t = text(name)
    lines = [{"id": t, "model": "glm-4.5"}, {"id": 1, "model": t}, {"id": 2, "model": "glm-4.5", "nodes": t},
             {"id": 3, "model": "glm-4.5", t: 1}, {"id": 4, "model": "glm-4.5", "context": t}, t]
    write("batch.jsonl", b"\n".join(json_bytes(line) for line in lines) + b"\n" + raw(name)[:1000] + b"\n")
    base = ["plan", "--nodes", "2x128", "--batch", "batch.jsonl"]
    return [(base, "jsonl?"), ([*base, "--brief"], "jsonl?")]


def place_spec(name):
    t = text(name)
    commands = []
    axes = {"model": ["glm-4.5"], "nodes": ["2x128"]}
    for label, spec in {
        "model": {"axes": {**axes, "model": [t]}}, "nodes": {"axes": {**axes, "nodes": [t]}},
        "quant": {"axes": {**axes, "quant": ["default", t]}}, "context": {"axes": {**axes, "context": [t]}},
        "axis": {"axes": {**axes, t: ["x"]}}, "key": {"axes": axes, t: 1}, "where": {"axes": axes, "where": [t]},
        "select": {"axes": axes, "select": [t]},
    }.items():
        write(f"{label}.json", json_bytes({"schema": "macfit.sweep/1", **spec}))
        commands += of(["sweep", "--spec", f"{label}.json"], ["csv", "jsonl", "html"])
    return commands


def place_measurements(name):
    t = text(name)
    row = {"id": "m1", "hardware": "Mac Studio M3 Ultra", "chip": "M3 Ultra", "ram_gb_per_node": 512,
           "runtime": "llama.cpp", "model": "llama-3.1-8b", "quant": "Q4_K_M", "phase": "decode", "value": 51.85,
           "source": "somewhere", "date": "2025-12-18"}
    commands = []
    for key in ("id", "hardware", "chip", "runtime", "model", "quant", "phase", "source", "notes", t):
        write("rows-" + str(len(commands)) + ".json", json_bytes({"rows": [row, {**row, "id": "m2", key: t}]}))
        commands += of(["calibrate", "--validate", "rows-" + str(len(commands)) + ".json"], ["text", "json"])
    write("baseline.json", json_bytes({"schema": "macfit.check/1", "files": [{"path": t, "model": t}], t: 1}))
    shutil.copy(SOURCE + "/models/glm-4.5.json", "glm-4.5.json")
    commands += of(["check", "glm-4.5.json", "--baseline", "baseline.json"], ["concise", "json"])
    plan = {"schema": "macfit.plan/1", "tool": {"name": t}, "model": {"id": t}, "verdict": {"kind": t, "summary": t}}
    write("a.json", json_bytes(plan))
    commands += of(["compare", "a.json", "nodes=2x128", "--model", "glm-4.5"], ["text"])
    return commands


def place_saved_plan(name):
    """Every text of a saved plan that compare reads."""
    done = subprocess.run([MACFIT, "plan", "--model", "glm-4.5", "--nodes", "2x128", "--format", "json"], check=True,
                          capture_output=True)
    plan = json.loads(done.stdout)

    def replaced(value):
        if isinstance(value, dict):
            return {key: replaced(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replaced(item) for item in value]
        keep = ("macfit.plan/1", "pipeline", "tensor", "independent", "borderline", "comfortable", "not-practical")
        return text(name) if isinstance(value, str) and value not in keep and not value.endswith("-shard") else value

    write("a.json", json_bytes(plan))
    write("b.json", json_bytes(replaced(plan)))
    return of(["compare", "a.json", "b.json"], ["text", "markdown", "json"])


def place_catalog(name):
    """A catalog's folder, and texts in its files."""
    folder = "./" + text(name).replace("/", "_")
    if folder in ("./", "./."):
        folder = "./ "
    shutil.copytree(raw(SOURCE + "/hardware"), raw(folder + "/hardware"))
    os.makedirs(raw(folder + "/models"))
    for model in ("glm-4.5", "llama-3.1-70b"):
        shutil.copy(raw(SOURCE + f"/models/{model}.json"), raw(folder + f"/models/{model}.json"))
    commands = of(["plan", "--model", "glm-4.5", "--nodes", "2x128", "--catalog", folder], TEXTS)
    commands += of(["survey", "--nodes", "2x128", "--catalog", folder], ["text", "markdown", "csv", "json", "html"])
    commands += of(["models", "list", "--catalog", folder], ["text", "json"])
    commands += of(["hardware", "list", "--catalog", folder], ["text", "json"])
    shutil.copytree(raw(folder), b"bad")
    for file in ("machines", "chips", "links"):
        with open(f"bad/hardware/{file}.json", "rb") as opened:
            whole = json.load(opened)
        whole["sources"] = {key: text(name) for key in whole["sources"]}
        write(f"bad/hardware/{file}.json", json_bytes(whole))
    for line in (["hardware", "list"], ["hardware", "show", STUDIO], ["hardware", "show", "tb5-tcp"],
                 ["hardware", "show", "m4-max"]):
        commands += of([*line, "--catalog", "bad"], ["text", "json"])
    commands += of(["plan", "--model", "glm-4.5", "--nodes", "2x128", "--catalog", "bad"], ["html"])
    write("bad/models/" + "x.json", json_bytes({"schema": "macfit.manifest/1", "id": text(name)}))
    commands += of(["models", "list", "--catalog", "bad"], ["text"])
    return commands


PLACES = {key[6:]: value for key, value in list(globals().items()) if key.startswith("place_")}


def check_launched(folder, name):
    """The scripts parse, nothing hides in them, and the names reach the program unchanged."""
    for file in sorted(os.listdir(folder)):
        path = os.path.join(folder, file)
        with open(path, "rb") as opened:
            data = opened.read()
        try:
            neutral(data, tabs=True)
        except Fault as fault:
            raise Fault(f"{file}: {fault}") from fault
        if len(data) > MOST_BYTES:
            raise Fault(f"{file} has {len(data)} bytes")
        if file.endswith(".json"):
            json.loads(data)
        if not file.endswith(".sh"):
            continue
        done = subprocess.run(["bash", "-n", path], capture_output=True, check=False)
        if done.returncode != 0:
            raise Fault(f"{file} does not parse: {done.stderr!r}")
        if file in ("settings.sh",):
            done = subprocess.run(["bash", "-euc", f'. "{path}"; printf "%s\\0" "${{NAMES[@]}}" "${{#NAMES[@]}}"'],
                                  capture_output=True, check=False)
            if done.returncode != 0 or done.stderr:
                raise Fault(f"{file} does not run: {done.stderr!r}")
    if os.path.exists("hit"):
        raise Fault("a name was run as a command")


def run_case(command, kind):
    words = [raw(text(word)) for word in command]
    if kind not in ("text?", "json?", "jsonl?", "launch", "colored"):
        words += [b"--format", kind.encode()]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    try:
        done = subprocess.run([MACFIT, *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS,
                              env=environment, check=False)
    except subprocess.TimeoutExpired as expired:
        raise Fault("does not end") from expired
    except ValueError:
        return  # a NUL: no command line holds one
    except OSError:
        return  # too long for a command line
    if done.returncode not in (0, 1, 2):
        raise Fault(f"exit code {done.returncode}: {done.stderr[-400:]!r}")
    neutral(done.stderr)
    if b"should not happen" in done.stderr:
        raise Fault(f"stderr: {done.stderr[:400]!r}")
    if done.returncode == 2 and not done.stderr and kind not in ("jsonl?",):
        raise Fault("fails without a word")
    for what, data in (("stdout", done.stdout), ("stderr", done.stderr)):
        if len(data) > MOST_BYTES or data.count(b"\n") > MOST_LINES:
            raise Fault(f"{what}: {len(data)} bytes, {data.count(10)} lines")
    if len(done.stderr) > 20000:
        raise Fault(f"stderr: {len(done.stderr)} bytes")
    if kind == "launch":
        neutral(done.stdout)
        if done.returncode == 0:
            check_launched(command[command.index("--output") + 1], None)
    elif kind == "json?" and done.returncode == 0:
        check_json(done.stdout)
        write("imported.json", done.stdout)
        again = subprocess.run([MACFIT, "models", "show", "./imported.json"], capture_output=True, check=False)
        if again.returncode != 0:
            raise Fault(f"what import wrote can't be read: {again.stderr!r}")
    elif kind == "colored":
        neutral(re.sub(rb"\x1b\[[0-9;]*m", b"", done.stdout))
    elif done.stdout:
        CHECKS[kind.rstrip("?")](done.stdout)


def run_place(place, label):
    name = text(NAMES[label])
    faults = []
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            commands = PLACES[place](name)
        except (OSError, ValueError):
            return 0, []  # no file can be named like this
        for command, kind in commands:
            count += 1
            try:
                run_case(command, kind)
            except Fault as fault:
                shown = " ".join(ascii(word)[:80] for word in command)
                faults.append(f"{label} in {place}: macfit {shown} ({kind}): {str(fault)[:600]}")
            except (ValueError, xml.etree.ElementTree.ParseError) as error:
                faults.append(f"{label} in {place}: macfit {command[:4]} ({kind}): does not parse: {str(error)[:300]}")
        os.chdir("/")
    return count, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=lambda words: words.split(","), help="these of: " + " ".join(NAMES))
    parser.add_argument("--places", type=lambda words: words.split(","), help="these of: " + " ".join(PLACES))
    parser.add_argument("--all", action="store_true", help="every name alone in every place: some 20 minutes")
    asked = parser.parse_args()
    labels = asked.names or ([*NAMES] if asked.all else SUITE)
    places = asked.places or [*PLACES]
    total = 0
    failed = 0
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(run_place, place, label) for place in places for label in labels]
        for job in jobs:
            count, faults = job.result()
            total += count
            failed += len(faults)
            for fault in faults:
                print("FAIL:", fault, flush=True)
    print(f"{total} runs: {len(labels)} names in {len(places)} places, {failed} faults")
    return failed > 0 or total == 0


if __name__ == "__main__":
    sys.exit(main())
