"""1,000 jobs on two workers while servers and the runner are killed at random: macfit run.

Every job has to have exactly one result, and its own; the last report has to count them.
usage: run_chaos.py SEED... [--jobs N]   (the program in $MACFIT_BINARY)
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

SERVER = pathlib.Path(__file__).with_name("faulty_server.py")
FAULTS = "500=0.02,cut=0.01,silent-cut=0.01,garbage=0.01,503=0.01"


class Server:
    """A server that is killed now and then and comes back at its old port."""

    def __init__(self, seed):
        self.seed = seed
        self.port = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, SERVER, "--port", str(self.port), "--delay", "0.02", "--seed",
             str(self.seed), "--faults", FAULTS], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.seed += 1000

    def kill(self):
        self.process.kill()
        self.process.wait()


def check(results, jobs, report):
    lines = results.read_text().splitlines()
    ids = [json.loads(line)["custom_id"] for line in lines]
    assert len(ids) == len(set(ids)) == jobs, f"{len(ids)} results, {len(set(ids))} of them unlike"
    aside = 0
    for line in lines:
        result = json.loads(line)
        if result["error"] is not None:
            aside += 1
            continue
        said = result["response"]["body"]["choices"][0]["message"]["content"]
        assert said[::-1] == f"job {result['custom_id']} of many", said
    assert report["jobs"] == jobs
    assert report["earlier"] + report["completions"] + report["failures"] == jobs, report
    assert report["state"] == "finished", report
    return aside


def night(seed, jobs):
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        listed = folder / "jobs.jsonl"
        listed.write_text("".join(json.dumps({"id": str(i), "prompt": f"job {i} of many"}) + "\n"
                                  for i in range(jobs)))
        results = folder / "jobs.results.jsonl"
        servers = [Server(seed), Server(seed + 500)]
        over = threading.Event()

        def killer():
            for _ in range(4):
                if over.wait(chance.uniform(0.2, 0.8)):
                    return
                server = chance.choice(servers)
                server.kill()
                if over.wait(chance.uniform(0.0, 0.3)):
                    return
                server.start()

        thread = threading.Thread(target=killer)
        thread.start()
        command = [os.environ["MACFIT_BINARY"], "run", "--jobs", listed, "--at-once", "4", "--quiet",
                   "--format", "json"]
        for server in servers:
            command += ["--worker", f"http://127.0.0.1:{server.port}"]
        kills = 0
        try:
            while True:
                runner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                if kills < 3:
                    time.sleep(chance.uniform(0.2, 1.0))
                    if runner.poll() is None:
                        runner.send_signal(signal.SIGKILL)
                        runner.communicate()
                        kills += 1
                        continue
                out, _ = runner.communicate(timeout=120)
                # While a server is away a start may find nobody: it is typed again.
                if runner.returncode in (0, 1):
                    break
            aside = check(results, jobs, json.loads(out))
        finally:
            over.set()
            thread.join()
            for server in servers:
                server.kill()
        print(f"seed {seed}: {jobs} results, {aside} set aside, runner killed {kills} times")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    count = 1000
    if "--jobs" in arguments:
        at = arguments.index("--jobs")
        count = int(arguments[at + 1])
        del arguments[at:at + 2]
    for word in arguments:
        night(int(word), count)
