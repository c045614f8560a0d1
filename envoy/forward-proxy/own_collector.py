"""Sluice's own collector beside the proxy: its process, an admin's token, and one for the proxy."""

import ctypes
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from policy_file import printable

# Where the filter finds its token: in the VM's environment, never in its configuration, which the admin socket shows.
TOKEN_VARIABLE = "SLUICE_TOKEN"
LOG_LINES_SHOWN = 15
# The process ends calls within ten seconds, and stores what it took in.
PATIENCE = 20


class NoCollector(Exception):
    """It does not start, or does not do what it is asked; the text says why."""


class OwnCollector:
    """`sluice serve` with its database in a folder. What it knows stays there from run to run."""

    def __init__(self, sluice, folder, http, grpc):
        self.sluice = sluice.resolve()
        self.folder = folder
        self.log = folder / "collector.log"
        self.token_file = folder / "admin-token"
        self.token = admin_token(self.token_file)
        self.ports = http, grpc
        self.process = None
        # Where it listens, once it does.
        self.http = self.grpc = self.url = None

    def start(self):
        """Starts it, and waits until it serves."""
        http, grpc = self.ports
        # Arguments are there for all to see; the environment is not.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        environment["SLUICE_ADMIN_TOKEN"] = self.token
        with open(self.log, "wb") as log:
            try:
                self.process = subprocess.Popen(
                    [self.sluice, "serve", "--http", f"127.0.0.1:{http}", "--grpc", f"127.0.0.1:{grpc}",
                     "--database", "sqlite:sluice.db", "--log-format", "json"],
                    cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    # Ctrl-C goes to the whole foreground group; this is to end after Envoy.
                    stderr=log, start_new_session=True, preexec_fn=end_with_parent)
            except OSError as problem:
                raise NoCollector(f"cannot start {self.sluice}: {problem.strerror}") from None
        serving = None
        while serving is None:
            self.check()
            time.sleep(0.05)
            serving = self.serving()
        self.http, self.grpc = serving["http"], serving["grpc"]
        self.url = f"http://{self.http}"

    def serving(self):
        """What it says once it serves, with the ports it has."""
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                fields = json.loads(line)["fields"]
            except (ValueError, KeyError, TypeError):
                continue
            if fields.get("message") == "serving":
                return fields
        return None

    def check(self):
        status = self.process.poll()
        if status is not None:
            lines = self.log.read_text(errors="replace").splitlines()
            tail = "\n".join("  " + line for line in lines[-LOG_LINES_SHOWN:])
            raise NoCollector(f"the collector ended with status {status}; its log, {self.log}, ends:\n{tail}")

    def filter_token(self, kind, name):
        """A token with which a proxy sends the events of this resource and gets its policy, and nothing else."""
        file = self.folder / f"filter-token-{kind}-{name}"
        known = read_token(file)
        if known and self.accepts(known):
            return known
        made = self.ask("POST", "/tokens", {"name": f"proxy of {kind}/{name}", "role": "filter",
                                            "scope": f"{kind}/{name}"})
        write_token(file, made["data"]["token"])
        return made["data"]["token"]

    def accepts(self, token):
        """Whether it still knows this token, which may do nothing here: but that is another answer."""
        status, _ = self.call("GET", "/egress/resources", None, token)
        return status != 401

    def ask(self, method, path, body=None):
        """What it answers, as an admin."""
        status, answer = self.call(method, path, body, self.token)
        if status >= 300:
            said = answer.get("error", {}).get("message", "") if isinstance(answer, dict) else ""
            raise NoCollector(f"the collector refuses {method} {path}: {status} {printable(said)}; if {self.token_file} "
                              "is not of its database, remove both")
        return answer

    def call(self, method, path, body, token):
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method)
        request.add_header("authorization", f"Bearer {token}")
        if body is not None:
            request.add_header("content-type", "application/json")
            request.data = json.dumps(body).encode()
        # Never through a proxy that this shell may be told to use: it may be the one that is not there yet.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read() or "{}")
        except (OSError, ValueError) as problem:
            raise NoCollector(f"the collector at {self.url} does not answer {method} {path}: {problem}") from None

    def stop(self):
        """Lets it store what it took in."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def admin_token(file):
    """Made once, for nobody else to read."""
    known = read_token(file)
    if known is None:
        known = f"sluice_{secrets.token_hex(20)}"
        write_token(file, known)
    return known


def read_token(file):
    try:
        text = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise NoCollector(f"{file} cannot be read: {problem}; remove it, and a new token is made") from None
    if not re.fullmatch(r"[!-~]{16,}", text):
        raise NoCollector(f"{file} holds no token; remove it, and a new one is made")
    return text


def write_token(file, token):
    following = Path(f"{file}.next")
    following.unlink(missing_ok=True)
    with open(os.open(following, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(token + "\n")
    os.replace(following, file)


def end_with_parent():
    """However this script ends, what it started does not stay behind (Linux)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
