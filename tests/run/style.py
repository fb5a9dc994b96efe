"""Checks of the source's shape. Each gives (list of problems, reason for a skip or "")."""
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ["core", "sdk", "plugins"]


def files(folders, suffixes):
    out = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in out.splitlines() if line.endswith(tuple(suffixes)) and (ROOT / line).exists()]


def check_size():
    """No file has more than 800 lines: it is two rooms in one by then."""
    return [f"{f.relative_to(ROOT)}: {n} lines" for f in files(SOURCES, [".c", ".h"])
            if (n := len(f.read_text().splitlines())) > 800], ""


def rooms():
    """Which rooms each room may include, from core/CMakeLists.txt."""
    text = (ROOT / "core" / "CMakeLists.txt").read_text()
    allowed = {}
    for match in re.finditer(r"^room\((\w+)([^)]*)\)", text, re.M):
        allowed[match.group(1)] = {match.group(1), *re.findall(r"core_(\w+)", match.group(2))}
    allowed["cli"] = set(allowed) | {"cli"}
    return allowed


def check_rooms():
    """Arrows between rooms run downwards only."""
    problems = []
    allowed = rooms()
    for f in files(["core"], [".c", ".h"]):
        room = f.relative_to(ROOT / "core").parts[0]
        for include in re.findall(r'^#include "(\w+)/', f.read_text(), re.M):
            if include not in allowed.get(room, set()):
                problems.append(f"{f.relative_to(ROOT)}: {room} may not include {include}")
    return problems, ""


def check_services():
    """The core knows no service by name, and a connector nothing but the SDK."""
    problems = []
    names = [p.name for p in (ROOT / "plugins").iterdir() if p.is_dir() and p.name not in ("rest", "webhooks")]  # of no single service
    own = {("prometheus", "observe"), ("sqlite", "store")}  # a format, and a library, of the core's own
    for f in files(["core"], [".c", ".h"]):
        for name in names:
            if re.search(rf"\b{name}\b", f.read_text(), re.I) and (name, f.relative_to(ROOT).parts[1]) not in own:
                problems.append(f"{f.relative_to(ROOT)}: names the service {name}")
    for f in files(["plugins"], [".c", ".h"]):
        for include in re.findall(r'^#include [<"]([^>"]+)', f.read_text(), re.M):
            own = (f.parent / include).exists()
            if not own and "/" in include and not include.startswith("busbar/"):
                problems.append(f"{f.relative_to(ROOT)}: includes {include}")
    return problems, ""


def check_words():
    """The project speaks of itself alone."""
    words = re.compile("/" + "work/|/" + r"tmp/[a-z]+/\w+\.log|\bTO" + r"DO\b|\bFIX" + r"ME\b|registry\." + "npmjs")
    problems = []
    out = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        f = ROOT / line
        if f.is_symlink() or not f.exists() or f.suffix in (".png",) or "seeds" in f.parts:
            continue
        for number, text in enumerate(f.read_text(errors="replace").splitlines(), 1):
            if words.search(text):
                problems.append(f"{line}:{number}: {text.strip()[:100]}")
    return problems, ""


def check_format():
    """clang-format has nothing to change. Versions differ in their taste: the tree is in that of Debian 12's."""
    tool = shutil.which("clang-format")
    if tool is None:
        return [], "clang-format is not installed"
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    if " 14." not in version:
        return [], f"the tree is formatted by clang-format 14; this is {version.strip()}"
    names = [str(f) for f in files(["core", "sdk", "plugins", "tests"], [".c", ".h"])]
    run = subprocess.run([tool, "--dry-run", "-Werror", *names], capture_output=True, text=True)
    return [line for line in run.stderr.splitlines() if "error:" in line], ""


CHECKS = {"size": check_size, "rooms": check_rooms, "services": check_services, "words": check_words, "format": check_format}


def run(name):
    return CHECKS[name]()
