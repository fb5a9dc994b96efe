#!/usr/bin/env python3
"""Runs the benchmarks and prints their figures. scripts/bench calls it: see its --help."""
import argparse
import json
import pathlib
import shutil
import sys
import tempfile

import alone
import calls
import isolated
import stages
import swap
import webhooks
from figures import table

BENCHES = {"call": calls.bench_call, "stages": stages.bench_stages, "slow": stages.bench_slow, "reload": calls.bench_reload, "start": alone.bench_start, "json": alone.bench_json, "swap": swap.bench_swap,
           "isolated": isolated.bench_isolated, "webhooks": webhooks.bench_webhooks}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHES, []])
    args = parser.parse_args()
    figures, broken = [], []
    for name in args.names or BENCHES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="busbar-bench-"))
        try:
            figures += BENCHES[name](folder, args.quick)
        except Exception as error:  # the others are still worth their figures
            broken.append({"bench": name, "error": str(error)})
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps({"figures": [f.as_dict() for f in figures], "broken": broken}, indent=2))
    else:
        print(table(figures))
        for b in broken:
            print(f"{b['bench']}: could not be measured: {b['error']}")
    missed = sum(f.passed() is False for f in figures)
    print(f"{sum(f.passed() is True for f in figures)} bars reached, {missed} missed, {len(broken)} benchmarks broken", file=sys.stderr)
    return 1 if missed or broken else 0


if __name__ == "__main__":
    sys.exit(main())
