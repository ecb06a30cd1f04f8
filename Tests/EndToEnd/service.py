"""A `cashup serve` process under test: start, kill -9, restart on the same directory, stop and be judged."""

import ctypes
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "clients" / "python"))

from cashup import AsyncClient, Client  # noqa: E402

from lines import Lines  # noqa: E402
from rest import Rest  # noqa: E402
from tokens import token  # noqa: E402

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20


def binary():
    """The executable: CASHUP_BIN, or the release build of this repository."""
    path = Path(os.environ.get("CASHUP_BIN") or REPOSITORY / ".build" / "release" / "cashup")
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(
            f"no cashup executable at {path}: run `swift build -c release` first, or name one in CASHUP_BIN")
    return str(path)


def cashup(*arguments, timeout=60, **options):
    """Runs `cashup` with arguments to its end."""
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=timeout, **options)


def free_port():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _end_with_parent():
    """In the child: SIGKILL when the test run dies, so that no service is left behind. (PR_SET_PDEATHSIG is 1.)"""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Service:
    """One data directory and the process that serves it. `auth` is ``off`` or ``jwt`` (with a secret of its own). With `http` it has
    a REST port, too, and keeps history unless told otherwise."""

    def __init__(self, directory, *, loops=1, auth="off", config=None, environment=None, history=None, http=False):
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.loops = loops
        self.auth = auth
        self.history = history or ("on" if http else "off")
        self.environment = environment or {}
        self.port = free_port()
        self.http_port = free_port() if http else None
        self.secret = secrets.token_hex(32)
        self.process = None
        self.starts = 0
        self.config = None
        if config:
            self.config = self.directory / "cashup.yaml"
            self.config.write_text(config)

    # -- life ----------------------------------------------------------------------------------------------------------

    def command(self):
        command = [binary(), "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}",
                   "--http", f"127.0.0.1:{self.http_port}" if self.http_port else "off", "--history", self.history, "--loops", str(self.loops), "--auth", self.auth]
        return command + (["--config", str(self.config)] if self.config else [])

    def launch(self):
        """Starts the process without waiting for it."""
        assert self.process is None
        self.starts += 1
        environment = {**os.environ, "JWT_SECRET_KEY": self.secret, **self.environment}
        with open(self.directory / "stdout.txt", "ab") as out, open(self.directory / "stderr.txt", "ab") as err:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=environment, preexec_fn=_end_with_parent)
        return self

    def start(self):
        """Starts it and waits until its greeting says ready."""
        self.launch()
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"exit code {self.process.returncode} at start:\n{self.said()}")
            try:
                with self.lines() as lines:
                    if "state=ready" in lines.greeting.split(" "):
                        if self.http_port:
                            socket.create_connection(("127.0.0.1", self.http_port), 1).close()
                        return self
            except (OSError, EOFError):
                pass
            time.sleep(0.01)
        raise AssertionError(f"not ready within {START_SECONDS_MAX} s:\n{self.said()}")

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        """kill -9 and start on the same directory."""
        self.kill()
        return self.start()

    def stop(self):
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no exit within {STOP_SECONDS_MAX} s of SIGTERM:\n{self.said()}") from None
        self.process = None
        return code

    def close(self):
        """The end of a test: a clean stop, exit code 0, and no broken invariant in all its life."""
        try:
            if self.process is not None and self.process.poll() is not None:
                code, self.process = self.process.returncode, None
                raise AssertionError(f"the service had ended by itself, exit code {code}:\n{self.said()}")
            if self.process is not None:
                code = self.stop()
                assert code == 0, f"exit code {code} after SIGTERM:\n{self.said()}"
        finally:
            if self.process is not None:
                self.kill()
        assert "broken invariant" not in self.said()

    # -- looking at it -------------------------------------------------------------------------------------------------

    def said(self):
        """What all its runs printed."""
        return "".join((self.directory / name).read_text(errors="replace")
                       for name in ("stdout.txt", "stderr.txt") if (self.directory / name).exists())

    def resident_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def segments(self):
        """The log's segments in order: files that begin with a skippable frame of zstd, and are no snapshots."""
        found = []
        for path in sorted(self.data.rglob("*"), key=lambda path: path.name):
            if path.is_file() and path.suffix not in (".torn", ".snap"):
                with open(path, "rb") as file:
                    magic = int.from_bytes(file.read(4), "little")
                if 0x184D2A50 <= magic <= 0x184D2A5F:
                    found.append(path)
        return found

    # -- talking to it -------------------------------------------------------------------------------------------------

    def token(self, **claims):
        return token(self.secret, **claims)

    def client(self, **options):
        return Client("127.0.0.1", self.port, **options).connect()

    def async_client(self, **options):
        return AsyncClient("127.0.0.1", self.port, **options)

    def lines(self, **options):
        return Lines(self.port, **options)

    def rest(self, **options):
        return Rest(self.http_port, **options)
