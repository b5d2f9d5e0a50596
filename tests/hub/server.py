"""A hub in a few lines, for tests: the parts of Hugging Face's protocol that macfit uses, and every
way in which a server can lie. Files lie in ROOT/org/repo; repositories of "faults" misbehave."""

import gzip
import http.server
import json
import os
import re
import ssl
import sys
import threading
import time
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DELAY = 0.02
TOKEN = "hf_secret_of_a_test"


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root = "."
    lock = threading.Lock()
    seen = []  # path, range, authorization
    sent = 0
    busy = {}
    network = ""  # where large files lie; empty: here

    def log_message(self, *arguments):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        length = headers.pop("length", len(body))
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.push(body)

    def push(self, body):
        self.wfile.write(body)
        with Hub.lock:
            Hub.sent += len(body)

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if path == "/stats":
            with Hub.lock:
                state = {"seen": Hub.seen[:], "sent": Hub.sent}
                Hub.seen.clear()
                Hub.sent = 0
            self.reply(200, json.dumps(state).encode())
            return
        with Hub.lock:
            Hub.seen.append([path, self.headers.get("Range"), self.headers.get("Authorization")])
        time.sleep(DELAY)
        try:
            self.route(path)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def route(self, path):
        listing = re.fullmatch(r"/api/models/([^/]+)/([^/]+)/revision/(.+)", path)
        file = re.fullmatch(r"/([^/]+)/([^/]+)/resolve/([0-9a-f]{40})/(.+)", path)
        if listing:
            self.listing(*listing.groups())
        elif file and file[1] == "faults":
            self.fault(file[2], file[4])
        elif file:
            self.file(file[1], file[2], file[4])
        elif path.startswith("/content/"):
            self.content(path[len("/content/"):])
        else:
            self.reply(404)

    def listing(self, org, repo, revision):
        folder = os.path.join(self.root, org, repo)
        if repo == "gated" and self.headers.get("Authorization") != "Bearer " + TOKEN:
            self.reply(401, b"{}")
        elif repo == "always-busy":
            self.reply(429, b"", Retry_After="0")
        elif repo == "bad-json":
            self.reply(200, b'{"sha": "main", "siblings": []}')
        elif repo == "endless-listing":
            self.endless(200, None)
        elif revision not in ("main", "v1", "refs/pr/1", COMMIT) or not os.path.isdir(folder):
            self.reply(404, b"{}")
        else:
            names = [os.path.relpath(os.path.join(at, name), folder)
                     for at, _, files in os.walk(folder) for name in files]
            if repo == "busy" and Hub.busy.setdefault(repo, 0) < 2:
                Hub.busy[repo] += 1
                self.reply(503, b"", Retry_After="0")
                return
            if repo == "outside":
                names += ["../../../etc/passwd", "/etc/passwd"]
            body = {"sha": COMMIT, "siblings": [{"rfilename": name} for name in sorted(names)]}
            self.reply(200, json.dumps(body).encode())

    def file(self, org, repo, name):
        path = os.path.join(self.root, org, repo, name)
        if not os.path.isfile(path):
            self.reply(404)
        elif name.endswith(".json"):
            self.ranged(path)
        else:  # large files lie on a content network
            self.reply(302, b"elsewhere", Location=f"{self.network}/content/{org}/{repo}/{name}?signed=1")

    def content(self, name):
        if self.headers.get("Authorization"):
            self.reply(400, b"a token came to the content network")
        else:
            self.ranged(os.path.join(self.root, name))

    def ranged(self, path):
        size = os.path.getsize(path)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        with open(path, "rb") as stream:
            if not asked:
                self.reply(200, stream.read())
                return
            first, last = int(asked[1]), min(int(asked[2]), size - 1)
            stream.seek(first)
            self.reply(206, stream.read(last - first + 1), Content_Range=f"bytes {first}-{last}/{size}")

    def endless(self, status, length, **headers):
        self.reply(status, b"", length=length, **headers)
        for _ in range(2000):
            self.push(b"x" * 65536)
        self.close_connection = True

    def fault(self, kind, name):
        path = os.path.join(self.root, "faults", kind, name)
        size = os.path.getsize(path)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2]), size - 1) if asked else size - 1
        span = f"bytes {first}-{last}/{size}"
        if name.endswith(".json"):
            self.ranged(path)
        elif kind == "ignores-ranges":
            self.endless(200, 10**9)
        elif kind == "endless":
            self.endless(206, None, Content_Range=span)
        elif kind == "other-range":
            self.reply(206, b"x" * (last - first + 1), Content_Range=f"bytes {first + 1}-{last + 1}/{size}")
        elif kind == "no-range-said":
            self.reply(206, b"x" * (last - first + 1))
        elif kind == "short":
            self.reply(206, b"x" * 10, Content_Range=span)
        elif kind == "cut":
            self.reply(206, b"x" * 10, length=last - first + 1, Content_Range=span)
            self.close_connection = True
        elif kind == "size-changes":
            with open(path, "rb") as stream:
                stream.seek(first)
                body = stream.read(last - first + 1)
            self.reply(206, body, Content_Range=f"bytes {first}-{last}/{size + first}")
        elif kind == "total-lies":
            with open(path, "rb") as stream:
                stream.seek(first)
                self.reply(206, stream.read(last - first + 1), Content_Range=f"bytes {first}-{last}/{size + 4096}")
        elif kind == "endless-headers":
            self.send_response(206)
            for number in range(20_000):
                self.send_header(f"X-{number}", "x" * 500)
            self.end_headers()
            self.close_connection = True
        elif kind == "silent":
            time.sleep(8)
            self.close_connection = True
        elif kind == "drips":
            self.reply(206, b"", length=last - first + 1, Content_Range=span)
            for _ in range(20):
                self.push(b"x")
                time.sleep(0.4)
            self.close_connection = True
        elif kind == "to-http":
            self.reply(302, Location=f"http://localhost:{self.server.server_address[1]}/content/x")
        elif kind == "to-file":
            self.reply(302, Location="file:///etc/passwd")
        elif kind == "to-ftp":
            self.reply(302, Location="ftp://example.org/x")
        elif kind == "to-this-machine":
            self.reply(302, Location=f"http://127.0.0.1:{self.server.server_address[1]}/content/x")
        elif kind == "to-the-network":
            self.reply(302, Location="http://169.254.169.254/latest/meta-data")
        elif kind == "around":
            self.reply(302, Location=self.path)
        elif kind == "bomb":
            self.reply(206, gzip.compress(b"\0" * (last - first + 1))[: last - first + 1],
                       Content_Encoding="gzip", Content_Range=span)
        elif kind == "huge-header":
            head = (10**8).to_bytes(8, "little") + b"{"
            body = (head + b" " * (last - first + 1))[: last - first + 1]
            self.reply(206, body, Content_Range=f"bytes {first}-{last}/{10**10}")
        elif kind == "forbidden":
            self.reply(403)
        elif kind == "teapot":
            self.reply(418)
        else:
            self.reply(404)


def start(root, certificate=None):
    """A server on a free port of this machine; returns it and its address."""
    Hub.root = root
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"{scheme}://localhost:{server.server_address[1]}"


if __name__ == "__main__":
    running, address = start(sys.argv[1])
    print(address, flush=True)
    sys.stdin.read()
