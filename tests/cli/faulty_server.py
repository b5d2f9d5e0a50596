"""A server of completions that misbehaves as it is told: for the tests of macfit run.

What a prompt asks for decides first ("do:500", "do:die" …), then chance, by --faults and --seed.
The answer to a prompt is the prompt itself, turned round, so that a test sees whose answer it is.
usage: faulty_server.py --port N [--delay SECONDS] [--faults 500=0.1,cut=0.05] [--seed N] [--key KEY]
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys

GOOD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
seen = set()


def answer(prompt):
    return {
        "id": "x",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": prompt[::-1]},
                     "finish_reason": "stop"}],
        "usage": {"prompt_tokens": len(prompt), "completion_tokens": 7, "total_tokens": len(prompt) + 7},
    }


def whole(status, body, extra=""):
    data = body if isinstance(body, bytes) else body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def endless(writer, head, piece):
    writer.write(head)
    while True:
        writer.write(piece)
        await writer.drain()


async def misbehave(what, writer, good):
    """True where the connection may be used again."""
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "cut":
        writer.write(good[: len(good) // 2])
        await writer.drain()
        writer.transport.abort()
        return False
    elif what == "silent-cut":
        writer.transport.abort()
        return False
    elif what == "garbage":
        writer.write(whole("200 OK", "<html>no JSON at all \x01"))
    elif what == "empty":
        writer.write(whole("200 OK", ""))
    elif what == "no-choices":
        writer.write(whole("200 OK", '{"object": "chat.completion", "choices": []}'))
    elif what == "error-200":
        writer.write(whole("200 OK", '{"error": {"message": "out of memory"}}'))
    elif what == "endless":
        await endless(writer, GOOD.encode() + b"\r\n", b" " * 65536)
    elif what == "endless-head":
        await endless(writer, b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 8000 + b"\r\n")
    elif what == "bomb":
        writer.write(whole("200 OK", b"\x1f\x8b" + b"\x00" * 1000, "Content-Encoding: gzip\r\n"))
    elif what == "redirect":
        writer.write(whole("302 Found", "", "Location: http://127.0.0.1:1/elsewhere\r\n"))
    elif what == "slow":
        await asyncio.sleep(3600)
    elif what == "drip":
        for byte in good:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    elif what == "503":
        writer.write(whole("503 Service Unavailable", '{"error": {"message": "Loading model"}}',
                           "Retry-After: 0\r\n"))
    else:
        writer.write(whole(f"{what} Wrong", json.dumps({"error": {"message": f"told to say {what}"}})))
    return True


def choose(prompt, options, chance):
    for word in prompt.split():
        if word.startswith("do:"):
            return word[3:]
        if word.startswith("once:") and prompt not in seen:
            seen.add(prompt)
            return word[5:]
    roll = chance.random()
    for what, share in options.faults:
        if roll < share:
            return what
        roll -= share
    return None


async def serve(reader, writer, options, chance):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            fields = {name.lower(): value for name, value in fields.items()}
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            if options.key and fields.get("authorization") != f"Bearer {options.key}":
                writer.write(whole("401 Unauthorized", '{"error": {"message": "no key"}}'))
                continue
            request = json.loads(body)
            prompt = request["messages"][-1]["content"]
            ready = prompt == "Say yes."
            if options.delay and not ready:
                await asyncio.sleep(options.delay)
            what = None if ready and not options.all else choose(prompt, options, chance)
            good = whole("200 OK", json.dumps(answer(prompt)))
            if what is None:
                writer.write(good)
            elif not await misbehave(what, writer, good):
                return
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, BrokenPipeError):
        pass
    finally:
        writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--key", default="")
    parser.add_argument("--all", action="store_true", help="faults in answers to readiness too")
    options = parser.parse_args()
    options.faults = [(name, float(share)) for name, share in
                      (word.split("=") for word in options.faults.split(",") if word)]
    chance = random.Random(options.seed)
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, options, chance), "127.0.0.1", options.port,
        limit=1 << 24)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
