#!/usr/bin/env python3
"""Runs the test programs of each variant and adds up their results.

run.py [--only PATTERN] [--not-built NAME]... VARIANT...    VARIANT: plain, asan, tsan, fuzz, clang (build/VARIANT has been built)

Unit tests are Check programs that write TAP to $UNIT_TAP; integration tests are Node's, with its TAP reporter; style checks are here.
A program that crashes, hangs or runs no test has failed. The last line is "N passed, N failed, N skipped".
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "test-logs"
TIMEOUT = 600  # seconds, of one program
LINGER = 5  # seconds
# Of a fuzz target: always the same inputs, so that a machine finds what every other finds. Who wants new ones has
# scripts/fuzz.
FUZZ_SECONDS, FUZZ_RUNS, FUZZ_SEED = 8, 100_000, 1

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import style  # noqa: E402


class Result:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped, self.output = name, 0, 0, [], ""
        self.seconds = 0.0


def sanitizer_environment(variant):
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    # libuv closes by a system call of its own, which ThreadSanitizer does not see: a descriptor that another thread
    # gets next would still count as the loop's. So what uninstrumented libraries do with descriptors is passed over.
    env["TSAN_OPTIONS"] = "halt_on_error=1:second_deadlock_stack=1:ignore_noninstrumented_modules=1"
    env["BUSBAR_VARIANT"] = variant
    env["BUSBAR_BIN"] = str(ROOT / "build" / variant / "bin" / "busbar")
    env["BUSBAR_PLUGINS"] = str(ROOT / "build" / variant / "plugins")
    env["BUSBAR_BUILD"] = str(ROOT / "build" / variant)
    # ThreadSanitizer wants an address space that is laid out as it expects.
    env["BUSBAR_WRAP"] = "setarch -R" if variant == "tsan" else ""
    return env


def execute(command, env, log, last_words=None):
    """Runs a command; its exit code, None for one that did not end in time, and its output. After a line that matches
    `last_words` nothing more is to come, and the program has LINGER seconds to end."""
    with open(log, "wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        code, deadline, said = None, time.monotonic() + TIMEOUT, False
        while code is None and time.monotonic() < deadline:
            try:
                code = process.wait(1)
            except subprocess.TimeoutExpired:
                if last_words is not None and not said and re.search(last_words, log.read_text(errors="replace"), re.M):
                    said, deadline = True, min(deadline, time.monotonic() + LINGER)
        # What it has started and left behind ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return code, log.read_text(errors="replace")


def skips_of(text):
    return re.findall(r"^SKIP (.+)$", text, re.M)


def finish(result, code, output):
    """What the exit code adds to the counts of a program."""
    result.output = output
    if code is None:
        result.failed = max(1, result.failed)
        result.output += f"\ndid not end by itself\n"
    elif code != 0 and result.failed == 0:
        result.failed += 1
        result.output += f"\nended with code {code}\n"
    elif result.passed + result.failed + len(result.skipped) == 0:
        result.failed += 1
        result.output += "\nran no test\n"


def run_unit(variant, program):
    result = Result(f"{variant} {program.name}")
    env = sanitizer_environment(variant)
    tap = LOGS / f"{variant}-{program.name}.tap"
    tap.unlink(missing_ok=True)
    env["UNIT_TAP"] = str(tap)
    env["CK_FORK"] = "no" if variant == "asan" else "yes"  # leaks are looked for when the process ends
    wrap = env["BUSBAR_WRAP"].split()
    code, output = execute(wrap + [str(program)], env, LOGS / f"{variant}-{program.name}.log")
    text = tap.read_text(errors="replace") if tap.exists() else ""
    skipped = skips_of(output)
    result.skipped = skipped
    result.passed = max(0, len(re.findall(r"^ok ", text, re.M)) - len(skipped))
    result.failed = len(re.findall(r"^not ok ", text, re.M))
    finish(result, code, output + "".join(line + "\n" for line in text.splitlines() if line.startswith("not ok")))
    return result


def run_node(variant, file):
    result = Result(f"{variant} {file.relative_to(ROOT / 'tests')}")
    env = sanitizer_environment(variant)
    log = LOGS / f"{variant}-{file.name}.log"
    # A file whose last hook failed may have left a server open, and would wait for it.
    code, output = execute(["node", "--test", "--test-reporter=tap", str(file)], env, log, rf"^not ok \d+ - {re.escape(str(file))}$")
    totals = dict(re.findall(r"^# (pass|fail|cancelled) (\d+)$", output, re.M))
    if "pass" in totals:
        result.passed, result.failed = int(totals["pass"]), int(totals["fail"]) + int(totals["cancelled"])
    else:  # it did not live to add them up
        result.passed = len(re.findall(r"^ok \d+ - (?!.* # (?:SKIP|TO[D]O))", output, re.M))
        result.failed = len(re.findall(r"^not ok \d+ - ", output, re.M))
    for line in output.splitlines():
        match = re.match(r"^\s*ok \d+ - (.*?) # SKIP ?(.*)$", line)
        if match:
            result.skipped.append(f"{match.group(1)}: {match.group(2)}")
    finish(result, code, output)
    return result


def run_fuzzer(program):
    result = Result(f"fuzz {program.name}")
    name = program.name.removeprefix("fuzz_")
    seeds = ROOT / "tests" / "fuzz" / "seeds" / name
    found = ROOT / "build" / "fuzz" / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    command = [str(program), f"-seed={os.environ.get('FUZZ_SEED', FUZZ_SEED)}", f"-runs={os.environ.get('FUZZ_RUNS', FUZZ_RUNS)}",
               f"-max_total_time={os.environ.get('FUZZ_SECONDS', FUZZ_SECONDS)}", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={LOGS}/{program.name}-", str(found)]
    command += [str(folder) for folder in (seeds, program.parent / "seeds" / name) if folder.is_dir()]
    code, output = execute(command, sanitizer_environment("fuzz"), LOGS / f"{program.name}.log")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    output = re.sub(r"^#\d+\t(?:REDUCE|NEW|RELOAD|pulse) .*\n", "", output, flags=re.M)  # how it came there
    if code == 0 and runs and int(runs.group(1)) > 0:
        result.passed = 1
    finish(result, code, output)
    return result


def variants_of(file):
    """Where an integration test runs: everywhere, unless it says `// variants: plain` with its reason behind."""
    match = re.search(r"^// variants: ([a-z ]+)", file.read_text(), re.M)
    return match.group(1).split() if match else ["plain", "asan", "tsan"]


def tasks_of(variants, only):
    tests = ROOT / "tests"
    node_files = sorted([*tests.glob("integration/*.test.mjs"), *tests.glob("sdk/*.test.mjs")])
    parallel, serial = [], []
    for variant in variants:
        build = ROOT / "build" / variant
        if variant == "clang":  # to have been built is all it is for
            continue
        if variant == "fuzz":
            parallel += [("fuzz " + p.name, run_fuzzer, (p,)) for p in sorted(build.glob("fuzz/fuzz_*")) if os.access(p, os.X_OK) and p.is_file()]
            continue
        parallel += [(f"{variant} {p.name}", run_unit, (variant, p)) for p in sorted(build.glob("tests/unit_*")) if p.is_file()]
        serial += [(f"{variant} {f.relative_to(tests)}", run_node, (variant, f)) for f in node_files if variant in variants_of(f)]
    if "plain" in variants:
        parallel += [(f"style {name}", style.run, (name,)) for name in style.CHECKS]
    matches = [re.search(only, name) is not None for name, _, _ in parallel]
    return ([t for t, m in zip(parallel, matches) if m], [t for t in serial if re.search(only, t[0])])


def unbuilt(name):
    result = Result(f"build {name}")
    finish(result, 1, (LOGS / f"build-{name}.log").read_text(errors="replace"))
    return result


def timed(task):
    name, function, arguments = task
    began = time.monotonic()
    result = function(*arguments)
    if isinstance(result, tuple):  # a style check: problems, reason for a skip
        problems, skip = result
        result = Result(name)
        result.skipped = [f"{name}: {skip}"] if skip else []
        result.failed, result.passed = (1, 0) if problems else (0, 0 if skip else 1)
        result.output = "\n".join(problems) + "\n"
    result.seconds = time.monotonic() - began
    return result


def told(output):
    """What a reader wants of a failed program's output: the failures of a TAP document (the diagnosis ends with "..."), else its last lines."""
    lines, kept, within = output.splitlines(), [], False
    if not output.startswith("TAP version"):
        return lines[-150:]
    for line in lines:
        within = within or re.match(r"^\s*not ok \d+ - ", line) is not None
        if within:
            kept.append(line)
        within = within and line.strip() != "..."
    return kept[:150] if len(kept) > 1 else lines[-150:]


def show(result):
    verdict = "FAIL" if result.failed else "ok"
    print(f"{verdict:4} {result.name}: {result.passed} passed, {result.failed} failed, {len(result.skipped)} skipped "
          f"({result.seconds:.1f} s)", flush=True)
    if result.failed:
        print("".join("     | " + line + "\n" for line in told(result.output)), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--not-built", action="append", default=[])  # its log is build/test-logs/build-NAME.log
    parser.add_argument("variants", nargs="*")
    args = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    parallel, serial = tasks_of(args.variants, args.only)
    results = [unbuilt(name) for name in args.not_built]
    for result in results:
        show(result)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for result in pool.map(timed, parallel):
            show(result)
            results.append(result)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for result in pool.map(timed, serial):
            show(result)
            results.append(result)
    for result in results:
        for reason in result.skipped:
            print(f"skipped: {result.name}: {reason}")
    passed, failed = sum(r.passed for r in results), sum(r.failed for r in results)
    skipped = sum(len(r.skipped) for r in results)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
