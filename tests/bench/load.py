"""The load: wrk, POSTing one body with one key to one URL."""
import json
import pathlib
import subprocess

from servers import pinned

CONNECTIONS = 64
LOAD_CORE = 1
LUA = (pathlib.Path(__file__).parent / "wrk.lua").read_text()


class Load:
    """A running wrk. `end()` waits for it: {"requests", "seconds", "rate", "p50", "p99", "max" (us), "failed"}."""

    def __init__(self, folder, url, key, body, seconds, connections=CONNECTIONS):
        script = folder / "load.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = {json.dumps(json.dumps(body))}\n'
                          f'wrk.headers["Authorization"] = "Bearer {key}"\n'
                          f'wrk.headers["Content-Type"] = "application/json"\n{LUA}')
        script.chmod(0o600)
        self.child = subprocess.Popen([*pinned(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
                                       "-s", str(script), url], stdout=subprocess.PIPE, text=True)

    def end(self):
        output, _ = self.child.communicate(timeout=120)
        lines = [line for line in output.splitlines() if line.startswith("{")]
        if self.child.returncode != 0 or not lines:
            raise RuntimeError(f"wrk ended with {self.child.returncode}:\n{output}")
        figures = json.loads(lines[-1])
        figures["rate"] = figures["requests"] / figures["seconds"]
        return figures
