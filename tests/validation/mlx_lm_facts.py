"""Reads from an installed mlx-lm which classes it has and how each can be split, and compares with
runtimes/mlx-lm.json. Prints what differs, or with --write a list to put into the file. Exit code 1
where something differs."""

import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import re
import sys
from pathlib import Path


def attribute_class(cls, name):
    """The class of the attribute that cls.__init__ makes, or that a property of it leads to."""
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, property):
        path = re.search(r"return self\.([\w.]+)", inspect.getsource(found.fget))
        for part in path.group(1).split(".") if path else []:
            cls = attribute_class(cls, part) if cls else None
        return cls if path else None
    for base in cls.__mro__:
        if not inspect.isfunction(vars(base).get("__init__")):
            continue
        made = re.search(rf"self\.{name}\s*=\s*([\w.]+)\(", inspect.getsource(base.__init__))
        if made:
            value = sys.modules[base.__module__]
            for part in made.group(1).split("."):
                value = getattr(value, part, None)
            return value if inspect.isclass(value) else None
    return None


def read_package():
    """{class: {"pipeline": bool, "tensor": bool}} and {alias: class}, and what could not be read."""
    import mlx_lm.models
    import mlx_lm.utils

    classes, unread = {}, {}
    for module in pkgutil.iter_modules(mlx_lm.models.__path__):
        text = (Path(mlx_lm.models.__path__[0]) / f"{module.name}.py").read_text()
        if not re.search(r"^class Model\b|^\s*Model\s*=|import .*\bModel\b", text, re.M):
            continue
        if not re.search(r"^class ModelArgs\b|\bModelArgs\b", text, re.M):
            continue
        try:
            cls = importlib.import_module(f"mlx_lm.models.{module.name}").Model
        except (Exception, SystemExit) as error:  # a class may want a package that is not there
            unread[module.name] = str(error) or type(error).__name__
            continue
        inner = attribute_class(cls, "model")
        classes[module.name] = {
            "pipeline": inner is not None and hasattr(inner, "pipeline"),
            "tensor": hasattr(cls, "shard"),
        }
    return classes, dict(mlx_lm.utils.MODEL_REMAPPING), unread


def stated(facts, version):
    """The same as the file states for a release."""
    versions = [release["version"] for release in facts["releases"]]
    if version not in versions:
        sys.exit(f"runtimes/mlx-lm.json does not know mlx-lm {version}: known are {', '.join(versions)}")
    at = versions.index(version)

    def holds(value):
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            return versions.index(value) <= at
        since, until = value.get("since"), value.get("until")
        return (since is None or versions.index(since) <= at) and not (
            until is not None and versions.index(until) <= at
        )

    classes = {
        name: {key: holds(entry.get(key, False)) for key in ("pipeline", "tensor")}
        for name, entry in facts["classes"].items()
        if holds(entry)
    }
    aliases = {
        name: entry if isinstance(entry, str) else entry["class"]
        for name, entry in facts["aliases"].items()
        if isinstance(entry, str) or holds(entry)
    }
    return classes, aliases


def main():
    version = importlib.metadata.version("mlx-lm")
    classes, aliases, unread = read_package()
    if "--write" in sys.argv:
        print(json.dumps({"classes": classes, "aliases": aliases}, indent=2, sort_keys=True))
        return 0
    path = Path(__file__).resolve().parents[2] / "runtimes" / "mlx-lm.json"
    known, known_aliases = stated(json.loads(path.read_text()), version)
    drift = []
    for name in sorted(set(classes) | set(known)):
        if name in unread:
            continue
        mine, theirs = known.get(name), classes.get(name)
        if mine != theirs:
            drift.append(f"{name}: the file states {mine}, mlx-lm {version} has {theirs}")
    for name in sorted(set(aliases) | set(known_aliases)):
        if aliases.get(name) != known_aliases.get(name):
            drift.append(
                f"alias {name}: the file states {known_aliases.get(name)}, "
                f"mlx-lm {version} has {aliases.get(name)}"
            )
    for line in drift:
        print(line)
    for name, why in sorted(unread.items()):
        print(f"{name}: could not be read ({why})")
    print(f"mlx-lm {version}: {len(classes)} classes, {len(aliases)} aliases, {len(drift)} differ")
    return 1 if drift else 0


if __name__ == "__main__":
    sys.exit(main())
