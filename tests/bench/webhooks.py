"""Events in and out: how many a second are verified and stored, and delivered; how soon one arrives; what hanging receivers
cost the others."""
import asyncio
import base64
import json
import pathlib
import statistics
import struct
import subprocess
import threading
import time

from calls import CUSTOMER, HUB_CORE, LOAD_CORE
from figures import Figure
from servers import BUILD, Client, Hub, Nginx, pinned

SECRET = b"a secret of the benchmark, 32 b."
SETTINGS = "[webhooks]\nallow = 127.0.0.1\nplain_http = yes\n"
ENDPOINT = "[endpoint]\nscheme = standard_webhooks\nsecret = whsec_" + base64.b64encode(SECRET).decode() + "\n"
LUA = (pathlib.Path(__file__).parent / "hooks.lua").read_text() + (pathlib.Path(__file__).parent / "wrk.lua").read_text()
DISK_DELAY_US = 5000
SUBSCRIPTIONS, HANGING, PER_SECOND = 1000, 100, 200


def metric(hub, name):
    client = hub.client()
    client.http.request("GET", "/metrics", headers=client.headers)
    text = client.http.getresponse().read().decode()
    client.http.close()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)


# --- in ---------------------------------------------------------------------------------------------


def post_signed(folder, hub, run, seconds):
    """wrk on the other core, 64 connections, each event with an id and a signature of its own."""
    script = folder / "hooks.lua"
    body = json.dumps(CUSTOMER, separators=(",", ":"))
    script.write_text(f'wrk.method = "POST"\nwrk.body = {json.dumps(body)}\nwrk.headers["Content-Type"] = "application/json"\n{LUA}')
    before, cpu = metric(hub, "busbar_webhook_events_total"), hub.cpu_seconds()
    output = subprocess.run([*pinned(LOAD_CORE), "wrk", "-t1", "-c64", f"-d{seconds}s", "--timeout", "10s", "-s", str(script),
                             f"http://127.0.0.1:{hub.port}/hooks/in", "--", SECRET.decode(), run],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    figures = json.loads([line for line in output.splitlines() if line.startswith("{")][-1])
    figures["stored"] = metric(hub, "busbar_webhook_events_total") - before
    figures["rate"] = figures["stored"] / figures["seconds"]
    figures["cpu_us"] = (hub.cpu_seconds() - cpu) / max(1, figures["stored"]) * 1e6
    if figures["failed"] or abs(figures["stored"] - figures["requests"]) > 128:  # those under way at the end
        raise RuntimeError(f"not all were stored: {figures}")
    return figures


def subscription(url, more=""):
    return f"[subscription]\nurl = {url}\n{more}"


def bench_in(folder, quick):
    """Stored with a delivery each, of which none is made: the subscription is paused."""
    confs = {"in.hook.conf": ENDPOINT, "out.subscription.conf": subscription("http://127.0.0.1:9/", "enabled = no\n")}
    hub = Hub(folder / "in", confs, HUB_CORE, settings=SETTINGS)
    try:
        post_signed(folder, hub, "warm", 1)
        fast = post_signed(folder, hub, "fast", 1 if quick else 8)
    finally:
        hub.stop()
    disk = folder / "disk"
    disk.write_bytes(struct.pack("<3I", DISK_DELAY_US, 0, 0))
    env = {"LD_PRELOAD": str(BUILD / "tests" / "fsync_shim.so"), "CHAOS_DISK": str(disk)}
    hub = Hub(folder / "slow", confs, HUB_CORE, settings=SETTINGS, env=env)
    try:
        slow = post_signed(folder, hub, "slow", 1 if quick else 8)
    finally:
        hub.stop()
    said = f"64 connections, {fast['cpu_us']:.1f} us of the core each, p50 {fast['p50'] / 1000:.1f} ms, longest {fast['max'] / 1000:.0f} ms"
    return [Figure("webhooks", "events in/s, verified and stored", fast["rate"], ">=", 30000, said),
            Figure("webhooks", "p99 of these, ms", fast["p99"] / 1000, "<=", 20, said),
            Figure("webhooks", "events in/s, each sync 5 ms slower", slow["rate"], ">=", 10000,
                   f"{slow['cpu_us']:.1f} us of the core each, p50 {slow['p50'] / 1000:.1f} ms, p99 {slow['p99'] / 1000:.1f} ms")]


# --- out --------------------------------------------------------------------------------------------


def bench_out(folder, quick):
    """A backlog goes to a sink that answers at once."""
    sink = Nginx(folder, "sink", LOAD_CORE, "location / { return 200; }")
    url = f"http://127.0.0.1:{sink.port}/"
    hub = Hub(folder / "out", {"in.hook.conf": ENDPOINT, "out.subscription.conf": subscription(url, "enabled = no\nconcurrency = 64\n")},
              HUB_CORE, settings=SETTINGS)
    try:
        post_signed(folder, hub, "backlog", 1 if quick else 5)
        backlog = metric(hub, "busbar_queue_pending")
        hub.write_conf("out.subscription.conf", subscription(url, "concurrency = 64\n"))
        hub.client().reload()
        began, cpu = time.monotonic(), hub.cpu_seconds()
        while metric(hub, "busbar_queue_pending") > 0 and time.monotonic() - began < 60:
            time.sleep(0.1)
        seconds, left = time.monotonic() - began, metric(hub, "busbar_queue_pending")
        cpu = (hub.cpu_seconds() - cpu) / max(1.0, backlog - left) * 1e6
    finally:
        hub.stop()
        sink.stop()
    return [Figure("webhooks", "deliveries out/s", (backlog - left) / seconds, ">=", 15000, f"{cpu:.1f} us of the core each, a backlog of {backlog:.0f}, one subscription")]


class Sink:
    """Answers 204, tells when what it got was sent; what is posted to /hang it never answers."""

    def __init__(self):
        self.delays = []
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=2048), self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")).split(b":")[1])
                sent = json.loads(await reader.readexactly(length))["sent"]
                if head.startswith(b"POST /hang"):
                    await asyncio.sleep(3600)
                self.delays.append(time.time() - sent)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    async def end(self):
        self.server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)


def trickle(receivers, types, seconds):
    """Events one by one, 200 a second, each to each hub of (hub, sink); of each the 95th percentile of the time to their arrival,
    in ms, and how many arrived. Hubs to be compared are asked at the same time, and by turns first: what else the machine does
    befalls both."""
    clients, wanted = [hub.client() for hub, _ in receivers], PER_SECOND * seconds
    for _, sink in receivers:
        sink.delays.clear()
    began = time.monotonic()
    for i in range(wanted):
        time.sleep(max(0.0, began + i / PER_SECOND - time.monotonic()))
        for client in clients if i % 2 == 0 else reversed(clients):
            status, answer = client.post("/api/v1/events", {"type": types[i // 2 % len(types)], "data": {"sent": time.time()}})
            if status >= 300:
                raise RuntimeError(f"an event was refused: {status} {answer}")
    time.sleep(1)
    return [(statistics.quantiles(sink.delays, n=100)[94] * 1000, len(sink.delays)) for _, sink in receivers]


def bench_soon(folder, quick):
    sink = Sink()
    hub = Hub(folder / "soon", {"a.subscription.conf": subscription(f"http://127.0.0.1:{sink.port}/", "concurrency = 16\n")}, HUB_CORE, settings=SETTINGS)
    try:
        [(p95, arrived)] = trickle([(hub, sink)], ["order.paid"], 2 if quick else 10)
    finally:
        hub.stop()
        sink.stop()
    return [Figure("webhooks", "p95 to first delivery, ms", p95, "<=", 50, f"{PER_SECOND} events/s, {arrived} arrived")]


def start_many(folder, name, hanging):
    sink = Sink()
    confs = {f"s{i}.subscription.conf": subscription(f"http://127.0.0.1:{sink.port}/{'hang' if i < hanging else 'ok'}",
                                                     f"types = t{i}\ntimeout = 30s\n") for i in range(SUBSCRIPTIONS)}
    return Hub(folder / name, confs, HUB_CORE, settings=SETTINGS), sink


def bench_hanging(folder, quick):
    """Each event is for one of a thousand subscriptions of each of two hubs."""
    both = []
    try:
        for name, hanging in (("none", 0), ("some", HANGING)):
            both.append(start_many(folder, name, hanging))
        (none, _), (some, _) = trickle(both, [f"t{i}" for i in range(SUBSCRIPTIONS)], 5 if quick else 30)
    finally:
        for hub, sink in both:
            hub.child.kill()  # those that hang would hold up its end
            hub.child.wait()
            sink.stop()
    return [Figure("webhooks", "p95 of others where 100 of 1,000 hang", some / none, "<=", 1.2, f"{some:.1f} ms, beside {none:.1f} ms where none hangs")]


def bench_webhooks(folder, quick):
    return [f for part in (bench_in, bench_out, bench_soon, bench_hanging) for f in part(folder, quick)]
