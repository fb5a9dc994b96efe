"""Figures of the hub alone: its start, its size at rest, its JSON reader."""
import re
import statistics
import subprocess
import time

from figures import Figure
from servers import BUILD, Hub, pinned

CONFS = {
    "hub.conf": "[connection]\nplugin = rest\n[settings]\nbase_url = http://127.0.0.1:9\n",
    "metrics.conf": "[connection]\nplugin = prometheus\n[settings]\nbase_url = http://127.0.0.1:9\n",
    "pay.conf": "[connection]\nplugin = stripe\n[auth]\nscheme = bearer\ntoken = sk_test\n",
    "chat.conf": "[connection]\nplugin = slack\n[auth]\nscheme = bearer\ntoken = xoxb-test\n",
}


def started(folder):
    """Milliseconds from exec to the first 200 of /readyz, and the hub."""
    hub = Hub(folder, CONFS)
    _, listed = 0, hub.client()
    listed.http.request("GET", "/api/v1/connections", headers=listed.headers)
    if listed.http.getresponse().status != 200:
        raise RuntimeError("a hub that says it is ready does not list its connections")
    return hub.ready_seconds * 1000, hub


def bench_start(folder, quick):
    count = 3 if quick else 10
    first, again, rss = [], [], 0
    for number in range(count):
        own = folder / f"start-{number}"
        for times in (first, again):  # with an empty state folder, then with what that start left
            ms, hub = started(own)
            times.append(ms)
            if number == count - 1 and times is again:
                time.sleep(1)
                rss = hub.status("VmRSS") / 1024
            hub.stop()
    spread = "{:.0f} to {:.0f} ms"
    return [
        Figure("start", "ms to /readyz, four connections, new state", statistics.median(first), "<=", 100,
               spread.format(min(first), max(first))),
        Figure("start", "ms to /readyz, four connections, again", statistics.median(again), "<=", 100,
               spread.format(min(again), max(again))),
        Figure("start", "MB resident at rest", rss, "<=", 20, ""),
    ]


def bench_json(folder, quick):
    run = subprocess.run([*pinned(0), str(BUILD / "tests" / "bench_json")], cwd=folder, capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"bench_json ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    found = re.findall(r"^json\.read\.(\S+) ([\d.]+) MB/s", run.stdout, re.M)
    names = [name for name, _ in found]
    if "event" not in names or "1mb" not in names:
        raise RuntimeError(f"bench_json prints no json.read.event and json.read.1mb:\n{run.stdout}")
    return [Figure("json", f"MB/s read, {name}", float(rate), ">=" if name in ("event", "1mb") else None, 400 if name in ("event", "1mb") else None, "")
            for name, rate in found]
