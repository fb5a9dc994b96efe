"""What a benchmark starts: nginx as upstream and as the measure, and the hub. All on loopback, each with a folder of its own."""
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUSBAR_BUILD", ROOT / "build" / "plain"))
START_TRIES = 20000  # of 0.5 ms


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(core):
    """Words before a command that keep it on one core; none where the machine has but one."""
    if core is None or os.cpu_count() == 1 or shutil.which("taskset") is None:
        return []
    return ["taskset", "-c", str(core)]


def wait_for(port, path, wanted=200):
    """Until a GET is answered with the wanted status; the time it took, in seconds."""
    began = time.monotonic()
    for _ in range(START_TRIES):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            status = connection.getresponse().status
            connection.close()
            if status == wanted:
                return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.0005)
    raise RuntimeError(f"nobody answers http://127.0.0.1:{port}{path} with {wanted}")


class Process:
    """A child process with its figures from /proc."""

    def __init__(self, command, folder, log, env=None):
        self.log = folder / log
        with open(self.log, "wb") as out:
            self.child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                          env={**os.environ, **(env or {})})
        self.pid = self.child.pid

    def status(self, name):
        """A number of /proc/PID/status: VmRSS (kB), Threads."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise RuntimeError(f"/proc/{self.pid}/status has no {name}")

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.child.terminate()
        try:
            code = self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            code = None
        if code != 0:
            raise RuntimeError(f"{self.child.args[-1]} ended with {code}:\n{self.log.read_text(errors='replace')[-2000:]}")


class Nginx(Process):
    """One worker, pinned by nginx itself, nothing logged, nothing on disk. `http` goes into its server block."""

    def __init__(self, folder, name, core, server, upstream=""):
        self.port = free_port()
        own = folder / name
        own.mkdir()
        affinity = f"worker_cpu_affinity {1 << core:b};" if os.cpu_count() > 1 else ""
        user = "user root;" if os.geteuid() == 0 else ""
        temp = "".join(f"{kind}_temp_path {own}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (own / "nginx.conf").write_text(
            f"""daemon off; worker_processes 1; {affinity} {user} pid {own}/pid; error_log {own}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; {temp}
  {upstream}
  server {{ listen 127.0.0.1:{self.port}; {server} }}
}}
""")
        super().__init__(["nginx", "-e", str(own / "error.log"), "-c", str(own / "nginx.conf")], own, "output")
        wait_for(self.port, "/")
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        self.master, self.pid = self.pid, int(children[0])  # the worker's figures are the ones that count


class Hub(Process):
    """`busbar serve` with these conf files ({name: text}), on one core with one loop where `core` is given."""

    def __init__(self, folder, confs, core=None, plugins=None, settings="", env=None):
        self.folder = folder
        (folder / "conf.d").mkdir(parents=True, exist_ok=True)
        for name, text in confs.items():
            self.write_conf(name, text)
        loops = "[hub]\nloops = 1\n" if core is not None else ""
        if loops or settings:
            (folder / "busbar.conf").write_text(loops + settings)
        self.port = free_port()
        command = [*pinned(core), str(BUILD / "bin" / "busbar"), "serve", "--conf", "conf.d", "--state", "var", "--plugins",
                   str(plugins or BUILD / "plugins"), "--listen", f"127.0.0.1:{self.port}"]
        super().__init__(command, folder, "hub.log", env)
        self.ready_seconds = wait_for(self.port, "/readyz")
        self.key = (folder / "var" / "admin.key").read_text().strip()
        self.connection = None

    def write_conf(self, name, text):
        """As an editor does: a reload never sees half a file."""
        new = self.folder / "conf.d" / (name + ".new~")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(self.folder / "conf.d" / name)

    def client(self):
        return Client(self.port, self.key)


class Client:
    """One kept connection to a hub's API."""

    def __init__(self, port, key):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, path, body=None):
        """(status, the parsed answer)"""
        self.http.request("POST", path, json.dumps(body) if body is not None else None, self.headers)
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read())

    def call(self, connection, operation, body):
        return self.post(f"/api/v1/connections/{connection}/operations/{operation}", body)

    def reload(self):
        status, report = self.post("/api/v1/reload?wait=true")
        if status != 200 or not report["committed"] or report["errors"]:
            raise RuntimeError(f"reload: {status} {report}")
        return report
