"""Code swaps of one connector while callers use it: each build has its number, and answers with it."""
import re
import subprocess
import threading
import time

from figures import Figure
from servers import ROOT, Hub

CALLERS = 4
NUMBER = re.compile(r"0\.0\.0-build-(\d{6})")


def build_connector(folder):
    """The connector's bytes, built as its author would: one compiler call against the SDK."""
    out = folder / "swapped.so"
    subprocess.run(["cc", "-std=c11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-I", str(ROOT / "sdk" / "include"),
                    str(ROOT / "tests" / "bench" / "swapped.c"), "-o", str(out)], check=True)
    content = out.read_bytes()
    if content.count(b"build-000000") != 1:
        raise RuntimeError("the connector's number is not in one place of its file")
    return content


class Swapper:
    """The number that a call may give lies between the last build in force when it began and the newest one in place when it ended."""

    def __init__(self, folder):
        self.content = build_connector(folder)
        self.plugins = folder / "plugins"
        self.plugins.mkdir()
        self.newest = self.in_force = 0
        self.put(0)
        self.hub = Hub(folder / "hub", {"swap.conf": "[connection]\nplugin = swapped\n"}, plugins=self.plugins)
        self.wrong, self.calls, self.ended = [], 0, threading.Event()
        self.lock = threading.Lock()

    def put(self, number):
        new = self.plugins / ".swapped.new"
        new.write_bytes(self.content.replace(b"build-000000", b"build-%06d" % number))
        new.chmod(0o755)
        self.newest = number
        new.rename(self.plugins / "swapped.so")

    def check(self, client):
        least = self.in_force
        status, answer = client.call("swap", "build", {})
        found = NUMBER.fullmatch(answer["data"]["build"]) if status == 200 else None
        if found is None or not least <= int(found.group(1)) <= self.newest:
            self.wrong.append(f"{status} {answer}, expected build {least} to {self.newest}")

    def caller(self):
        client, count = self.hub.client(), 0
        try:
            while not self.ended.is_set():
                self.check(client)
                count += 1
        except (OSError, ValueError, KeyError) as error:
            self.wrong.append(f"a caller ended: {error!r}")
        with self.lock:
            self.calls += count

    def swap(self, number, client):
        self.put(number)
        client.reload()
        self.in_force = number
        self.check(client)


def measure(hub):
    return {"rss": hub.status("VmRSS"), "fds": hub.fds(), "threads": hub.status("Threads")}


def bench_swap(folder, quick):
    swaps = 50 if quick else 1000
    settle = swaps // 10  # what grows once does so in these
    swapper = Swapper(folder)
    callers = [threading.Thread(target=swapper.caller) for _ in range(CALLERS)]
    try:
        for thread in callers:
            thread.start()
        client, began, base = swapper.hub.client(), time.monotonic(), None
        for number in range(1, swaps + 1):
            swapper.swap(number, client)
            if number == settle:
                base = measure(swapper.hub)
        took = (time.monotonic() - began) / swaps
        last = measure(swapper.hub)
    finally:
        swapper.ended.set()
        for thread in callers:
            thread.join()
        swapper.hub.stop()
    first = f"; the first: {swapper.wrong[0]}" if swapper.wrong else ""
    return [
        Figure("swap", f"wrong results in {swaps} code swaps, {CALLERS} callers", len(swapper.wrong), "<=", 0,
               f"of {swapper.calls:,} calls; a swap took {took * 1000:.1f} ms{first}"),
        Figure("swap", "kB resident more for a swap", (last["rss"] - base["rss"]) / (swaps - settle), "<=", 30,
               f"{base['rss'] / 1024:.1f} MB, then {last['rss'] / 1024:.1f} MB"),
        Figure("swap", "more file descriptors", last["fds"] - base["fds"], "<=", 0, f"{base['fds']}, then {last['fds']}"),
        Figure("swap", "more threads", last["threads"] - base["threads"], "<=", 0, f"{base['threads']}, then {last['threads']}"),
    ]
