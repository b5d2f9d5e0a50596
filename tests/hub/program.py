"""Runs macfit in a home of its own and compares what it says."""

import json
import os
import subprocess
import tempfile

MACFIT = os.environ["MACFIT_BINARY"]
work = tempfile.mkdtemp()
failures = []


def check(holds, words):
    if not holds:
        failures.append(words)
        print("FAIL:", words)


def macfit(*words, endpoint=None, code=0, **environment):
    env = {**os.environ, "HOME": os.path.join(work, "home"), "LANG": "C.UTF-8", **environment}
    for name in ("MACFIT_OFFLINE", "HF_HUB_OFFLINE", "HF_HOME", "XDG_CACHE_HOME", "HF_TOKEN",
                 "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"):
        if name not in environment:
            env.pop(name, None)
    if endpoint:
        env["HF_ENDPOINT"] = endpoint
    done = subprocess.run([MACFIT, *words], env=env, capture_output=True, text=True, timeout=100,
                          cwd=work)
    check(done.returncode == code, f"exit code {done.returncode}, wanted {code}: {words}: "
          f"{done.stdout[:300]}{done.stderr[:600]}")
    return done


def facts(done):
    """What of a model must be the same wherever its files lie."""
    model = json.loads(done.stdout)
    return {key: model[key] for key in ("architecture", "format", "parameters", "layers",
                                        "weight_bytes", "weight_bytes_by_class",
                                        "kv_bytes_per_token", "evidence")}


def show(name, **more):
    return macfit("models", "show", name, "--format", "json", **more)
