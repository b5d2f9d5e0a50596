"""Reads what macfit writes as pandas, polars and duckdb read it, and holds the columns against their types.

usage: read_tables.py MACFIT; the three are installed by ./dev tables.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pandas
import polars

macfit = sys.argv[1]
folder = Path(tempfile.mkdtemp())
failed = 0

# What --columns calls each kind, and what the readers make of it. An empty cell is a null everywhere.
WHOLE, REAL, FLAG, TEXT = "whole", "real", "flag", "text"
KINDS = {
    # A column of whole numbers with empty cells is one of floats in pandas: it has no null of integers by default.
    "pandas": {WHOLE: "if", REAL: "f", FLAG: "bO", TEXT: "OTU"},
    "polars": {WHOLE: {"Int64"}, REAL: {"Float64"}, FLAG: {"Boolean"}, TEXT: {"String"}},
    "duckdb": {WHOLE: {"BIGINT"}, REAL: {"DOUBLE"}, FLAG: {"BOOLEAN"}, TEXT: {"VARCHAR"}},
}

COMMANDS = {
    "sweep": ["sweep", "--model", "glm-4.5,minimax-m2.5,qwen3-32b", "--nodes", "1x64,2x128,1x128+2x64",
              "--context", "8k..256k*2", "--select", "+max_context,decode,ttft,price_usd,problem,row"],
    "survey": ["survey", "--nodes", "2x64"],
    "plan": ["plan", "--model", "glm-4.5", "--nodes", "2x128"],
    "size": ["size", "--model", "glm-4.5-air", "--nodes", "2x64"],
    "night": ["night", "--model", "qwen3-32b", "--nodes", "2x64", "--prompt-tokens", "2k", "--output-tokens", "500",
              "--nights", "200"],
}

# By the ends of names, as docs/sweep.md and docs/formats.md have them.
def kind_of(name):
    if name in ("fits", "published", "below_production", "measured", "chosen", "raised", "loads", "best", "endless",
                "recommended", "comfortable", "supported", "warned", "numbers_only", "beats"):
        return FLAG
    if name.endswith(("_bytes", "_usd")) or name in (
            "context", "sequences", "prefill_step", "replicas", "nodes_used", "max_context", "comfortable_context",
            "parameters", "active_parameters", "row", "layers", "first_layer", "replica"):
        return WHOLE
    if name.endswith(("_per_second", "_seconds", "utilization")) or name == "bits":
        return REAL
    return None  # a word, or a column that this table does not judge


def tell(where, problem):
    global failed
    failed += 1
    print(f"{where}: {problem}")


def judge(reader, where, name, found, nulls_only):
    kind = kind_of(name)
    if kind is None or nulls_only:
        return
    allowed = KINDS[reader][kind]
    if found not in allowed:
        tell(where, f"{reader} reads {name} as {found}, meant is {kind}")


def read_all(where, path):
    lines = path.suffix == ".jsonl"
    frame = pandas.read_json(path, lines=True) if lines else pandas.read_csv(path)
    table = polars.read_ndjson(path) if lines else polars.read_csv(path, infer_schema_length=None)
    source = f"read_json_auto('{path}')" if lines else f"read_csv_auto('{path}', sample_size=-1)"
    described = duckdb.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()
    columns = {name: kind for name, kind, *_ in described}
    if not len(frame) == len(table) == duckdb.sql(f"SELECT count(*) FROM {source}").fetchall()[0][0] > 0:
        tell(where, "the three count different rows")
    if not list(frame.columns) == table.columns == list(columns):
        tell(where, "the three see different columns")
    for name in frame.columns:
        empty = bool(frame[name].isna().all())
        judge("pandas", where, name, frame[name].dtype.kind, empty)
        judge("polars", where, name, str(table[name].dtype), empty)
        judge("duckdb", where, name, columns[name], empty)
    return len(frame)


for name, command in COMMANDS.items():
    for form in ("csv", "jsonl") if name == "sweep" else ("csv",):
        path = folder / f"{name}.{form}"
        run = subprocess.run([macfit, *command, "--format", form, "--output", str(path)], capture_output=True, text=True)
        if run.returncode != 0:
            tell(name, run.stderr.strip())
            continue
        print(f"{name}.{form}: {read_all(f'{name}.{form}', path)} rows")
    if name == "sweep":
        continue
    out = subprocess.run([macfit, *command, "--format", "json"], capture_output=True, text=True).stdout
    # Whole numbers stay whole, and no reader needs more than a JSON parser.
    pandas.json_normalize(json.loads(out))

print("all columns have their types" if failed == 0 else f"{failed} columns do not")
sys.exit(1 if failed else 0)
