"""The stores of other programs, laid out in a home of its own, whole and broken."""

import hashlib
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["MACFIT_SOURCE_DIR"], "tests", "hub"))
from model_files import write_gguf, write_sharded  # noqa: E402
from program import check, facts, failures, macfit, show, work  # noqa: E402

home = os.path.join(work, "home")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"


def at(*names):
    path = os.path.join(home, *names)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def write(path, text):
    with open(path, "w") as stream:
        stream.write(text)


def hugging_face(root, name, files, main=COMMIT):
    """blobs, snapshots of links to them, refs: as huggingface_hub lays them."""
    folder = os.path.join(root, "models--" + name.replace("/", "--"))
    snapshot = os.path.join(folder, "snapshots", COMMIT)
    for part in ("blobs", "refs"):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    for path, source in files.items():
        blob = hashlib.sha256((name + path).encode()).hexdigest()
        shutil.copy(source, os.path.join(folder, "blobs", blob))
        link = os.path.join(snapshot, path)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(os.path.relpath(os.path.join(folder, "blobs", blob), os.path.dirname(link)), link)
    write(os.path.join(folder, "refs", "main"), main)
    return folder


def ollama(path, blob, size, kind="application/vnd.ollama.image.model"):
    layers = [{"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64, "size": 3},
              {"mediaType": kind, "digest": "sha256:" + blob, "size": size}]
    write(at(".ollama/models/manifests", path), json.dumps({"schemaVersion": 2, "layers": layers}))


def lay_out(plain, gguf):
    files = {name: os.path.join(plain, name) for name in os.listdir(plain)}
    cache = at(".cache/huggingface/hub/x")[:-2]
    hugging_face(cache, "org/whole", files)
    half = {name: path for name, path in files.items() if "00002" not in name}
    folder = hugging_face(cache, "org/half", half)
    write(os.path.join(folder, "blobs", "abc.incomplete"), "half")
    folder = hugging_face(cache, "org/dangling", files)
    os.remove(os.path.realpath(os.path.join(folder, "snapshots", COMMIT, "model-00001-of-00002.safetensors")))
    folder = hugging_face(cache, "org/outside", files)
    write(os.path.join(work, "elsewhere"), "not of this store")
    os.symlink(os.path.join(work, "elsewhere"), os.path.join(folder, "snapshots", COMMIT, "more.safetensors"))
    hugging_face(cache, "org/starting", {})
    write(os.path.join(cache, "models--org--starting", "blobs", "abc.incomplete"), "")
    hugging_face(cache, "org/several-GGUF", {"a-Q8_0.gguf": gguf, "b/a-Q4_K_M.gguf": gguf, "mmproj-a.gguf": gguf})
    folder = hugging_face(cache, "org/two-commits", files)
    shutil.copytree(os.path.join(folder, "snapshots", COMMIT), os.path.join(folder, "snapshots", OTHER), symlinks=True)
    # The whole model on another disk is fine; snapshots that lead anywhere are not looked at.
    hugging_face(os.path.join(work, "disk"), "org/moved", files)
    os.symlink(os.path.join(work, "disk", "models--org--moved"), os.path.join(cache, "models--org--moved"))
    os.makedirs(os.path.join(cache, "models--org--led"))
    os.symlink("/", os.path.join(cache, "models--org--led", "snapshots"))
    folder = hugging_face(cache, "org/branches", files, main=OTHER)
    os.makedirs(os.path.join(folder, "refs", "refs", "pr"))
    write(os.path.join(folder, "refs", "refs", "pr", "1"), COMMIT)
    write(os.path.join(folder, "refs", "v1.0"), COMMIT)
    # Trees that lead round, a pipe for a weight file, and names that nobody expects.
    loop = os.path.join(cache, "models--org--loop", "snapshots", COMMIT)
    os.makedirs(loop)
    os.symlink(loop, os.path.join(loop, "again"))
    os.mkfifo(os.path.join(loop, "model.safetensors"))
    os.makedirs(os.path.join(cache, "models--"))
    os.makedirs(os.path.join(cache, "models--odd--\x1b[31mname", "snapshots"))
    write(os.path.join(cache, "version.txt"), "1")

    studio = at(".lmstudio/models/lmstudio-community/small-GGUF/small-Q8_0.gguf")
    shutil.copy(gguf, studio)
    shutil.copytree(plain, at(".lmstudio/models/mlx-community/small-bf16"))
    shutil.copy(os.path.join(plain, "model-00001-of-00002.safetensors"),
                at(".lmstudio/models/mlx-community/small-bf16/consolidated.safetensors"))
    write(at(".lmstudio/models/org/arriving/downloading_small-Q8_0.gguf.part"), "half")

    # Far more files than anybody has, in one folder and as many models.
    many = at(".lmstudio/models/org/many/x")[:-2]
    for number in range(3000):
        write(os.path.join(many, f"model-{number}.safetensors"), "")
        write(os.path.join(many, f"m-Q{number}.gguf"), "")

    blob, size = "a" * 64, os.path.getsize(gguf)
    shutil.copy(gguf, at(".ollama/models/blobs/sha256-" + blob))
    ollama("registry.ollama.ai/library/small/8b-q8_0", blob, size)
    ollama("registry.ollama.ai/library/small/latest", blob, size)
    ollama("registry.ollama.ai/someone/theirs/1b", blob, size)
    ollama("hf.co/org/pulled-GGUF/Q8_0", blob, size)
    ollama("registry.ollama.ai/library/gone/7b", "b" * 64, size)
    ollama("registry.ollama.ai/library/short/7b", blob, size + 1)
    ollama("registry.ollama.ai/library/outward/7b", "../" * 20 + "etc/passwd", 1)
    ollama("registry.ollama.ai/library/image/7b", blob, size, "application/vnd.ollama.image.tensor")
    write(at(".ollama/models/manifests/registry.ollama.ai/library/broken/7b"), "{")

    write(at(".cache/llama.cpp/manifest=ggml-org=small-GGUF=latest.json"), "{}")
    shutil.copy(gguf, at(".cache/llama.cpp/ggml-org_small-GGUF_small-Q8_0.gguf"))
    shutil.copy(gguf, at(".cache/llama.cpp/else_other-GGUF_other-Q8_0.gguf"))
    write(at(".cache/llama.cpp/else_more-GGUF_more-Q8_0.gguf.downloadInProgress"), "half")

    shutil.copytree(plain, at(".exo/models/mlx-community--exos-own"))
    shutil.copytree(plain, at("own/converted"))
    shutil.copytree(plain, at("own/me/mine"))


def listed(*words, **environment):
    done = macfit("models", "list", "--local", "--format", "json", *words, **environment)
    check(done.returncode == 0, done.stderr)
    return json.loads(done.stdout or '{"models": []}')["models"]


def tree(folder):
    return sorted((os.path.join(path, name), os.lstat(os.path.join(path, name)).st_mtime_ns)
                  for path, folders, files in os.walk(folder) for name in folders + files)


def main():
    plain, gguf = os.path.join(work, "plain"), os.path.join(work, "small-Q8_0.gguf")
    os.makedirs(home)
    check(listed() == [], "no store, no models")
    write_sharded(plain, 2)
    write_gguf(gguf, 8)
    lay_out(plain, gguf)
    before = tree(home)
    own = {"MACFIT_MODEL_DIRS": os.path.join(home, "own")}
    models = listed(**own)
    whole = {(model["name"], model["quant"]) for model in models if model["complete"]}
    wanted = {("org/whole", None), ("org/several-GGUF", "Q8_0"), ("org/several-GGUF", "Q4_K_M"),
              ("org/two-commits", None), ("org/moved", None), ("org/branches", None), ("lmstudio-community/small-GGUF", "Q8_0"),
              ("mlx-community/small-bf16", None), ("small:8b-q8_0", "Q8_0"), ("small:latest", None),
              ("someone/theirs:1b", None), ("hf.co/org/pulled-GGUF:Q8_0", "Q8_0"),
              ("ggml-org/small-GGUF", "Q8_0"), ("else_other-GGUF_other-Q8_0.gguf", "Q8_0"),
              ("mlx-community/exos-own", None), ("converted", None), ("me/mine", None)}
    check(whole == wanted, f"whole: {sorted(map(str, whole ^ wanted))}")
    broken = {model["name"]: model["missing"] for model in models if not model["complete"]}
    for name, words in (("org/half", "a download is not finished"), ("org/dangling", "not there"),
                        ("org/outside", "leads out of its folder"), ("org/starting", "not finished"),
                        ("org/loop", "not there"), ("org/arriving", "not finished"),
                        ("gone:7b", "not there"), ("short:7b", "bytes of"), ("outward:7b", "names no GGUF"),
                        ("image:7b", "names no GGUF"), ("broken:7b", "names no GGUF"),
                        ("else_more-GGUF_more-Q8_0.gguf", "not finished")):
        check(words in broken.get(name, ""), f"{name}: {broken.get(name)}")

    on_disk, file_on_disk = facts(show(plain)), facts(show(gguf))
    for name, wanted in (("org/whole", on_disk), ("ORG/Whole", on_disk), ("org/whole@main", on_disk),
                         ("org/two-commits@" + OTHER[:8], on_disk), ("org/moved", on_disk),
                         ("org/branches@v1.0", on_disk), ("org/branches@refs/pr/1", on_disk), ("mlx-community/small-bf16", on_disk),
                         ("mlx-community/exos-own", on_disk), ("me/mine", on_disk), ("converted", on_disk),
                         ("org/several-GGUF", file_on_disk), ("org/several-GGUF:Q8_0", file_on_disk),
                         ("lmstudio-community/small-GGUF:q8_0", file_on_disk),
                         ("small:8b-q8_0", file_on_disk), ("small", file_on_disk), ("someone/theirs:1b", file_on_disk),
                         ("org/pulled-GGUF:Q8_0", file_on_disk), ("ggml-org/small-GGUF", file_on_disk),
                         ("else/other-GGUF:Q8_0", file_on_disk)):
        done = show(name, MACFIT_OFFLINE="1", **own)
        if done.returncode == 0:
            check(facts(done) == wanted, f"{name}: {facts(done)}")
        check("from the" in done.stderr, f"{name}: {done.stderr}")
    for name in ("org/branches@main", "org/branches@v2", "org/whole@abc", "mlx-community/small-bf16@v1"):
        other = show(name, MACFIT_OFFLINE="1", code=2, **own)
        check("not in the cache, and the hub is not asked" in other.stderr, f"{name}: {other.stderr}")
    several = show("org/many:Q4_K_M", MACFIT_OFFLINE="1", code=2)
    check(len(several.stderr) < 2000, several.stderr[:3000])
    half = show("org/half", MACFIT_OFFLINE="1", code=2)
    check("is in the Hugging Face cache, but not whole" in half.stderr, half.stderr)
    gone = show("gone:7b", code=2)
    check("is in the Ollama store, but not whole" in gone.stderr, gone.stderr)
    check(show("llama-3.1-8b").stderr == "", "the catalog goes before stores")

    fits = {model["name"]: model["fit"] for model in listed("--nodes", "1x16", **own)}
    check(fits["org/whole"]["tier"] == "comfortable", f"fit: {fits['org/whole']}")
    check(fits["org/half"] is None, "what is not whole has no fit")
    text = macfit("models", "list", "--local", "--nodes", "1x16").stdout
    check("org/whole" in text and "not whole" in text and "\x1b" not in text, text)
    elsewhere = {model["store"] for model in listed(HF_HOME="/nowhere", OLLAMA_MODELS="/nowhere")}
    check("Hugging Face cache" not in elsewhere and "Ollama store" not in elsewhere, f"{elsewhere}")
    moved = listed(HF_HUB_CACHE=os.path.join(home, ".cache/huggingface/hub"), HF_HOME="/nowhere")
    check("org/whole" in {model["name"] for model in moved}, "HF_HUB_CACHE")
    check(tree(home) == before, "stores are only read")
    shutil.rmtree(work)
    sys.exit(1 if failures else 0)


main()
