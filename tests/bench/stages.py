"""A call through every stage, a cached one, and a thousand slow ones beside a fast one."""
import json
import subprocess
import time

from calls import CUSTOMER, HUB_CORE, LOAD_CORE, median, run
from figures import Figure
from load import Load
from servers import BUILD, Hub, Nginx, free_port, pinned

KEY = {"name": "benchmark", "role": "caller", "connections": ["pay", "kept"], "operations": ["customers.*"], "rate": "10000000/s", "burst": 1000000,
       "quota": {"day": 1000000000, "month": 10000000000}}
ALL = ("[limits]\nrate = 10000000/s\nburst = 1000000\nconcurrency = 500\nquota = 1000000000/day\n[breaker]\nfailures = 5\nrate = 50%\n"
       "[access]\noperations = customers.*\n[validation]\noutput = strict\n[fallback]\ndocument = {\"fallback\": true}\n[errors]\nrate_limited = 420\n")


def conf(port, more=""):
    return (f"[connection]\nplugin = stripe\n[settings]\nbase_url = http://127.0.0.1:{port}\n[auth]\nscheme = bearer\ntoken = sk_test_benchmark\n{more}")


class Stage:
    """Upstream and load on one core; on the other nginx as proxy and as a server of one fixed answer, and the hub."""

    def __init__(self, folder):
        self.folder = folder
        text = json.dumps(CUSTOMER, separators=(",", ":"))
        fixed = f"location / {{ default_type application/json; return 200 '{text}'; }}"
        self.upstream = Nginx(folder, "upstream", LOAD_CORE, fixed)
        self.static = Nginx(folder, "static", HUB_CORE, fixed)
        self.proxy = Nginx(folder, "proxy", HUB_CORE,
                           'location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }',
                           f"upstream up {{ server 127.0.0.1:{self.upstream.port}; keepalive 128; keepalive_requests 1000000000; }}")
        self.hub = Hub(folder / "hub", {"pay.conf": conf(self.upstream.port, ALL), "kept.conf": conf(self.upstream.port, ALL + "[cache]\nttl = 1h\n")},
                       HUB_CORE)
        status, answer = self.hub.client().post("/api/v1/keys", KEY)
        if status != 201:
            raise RuntimeError(f"no key: {status} {answer}")
        self.key = answer["key"]

    def hub_load(self, connection):
        path = f"/api/v1/connections/{connection}/operations/customers.retrieve"
        return lambda seconds: Load(self.folder, f"http://127.0.0.1:{self.hub.port}{path}", self.key, {"customer": CUSTOMER["id"]}, seconds)

    def nginx_load(self, server):
        return lambda seconds: Load(self.folder, f"http://127.0.0.1:{server.port}/v1/customers/{CUSTOMER['id']}", self.key,
                                    {"customer": CUSTOMER["id"]}, seconds)

    def check(self):
        client = self.hub.client()
        client.headers["Authorization"] = f"Bearer {self.key}"
        for connection, wanted in (("pay", [False, False]), ("kept", [False, True])):
            for cached in wanted:
                status, answer = client.call(connection, "customers.retrieve", {"customer": CUSTOMER["id"]})
                if status != 200 or answer["data"] != CUSTOMER or answer["execution"]["cached"] != cached:
                    raise RuntimeError(f"{connection}: {status} {answer}")

    def stop(self):
        for server in (self.hub, self.static, self.proxy, self.upstream):
            server.stop()


def bench_stages(folder, quick):
    seconds, count = (1, 2) if quick else (5, 3)
    stage = Stage(folder)
    loads = {"bare": (stage.proxy, stage.nginx_load(stage.proxy)), "pay": (stage.hub, stage.hub_load("pay")),
             "static": (stage.static, stage.nginx_load(stage.static)), "kept": (stage.hub, stage.hub_load("kept"))}
    rounds = {name: [] for name in loads}
    try:
        stage.check()
        for _, start in loads.values():  # warm up
            start(1).end()
        for _ in range(count):
            for name, (server, start) in loads.items():
                rounds[name].append(run(server, start(seconds)))
    finally:
        stage.stop()
    bare, pay, static, kept = (median(rounds[name], "rate") for name in ("bare", "pay", "static", "kept"))
    p50, p99 = median(rounds["pay"], "p50"), median(rounds["pay"], "p99")
    failed = sum(r["failed"] for rs in rounds.values() for r in rs)
    return [
        Figure("stages", "all stages, against nginx's bare proxy", pay / bare, ">=", 0.32, f"{pay:,.0f}/s, nginx {bare:,.0f}/s"),
        Figure("stages", "p99 against the median, 64 connections", p99 / p50, "<=", 3, f"p50 {p50 / 1000:.2f} ms, p99 {p99 / 1000:.2f} ms"),
        Figure("stages", "a cached answer, against nginx's static one", kept / static, ">=", 0.45, f"{kept:,.0f}/s, nginx {static:,.0f}/s"),
        Figure("stages", "failed requests", failed, "<=", 0, f"of {sum(r['requests'] for rs in rounds.values() for r in rs):,}"),
    ]


CONNECTIONS, DELAY_MS = 1000, 2000


def rest(port, token):
    return (f"[connection]\nplugin = rest\n[settings]\nbase_url = http://127.0.0.1:{port}\n[auth]\nscheme = bearer\ntoken = {token}\n")


def bench_slow(folder, quick):
    """A fast connection alone among a thousand configured ones, then beside a thousand calls of two seconds."""
    seconds, count = (3, 1) if quick else (6, 3)
    text = json.dumps(CUSTOMER, separators=(",", ":"))
    upstream = Nginx(folder, "upstream", LOAD_CORE, f"location / {{ default_type application/json; return 200 '{text}'; }}")
    port = free_port()
    confs = {f"slow{i}.conf": rest(port, f"token-{i}") for i in range(CONNECTIONS)}
    confs["fast.conf"] = rest(upstream.port, "token-fast")
    hub = Hub(folder / "hub", confs, HUB_CORE)
    url = f"http://127.0.0.1:{hub.port}/api/v1/connections/fast/operations/get"

    def fast():
        """One caller, whose p99 tells of waiting behind others; and a hub that has no time left."""
        one, many = (Load(folder, url, hub.key, {"path": "/x"}, seconds, n).end() for n in (1, 64))
        return {"p99": one["p99"], "busy": many["p99"], "failed": one["failed"] + many["failed"], "requests": one["requests"] + many["requests"]}

    alone, beside, resident, slow_figures = [], [], [], []
    try:
        fast()  # warm up
        for _ in range(count):
            alone.append(fast())
            slow = subprocess.Popen([*pinned(LOAD_CORE), str(BUILD / "tests" / "bench_base_slow"), str(port), str(DELAY_MS), str(hub.port), hub.key,
                                     str(CONNECTIONS)], stdout=subprocess.PIPE, text=True)
            if not slow.stdout.readline().startswith("ready"):
                raise RuntimeError("the slow service did not start")
            time.sleep(DELAY_MS / 1000 + 0.5)  # until all are under way
            beside.append(fast())
            resident.append(hub.status("VmRSS") / 1024)
            slow.terminate()
            slow_figures.append(json.loads(slow.communicate(timeout=20)[0].splitlines()[-1]))
            time.sleep(2)  # what they leave behind is cleared away
    finally:
        hub.stop()
        upstream.stop()
    was, now = median(alone, "p99"), median(beside, "p99")
    busy_was, busy_now = median(alone, "busy"), median(beside, "busy")
    under_way = min(s["most"] for s in slow_figures)
    failed = sum(s["failed"] for s in slow_figures) + sum(r["failed"] for r in alone + beside)
    return [
        Figure("slow", "MB resident, 1,000 connections, 1,000 slow calls", max(resident), "<=", 64, f"{under_way} under way at the service"),
        Figure("slow", "calls under way at once", under_way, ">=", CONNECTIONS, "of two seconds each"),
        Figure("slow", "p99 of a fast connection against alone", now / was, "<=", 1.2, f"{was / 1000:.2f} ms, then {now / 1000:.2f} ms"),
        Figure("slow", "the same with both cores used up by 64 callers", busy_now / busy_was, None, None,
               f"{busy_was / 1000:.2f} ms, then {busy_now / 1000:.2f} ms"),
        Figure("slow", "failed calls", failed, "<=", 0, f"of {sum(s['answered'] for s in slow_figures):,} slow and "
               f"{sum(r['requests'] for r in alone + beside):,} fast ones"),
    ]
