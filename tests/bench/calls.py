"""A call through the hub beside nginx's bare proxy to the same upstream; reloads under that load."""
import json
import statistics
import time

from figures import Figure
from load import Load
from servers import Hub, Nginx

HUB_CORE, LOAD_CORE = 0, 1
RELOADS = 10

# A customer as Stripe answers it, 0.9 kB.
CUSTOMER = {
    "id": "cus_NffrFeUfNV2Hib", "object": "customer",
    "address": {"city": "Berlin", "country": "DE", "line1": "Karl-Marx-Allee 1", "line2": None, "postal_code": "10178", "state": None},
    "balance": 0, "created": 1680893993, "currency": "eur", "default_source": None, "delinquent": False,
    "description": "Customer since the first day", "discount": None, "email": "jenny.rosen@example.com", "invoice_prefix": "0759376C",
    "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None},
    "livemode": False, "metadata": {"order_id": "6735", "segment": "retail", "since": "2023-04-07"},
    "name": "Jenny Rosen", "next_invoice_sequence": 1, "phone": "+49 30 1234567", "preferred_locales": ["de", "en"],
    "shipping": {"address": {"city": "Berlin", "country": "DE", "line1": "Karl-Marx-Allee 1"}, "name": "Jenny Rosen"},
    "tax_exempt": "none", "test_clock": None,
}


def conf(upstream, plugin, name="Benchmark"):
    return (f"[connection]\nplugin = {plugin}\nname = {name}\n[settings]\nbase_url = http://127.0.0.1:{upstream.port}\n"
            "[auth]\nscheme = bearer\ntoken = sk_test_benchmark\n")


class Stage:
    """Upstream and load on one core; on the other nginx's proxy and the hub, of which only one has work at a time."""

    def __init__(self, folder):
        self.folder = folder
        text = json.dumps(CUSTOMER, separators=(",", ":"))
        self.upstream = Nginx(folder, "upstream", LOAD_CORE, f"location / {{ default_type application/json; return 200 '{text}'; }}")
        self.proxy = Nginx(folder, "proxy", HUB_CORE,
                           'location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }',
                           f"upstream up {{ server 127.0.0.1:{self.upstream.port}; keepalive 128; keepalive_requests 1000000000; }}")
        self.hub = Hub(folder / "hub", {"pay.conf": conf(self.upstream, "stripe"), "web.conf": conf(self.upstream, "rest")}, HUB_CORE)

    def load(self, server, path, body, seconds):
        return Load(self.folder, f"http://127.0.0.1:{server.port}{path}", self.hub.key, body, seconds)

    def stripe(self, seconds):
        return self.load(self.hub, "/api/v1/connections/pay/operations/customers.retrieve", {"customer": CUSTOMER["id"]}, seconds)

    def rest(self, seconds):
        return self.load(self.hub, "/api/v1/connections/web/operations/request", {"path": "/v1/customers/" + CUSTOMER["id"]}, seconds)

    def bare(self, seconds):
        return self.load(self.proxy, "/v1/customers/" + CUSTOMER["id"], {"customer": CUSTOMER["id"]}, seconds)

    def check(self):
        """The answers are right before they are counted."""
        client = self.hub.client()
        status, answer = client.call("pay", "customers.retrieve", {"customer": CUSTOMER["id"]})
        if status != 200 or answer["data"] != CUSTOMER:
            raise RuntimeError(f"customers.retrieve: {status} {answer}")
        status, answer = client.call("web", "request", {"path": "/"})
        if status != 200 or answer["data"]["body"] != CUSTOMER:
            raise RuntimeError(f"request: {status} {answer}")

    def stop(self):
        for server in (self.hub, self.proxy, self.upstream):
            server.stop()


def run(server, load):
    """The figures of one round, with the share of its core that the server took."""
    cpu, began = server.cpu_seconds(), time.monotonic()
    figures = load.end()
    figures["busy"] = (server.cpu_seconds() - cpu) / (time.monotonic() - began)
    return figures


def median(rounds, name):
    return statistics.median(r[name] for r in rounds)


def bench_call(folder, quick):
    seconds, count = (1, 2) if quick else (5, 3)
    stage = Stage(folder)
    try:
        stage.check()
        for start in (stage.bare, stage.stripe, stage.rest):  # warm up
            start(1).end()
        bare, stripe, rest = [], [], []
        for _ in range(count):
            bare.append(run(stage.proxy, stage.bare(seconds)))
            stripe.append(run(stage.hub, stage.stripe(seconds)))
            rest.append(run(stage.hub, stage.rest(seconds)))
    finally:
        stage.stop()
    failed = sum(r["failed"] for r in bare + stripe + rest)
    base, rate = median(bare, "rate"), median(stripe, "rate")
    per_cpu = (rate / median(stripe, "busy")) / (base / median(bare, "busy"))
    p50, p99 = median(stripe, "p50"), median(stripe, "p99")
    return [
        Figure("call", "calls/s against nginx's bare proxy", rate / base, ">=", 0.27,
               f"customers.retrieve {rate:,.0f}/s, nginx {base:,.0f}/s"),
        Figure("call", "the same for a CPU second of either", per_cpu, None, None,
               f"hub {median(stripe, 'busy'):.0%} and nginx {median(bare, 'busy'):.0%} of their core"),
        Figure("call", "request of the connector rest", median(rest, "rate") / base, None, None, f"{median(rest, 'rate'):,.0f}/s"),
        Figure("call", "p99 against the median, 64 connections", p99 / p50, "<=", 3, f"p50 {p50 / 1000:.2f} ms, p99 {p99 / 1000:.2f} ms"),
        Figure("call", "failed requests", failed, "<=", 0, f"of {sum(r['requests'] for r in bare + stripe + rest):,}"),
    ]


def bench_reload(folder, quick):
    """Every reload changes the connection that is being called, so that all of it is exchanged under the calls."""
    seconds, count = (3, 1) if quick else (6, 3)
    stage = Stage(folder)
    before, during, took = [], [], []
    try:
        stage.check()
        stage.stripe(1).end()
        client = stage.hub.client()
        for number in range(count):
            before.append(stage.stripe(seconds).end())
            load = stage.stripe(seconds)
            for step in range(RELOADS):
                time.sleep(seconds / (RELOADS + 1))
                stage.hub.write_conf("pay.conf", conf(stage.upstream, "stripe", f"Round {number} reload {step}"))
                began = time.monotonic()
                report = client.reload()
                took.append(time.monotonic() - began)
                if [c["change"] for c in report["connections"] if c["id"] == "pay"] != ["settings"]:
                    raise RuntimeError(f"the reload changed something else: {report}")
            during.append(load.end())
    finally:
        stage.stop()
    was, now = median(before, "p99"), median(during, "p99")
    return [
        Figure("reload", "failed calls while reloading ten times", sum(r["failed"] for r in before + during), "<=", 0,
               f"of {sum(r['requests'] for r in during):,}; a reload took {statistics.median(took) * 1000:.1f} ms"),
        Figure("reload", "p99 while reloading against before", now / was, "<=", 2, f"{was / 1000:.2f} ms, then {now / 1000:.2f} ms"),
        Figure("reload", "calls/s while reloading against before", median(during, "rate") / median(before, "rate"), None, None, ""),
    ]
