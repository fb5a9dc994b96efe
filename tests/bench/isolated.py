"""A call whose connector runs in a process of its own beside the same call within the hub, hub and process on one core."""
import json
import re
import statistics
import urllib.request

from calls import CUSTOMER, HUB_CORE, LOAD_CORE, conf
from figures import Figure
from load import Load
from servers import Hub, Nginx


def isolated(upstream, plugin):
    return conf(upstream, plugin).replace("[settings]", "isolation = process\n[settings]")


def cpu_seconds(hub):
    """Of the hub and of its connectors' processes."""
    client = urllib.request.Request(f"http://127.0.0.1:{hub.port}/metrics", headers={"Authorization": f"Bearer {hub.key}"})
    text = urllib.request.urlopen(client).read().decode()
    return hub.cpu_seconds() + sum(float(n) for n in re.findall(r"^busbar_isolated_cpu_seconds_total\{.*\} (\S+)$", text, re.M))


def bench_isolated(folder, quick):
    seconds, count = (1, 2) if quick else (4, 4)
    text = json.dumps(CUSTOMER, separators=(",", ":"))
    upstream = Nginx(folder, "upstream", LOAD_CORE, f"location / {{ default_type application/json; return 200 '{text}'; }}")
    hub = Hub(folder / "hub", {"here.conf": conf(upstream, "stripe"), "there.conf": isolated(upstream, "stripe"),
                               "web.conf": conf(upstream, "rest"), "webthere.conf": isolated(upstream, "rest")}, HUB_CORE)

    def load(connection, operation, body, time):
        return Load(folder, f"http://127.0.0.1:{hub.port}/api/v1/connections/{connection}/operations/{operation}", hub.key, body, time)

    def measured(connection, operation, body, time):
        """One round, with what it took of CPU time: the hub's, and its processes'."""
        before = cpu_seconds(hub)
        figures = load(connection, operation, body, time).end()
        figures["per_cpu"] = figures["requests"] / (cpu_seconds(hub) - before)
        return figures

    def both(one, other, operation, body):
        for name in (one, other):
            load(name, operation, body, 1).end()
        rounds = [(measured(one, operation, body, seconds), measured(other, operation, body, seconds)) for _ in range(count)]
        failed = sum(r["failed"] for pair in rounds for r in pair)
        rates = [statistics.median(pair[i]["rate"] for pair in rounds) for i in (0, 1)]
        ratios = [statistics.median(there[what] / here[what] for here, there in rounds) for what in ("rate", "per_cpu")]
        return ratios, rates, failed

    try:
        client = hub.client()
        for name in ("here", "there"):
            status, answer = client.call(name, "customers.retrieve", {"customer": CUSTOMER["id"]})
            if status != 200 or answer["data"] != CUSTOMER:
                raise RuntimeError(f"{name}: {status} {answer}")
        (ratio, per_cpu), (here, there), failed = both("here", "there", "customers.retrieve", {"customer": CUSTOMER["id"]})
        (rest, rest_cpu), (rest_here, rest_there), more = both("web", "webthere", "request", {"path": "/v1/customers/" + CUSTOMER["id"]})
    finally:
        hub.stop()
        upstream.stop()
    return [
        Figure("isolated", "a call in a process of its own against within the hub", ratio, ">=", 0.60,
               f"customers.retrieve {there:,.0f}/s, within {here:,.0f}/s, 64 connections"),
        Figure("isolated", "the same for a CPU second of both", per_cpu, None, None, f"of the connector rest {rest_cpu:.2f}"),
        Figure("isolated", "the same of the connector rest, which builds its output", rest, None, None,
               f"request {rest_there:,.0f}/s, within {rest_here:,.0f}/s"),
        Figure("isolated", "failed requests", failed + more, "<=", 0, ""),
    ]
