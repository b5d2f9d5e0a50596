"""Models on a hub, by their names, against the same files on disk; and every way a hub can lie."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.environ["MACFIT_SOURCE_DIR"], "tests", "hub"))
import server as hub  # noqa: E402
from model_files import CONFIG, tensors_of, write_gguf, write_safetensors, write_sharded  # noqa: E402
from program import check, facts, failures, macfit, show, work  # noqa: E402


def stats(address):
    with urllib.request.urlopen(address + "/stats") as answer:
        return json.load(answer)


def seen_by(address):
    return stats(address)["seen"]


def same(name, path, address):
    """The model by its name is the model at the path; returns what the hub was asked."""
    on_disk = show(path)
    stats(address)
    by_name = show(name, endpoint=address)
    asked = stats(address)
    if on_disk.returncode == 0 and by_name.returncode == 0:
        check(facts(on_disk) == facts(by_name), f"{name} is not as on disk:\n{facts(on_disk)}\n{facts(by_name)}")
    again = show(name, endpoint=address)
    check(again.stdout == by_name.stdout, f"{name}: another answer from the cache")
    check(not stats(address)["seen"], f"{name}: the hub is asked again")
    return asked


def repositories(root):
    at = lambda *names: os.path.join(root, *names)  # noqa: E731
    write_sharded(at("org", "sharded"), 3)
    write_sharded(at("org", "thirty"), 30, padding=20_000)
    write_sharded(at("org", "no-index"), 2, index=False)
    write_sharded(at("org", "gated"), 1)
    write_sharded(at("org", "busy"), 2)
    write_sharded(at("org", "outside"), 2)
    write_sharded(at("org", "in-folders", "small"), 2)
    os.makedirs(at("org", "single"))
    shutil.copy(at("org", "sharded", "config.json"), at("org", "single", "config.json"))
    write_safetensors(at("org", "single", "model.safetensors"), list(tensors_of(CONFIG)))
    write_safetensors(at("org", "single", "consolidated.safetensors"), list(tensors_of(CONFIG)))
    os.makedirs(at("org", "config-alone"))
    shutil.copy(at("org", "sharded", "config.json"), at("org", "config-alone", "config.json"))
    write_gguf(at("org", "some-GGUF", "some-Q8_0.gguf"), 8)
    write_gguf(at("org", "some-GGUF", "some-f16.gguf"), 1)
    write_gguf(at("org", "some-GGUF", "mmproj-some-f16.gguf"), 1)
    write_gguf(at("org", "usual-GGUF", "some-Q4_K_M.gguf"), 8)
    write_gguf(at("org", "usual-GGUF", "some-Q8_0.gguf"), 8)
    write_gguf(at("org", "usual-GGUF", "some-UD-Q2_K_XL.gguf"), 1)
    write_gguf(at("org", "large-GGUF", "large-Q8_0.gguf"), 8, tokens=60_000)
    for part in range(3):
        write_gguf(at("org", "split-GGUF", "Q8_0", f"some-Q8_0-{part + 1:05d}-of-00003.gguf"), 8, part, 3)
    for kind in ("ignores-ranges", "endless", "other-range", "no-range-said", "short", "cut",
                 "size-changes", "to-file", "to-ftp", "to-this-machine", "to-the-network", "around", "bomb",
                 "huge-header", "total-lies", "endless-headers", "silent", "drips", "to-http", "forbidden", "teapot", "gone", "always-busy", "bad-json", "endless-listing"):
        write_sharded(at("faults", kind), 2, padding=40_000)


def test_kinds(root, address):
    at = lambda *names: os.path.join(root, "org", *names)  # noqa: E731
    for name, path in (("org/sharded", at("sharded")), ("org/no-index", at("no-index")),
                       ("org/single", at("single")), ("org/config-alone", at("config-alone", "config.json")),
                       ("org/outside", at("outside")), ("org/busy", at("busy")),
                       ("hf.co/org/in-folders/tree/main/small", at("in-folders", "small")),
                       ("https://huggingface.co/org/sharded/tree/v1", at("sharded")),
                       ("org/sharded@refs/pr/1", at("sharded")),
                       ("org/sharded@" + hub.COMMIT, at("sharded")),
                       ("org/some-GGUF:Q8_0", at("some-GGUF", "some-Q8_0.gguf")),
                       ("org/some-GGUF:f16", at("some-GGUF", "some-f16.gguf")),
                       ("https://huggingface.co/org/some-GGUF/blob/main/some-f16.gguf",
                        at("some-GGUF", "some-f16.gguf")),
                       ("org/usual-GGUF", at("usual-GGUF", "some-Q4_K_M.gguf")),
                       ("org/usual-GGUF:Q2_K_XL", at("usual-GGUF", "some-UD-Q2_K_XL.gguf")),
                       ("org/large-GGUF", at("large-GGUF", "large-Q8_0.gguf")),
                       ("org/split-GGUF", at("split-GGUF", "Q8_0", "some-Q8_0-00001-of-00003.gguf"))):
        asked = same(name, path, address)
        weights = sum(os.path.getsize(os.path.join(folder, file)) for folder, _, files in
                      os.walk(path if os.path.isdir(path) else os.path.dirname(path)) for file in files)
        check(weights < 2 << 20 or asked["sent"] < weights * 3 / 4,
              f"{name}: {asked['sent']} bytes of {weights} were sent")
        check(all(header[2] is None for header in asked["seen"]), f"{name}: a token was sent by http")
    several = show("org/some-GGUF", endpoint=address, code=2)
    check("several quantizations: Q8_0 and F16" in several.stderr, several.stderr)
    slip = show("mlx-community/Qwen3-235B-A22B-4bt", endpoint=address, code=2)
    check("no such model" in slip.stderr, slip.stderr)
    wrong = show("org/some-GGUF:Q5_K_M", endpoint=address, code=2)
    check("Q8_0" in wrong.stderr, wrong.stderr)
    said = show("org/sharded", endpoint=address)
    check("headers from localhost" in said.stderr and "all in the cache" in said.stderr, said.stderr)
    show("org/sharded", endpoint=address, HF_TOKEN=hub.TOKEN, XDG_CACHE_HOME=os.path.join(work, "other"))
    check(all(header[2] is None for header in seen_by(address)), "HF_TOKEN was sent by http")
    plan = macfit("plan", "--model", "org/sharded", "--nodes", "1x16", endpoint=address)
    for name, runtime, wanted in (("org/sharded", "mlx-lm", "MODEL=org/sharded"),
                                  ("org/some-GGUF:Q8_0", "llama.cpp", "MODEL=org/some-GGUF")):
        folder = os.path.join(work, "launched-" + runtime)
        launch = macfit("launch", "--model", name, "--nodes", "1x16", "--runtime", runtime, "-o", folder,
                        endpoint=address)
        settings = "".join(open(os.path.join(folder, file)).read() for file in os.listdir(folder))
        check(wanted in settings.splitlines(), f"a launch folder names the repository: {name} {launch.stdout}")
    check("commit 0123456789ab" in plan.stdout, "the plan says where the model was read: " + plan.stdout)


def test_thirty_shards(root, address):
    shutil.rmtree(os.path.join(work, "home", ".cache", "macfit"), ignore_errors=True)
    stats(address)
    begin = time.monotonic()
    show("org/thirty", endpoint=address)
    seconds = time.monotonic() - begin
    asked = stats(address)
    print(f"30 shards: {len(asked['seen'])} requests, {asked['sent']} bytes, {seconds:.2f} s")
    check(asked["sent"] < 2 << 20, f"30 shards took {asked['sent']} bytes")
    check(len(asked["seen"]) <= 2 + 30 * 4, f"30 shards took {len(asked['seen'])} requests")


def test_faults(address):
    words = {
        "ignores-ranges": "ignores ranges", "endless": "sent more than",
        "other-range": "another range", "no-range-said": "another range", "short": "another range",
        "cut": "can't be read", "size-changes": "changed while it was read",
        "to-file": 'leads to "file:///etc/passwd"', "to-ftp": 'leads to "ftp:',
        "to-this-machine": "an address of this machine", "to-the-network": "an address of this machine",
        "around": "more than 5 redirects", "bomb": "compresses (gzip)",
        "huge-header": "", "total-lies": "", "endless-headers": "sent more than",
        "silent": "can't be read", "drips": "can't be read", "forbidden": "gated, private, or not there", "teapot": "answers 418",
        "gone": "no such model, revision or file", "always-busy": "is busy (429, asked 4 times)",
        "bad-json": "40 hexadecimal digits", "endless-listing": "sent more than",
    }
    for kind, said in words.items():
        stats(address)
        done = show("faults/" + kind, endpoint=address, code=2, HF_HUB_DOWNLOAD_TIMEOUT="2")
        check("http" in done.stderr, f"{kind} names no address: {done.stderr}")
        sent = stats(address)["sent"]
        check(said in done.stderr, f"{kind}: {done.stderr}")
        check(sent < 120 << 20, f"{kind}: {sent} bytes were taken")
        check(not done.stdout, f"{kind}: {done.stdout[:200]}")
    check("names no model" in show("https://huggingface.co/datasets", code=2).stderr, "an address of no model")
    wrong = show("org/sharded", endpoint="file:///etc", code=2)
    check("HF_ENDPOINT: expected an address" in wrong.stderr, wrong.stderr)
    missing = show("org/sharded@nowhere", endpoint=address, code=2)
    check("no such model, revision" in missing.stderr, missing.stderr)


def test_check(address):
    """Published configs to hold manifests against: only with --hub."""
    manifest = os.path.join(work, "checked.json")
    macfit("models", "import", os.path.join(work, "root", "org", "sharded"), "-o", manifest)
    with open(manifest) as stream:
        text = json.load(stream)
    text.update(id="checked", repository="org/sharded")
    text["architecture"]["layers"] = "5*full"
    text.pop("parameters")
    text.pop("active_parameters")
    text.pop("formats")
    text.pop("default_format")
    with open(manifest, "w") as stream:
        json.dump(text, stream)
    stats(address)
    macfit("check", manifest, endpoint=address)
    check(not stats(address)["seen"], "check asks a hub without --hub")
    done = macfit("check", manifest, "--hub", endpoint=address, code=1)
    check("5 layers, 4 in org--sharded.json" in done.stdout, done.stdout + done.stderr)
    text["repository"] = "org/gated"
    with open(manifest, "w") as stream:
        json.dump(text, stream)
    done = macfit("check", manifest, "--hub", endpoint=address)
    check("config-unread" in done.stdout, done.stdout + done.stderr)


def test_offline(address):
    show("org/sharded", endpoint=address)
    stats(address)
    for words, environment in ((["--offline"], {}), ([], {"MACFIT_OFFLINE": "1"}), ([], {"HF_HUB_OFFLINE": "1"})):
        done = macfit("models", "show", "org/never-seen", *words, endpoint=address, code=2, **environment)
        check("offline" in done.stderr, done.stderr)
        cached = macfit("models", "show", "org/sharded", *words, endpoint=address, **environment)
        check(cached.returncode == 0, "the cache serves offline")
    macfit("models", "show", "no-such-model", endpoint=address, code=2)
    macfit("sweep", "--model", "org/never-seen", "--nodes", "2x64", endpoint=address, code=2)
    check(not stats(address)["seen"], "bare names, sweeps and what is offline ask no hub")


def test_token(root):
    certificate = os.path.join(work, "certificate.pem")
    made = shutil.which("openssl") and subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", certificate + ".key", "-out", certificate + ".crt"],
        capture_output=True)
    if not made or made.returncode != 0:
        print("no openssl: HF_TOKEN is not tested")
        return
    with open(certificate, "wb") as whole:
        for end in (".key", ".crt"):
            with open(certificate + end, "rb") as part:
                whole.write(part.read())
    _, address = hub.start(root, certificate)
    _, hub.Hub.network = hub.start(root, certificate)
    ca = {"CURL_CA_BUNDLE": certificate + ".crt"}
    hub.Hub.seen.clear()
    refused = show("org/gated", endpoint=address, code=2, **ca)
    check("set HF_TOKEN" in refused.stderr, refused.stderr)
    wrong = show("org/gated", endpoint=address, code=2, HF_TOKEN="hf_of_nobody", **ca)
    check("with the account of HF_TOKEN" in wrong.stderr and "hf_of_nobody" not in wrong.stderr, wrong.stderr)
    done = show("org/gated", endpoint=address, HF_TOKEN=hub.TOKEN, **ca)
    check(hub.TOKEN not in done.stdout + done.stderr, "the token is printed")
    # /stats is asked without a certificate check of its own.
    tokens = {path.split("/")[1] for path, _, token in hub.Hub.seen if token}
    asked = {path.split("/")[1] for path, _, _ in hub.Hub.seen}
    check(tokens == {"api", "org"} and "content" in asked, f"the token goes to the endpoint alone: {tokens}")
    down = show("faults/to-http", endpoint=address, code=2, **ca)
    check("expected an https address" in down.stderr, down.stderr)
    distrusted = show("org/busy", endpoint=address, code=2)
    check("can't be read" in distrusted.stderr, distrusted.stderr)
    hub.Hub.network = ""


def main():
    root = os.path.join(work, "root")
    os.makedirs(os.path.join(work, "home"))
    repositories(root)
    _, address = hub.start(root)
    test_kinds(root, address)
    test_thirty_shards(root, address)
    test_faults(address)
    test_check(address)
    test_offline(address)
    test_token(root)
    shutil.rmtree(work)
    sys.exit(1 if failures else 0)


main()
