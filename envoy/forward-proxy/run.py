#!/usr/bin/env python3
"""Runs the forward proxy of this folder and shows decisions as they happen.

Standard library only, so that `make run` works on a fresh machine.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

from own_collector import TOKEN_VARIABLE, NoCollector, OwnCollector, end_with_parent
from policy_file import FilterYaml, NoPolicy, PolicyFile, printable, refusals, with_variable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHIPPED_PORT = 3128
API_PORT, GRPC_PORT = 8080, 4317
SHIPPED_COLLECTOR = "{address: 127.0.0.1, port_value: 4317}"
OBSERVE = '{"mode": "audit_only", "rules": []}'
LOG_LINES_SHOWN = 15
# How many events of all VMs have not been acknowledged.
UNSENT = "wasmcustom.sluice_events_unsent"


class Problem(Exception):
    """Something the user can put right; the text says how."""


class Stop(Exception):
    """The user has had enough."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=port_number, default=SHIPPED_PORT,
                        help="port on 127.0.0.1 to listen on; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--wasm", type=Path, required=True, help="the filter, sluice_filter.wasm")
    parser.add_argument("--policy", type=Path,
                        help="a policy, JSON; saving a change puts it in force (default: that of filter.yaml, audit_only)")
    parser.add_argument("--sluice", type=Path,
                        help="the command line: starts a collector of its own, which has the policy and gets the events")
    parser.add_argument("--api", type=port_number, default=API_PORT,
                        help="port of that collector's API; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--grpc", type=port_number, default=GRPC_PORT,
                        help="port of that collector for the proxy; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--collector", type=endpoint, metavar="HOST:PORT|none",
                        help="start none, and send events there, to anything that takes OTLP over gRPC without TLS")
    parser.add_argument("--resource", type=resource, metavar="TYPE/ID", default=("sandbox", "local"),
                        help="whose traffic it is, on every event (default: sandbox/local)")
    parser.add_argument("--resolves-to", action="append", metavar="BLOCK",
                        help="a private block that names may resolve to, such as 10.0.0.0/8; may be repeated "
                             "(default: what a rule says)")
    parser.add_argument("--config", type=Path, default=HERE,
                        help="where envoy.yaml and filter.yaml are taken from (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="working directory (default: target/run/PORT)")
    return parser.parse_args()


def port_number(text):
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 0 to 65535")
    return int(text)


def endpoint(text):
    if text == "none":
        return text
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536 or not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+\]", host):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:4317, or none")
    return host.strip("[]"), int(port)


def resource(text):
    kind, _, name = text.partition("/")
    if not kind or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not TYPE/ID, such as sandbox/sb_1")
    return kind, name


def check_curl():
    if shutil.which("curl") is None:
        raise Problem("curl is missing: see README.md, 'What a machine needs'")


def find_envoy():
    # Its messages, such as that of an installation, go straight to the user's stderr.
    found = subprocess.run([ROOT / "envoy" / "find-envoy"], stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        raise Problem("there is no Envoy to run (see above)")
    return found.stdout.strip()


def check_port(port, variable):
    if port == 0:
        return
    # Envoy would share the port with another Envoy, so it would not complain itself.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Problem(f"cannot listen on 127.0.0.1:{port}: {error.strerror}. "
                          f"Stop what listens there, or choose a port: make run {variable}={port % 65535 + 1}")


def prepare(folder, config, port, wasm, collector, variable):
    if not wasm.is_file():
        raise Problem(f"there is no filter at {wasm}; `make wasm` builds it")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(wasm, folder / "sluice_filter.wasm")
    shutil.copyfile(config / "filter.yaml", folder / "filter.yaml")
    address = config / "filter-address.yaml"
    text = address.read_text(encoding="utf-8")
    # What decides on addresses is in the same VM, and so has the same environment.
    (folder / address.name).write_text(with_variable(address, text, variable) if variable else text, encoding="utf-8")
    bootstrap, changed = re.subn(rf"port_value: {SHIPPED_PORT}\b", f"port_value: {port}",
                                 (config / "envoy.yaml").read_text())
    if changed != 1:
        raise Problem(f"{config / 'envoy.yaml'} should name port {SHIPPED_PORT} once, not {changed} times")
    if collector:
        host, to = collector
        if bootstrap.count(SHIPPED_COLLECTOR) != 1:
            raise Problem(f"{config / 'envoy.yaml'} should name the collector {SHIPPED_COLLECTOR} once")
        bootstrap = bootstrap.replace(SHIPPED_COLLECTOR, f'{{address: "{host}", port_value: {to}}}')
    (folder / "envoy.yaml").write_text(bootstrap)
    (folder / "admin.sock").unlink(missing_ok=True)


def members(options, collector, own):
    """What the plugin is configured with besides its policy."""
    kind, name = options.resource
    found = {"resource": {"type": kind, "id": name}}
    if options.resolves_to:
        found["resolves_to"] = options.resolves_to
    if own:
        found["policy_service"] = found["events"] = {"cluster": "sluice", "token_env": TOKEN_VARIABLE}
        found["own"] = [own.http, own.grpc]
    elif collector:
        host, port = collector
        found["events"] = {"cluster": "sluice"}
        # The collector is no destination for what runs behind this proxy.
        found["own"] = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    return found


class Envoy:
    """The process, and its admin socket."""

    def __init__(self, binary, folder, variables):
        self.folder = folder
        self.log = folder / "envoy.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [binary, "--config-path", "envoy.yaml", "--disable-hot-restart",
                 "--file-flush-interval-msec", "100"],
                cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                # Ctrl-C goes to the whole foreground group; Envoy is to drain before it ends.
                start_new_session=True, preexec_fn=end_with_parent)

    def admin(self, method, path):
        """Body of an admin call, or None if Envoy does not answer."""
        try:
            # The socket's name is relative, because absolute ones may be too long for a socket.
            answer = subprocess.run(
                ["curl", "--disable", "--silent", "--fail", "--max-time", "5", "--request", method,
                 "--unix-socket", "admin.sock", f"http://admin{path}"],
                cwd=self.folder, capture_output=True, text=True)
        except FileNotFoundError:  # the folder is gone, as after `make clean`
            return None
        return answer.stdout if answer.returncode == 0 else None

    def check(self):
        status = self.process.poll()
        if status is not None:
            lines = self.log.read_text(errors="replace").splitlines()
            tail = "\n".join("  " + line for line in lines[-LOG_LINES_SHOWN:])
            raise Problem(f"Envoy ended with status {status}; its log, {self.log}, ends:\n{tail}")

    def wait_until_ready(self):
        while not (self.admin("GET", "/ready") or "").startswith("LIVE"):
            self.check()
            time.sleep(0.05)
        # Ready, and yet without a filter, is how Envoy starts when the filter refused its
        # configuration: every request would then be answered with 500.
        if self.stat("extension_config_discovery.http_filter.sluice.update_success") == 0:
            refused = refusals(self.log, 0)
            if refused:
                raise Problem("the filter refuses its configuration:\n" + "\n".join("  " + line for line in refused))
            tail = "\n".join("  " + printable(line) for line in self.log.read_text(errors="replace").splitlines()
                             if "[wasm]" in line or "[config]" in line and "rejected" in line)
            raise Problem(f"the filter did not start; {self.log} says:\n{tail}")

    def port(self):
        listeners = json.loads(self.admin("GET", "/listeners?format=json") or "{}")
        address = listeners["listener_statuses"][0]["local_address"]["socket_address"]
        return address["port_value"]

    def stat(self, name):
        """A counter or gauge; 0 if Envoy does not have it yet, None if it does not answer."""
        answer = self.admin("GET", "/stats")
        if answer is None:
            return None
        for line in answer.splitlines():
            key, _, value = line.partition(": ")
            if key == name:
                return int(value)
        return 0

    def stop(self):
        """Takes no more connections, lets requests finish and events arrive, then ends. How many events did not."""
        unsent = 0
        if self.process.poll() is None and self.admin("POST", "/drain_listeners") is not None:
            self.wait_for_none("http.forward_proxy.downstream_rq_active", 3)
            unsent = self.wait_for_none(UNSENT, 1)
            if unsent:
                print(f"run: waiting for {unsent} events to arrive", file=sys.stderr, flush=True)
                unsent = self.wait_for_none(UNSENT, 9)
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return unsent

    def wait_for_none(self, name, seconds):
        """Waits until a gauge is 0 and stays so for longer than the filter takes to move it; its last known value."""
        patience = time.monotonic() + seconds
        quiet = None
        value = 0
        while True:
            now = time.monotonic()
            answer = self.stat(name)
            if answer is None:
                return value
            value = answer
            quiet = (quiet or now) if value == 0 else None
            if now > patience or quiet and now - quiet > 0.3:
                return value
            time.sleep(0.05)


class Decisions:
    """Envoy's live log, one readable line per decision."""

    LINE = "{:<8}  {:<6} {:<12} {:<7}  {:<40} {:<24} {}"
    # A tunnel is logged when it opens and again when it ends; this many may be open.
    TUNNELS_REMEMBERED = 65536

    def __init__(self, stream):
        self.opened = deque(maxlen=self.TUNNELS_REMEMBERED)
        print(self.LINE.format("time", "action", "", "method", "host:port", "rule or reason", "status"), flush=True)
        self.thread = threading.Thread(target=self.follow, args=[stream], daemon=True)
        self.thread.start()

    def follow(self, stream):
        try:
            for line in stream:
                self.show(json.loads(line.decode(errors="replace")))
        except BrokenPipeError:  # as with `make run | head`: nobody looks any more
            os.kill(os.getpid(), signal.SIGTERM)

    def show(self, entry):
        tunnel = (entry["connection_id"], entry["start_time"])
        if tunnel in self.opened:
            self.opened.remove(tunnel)
            return
        if entry["log_type"] != "DownstreamEnd":
            self.opened.append(tunnel)
        print(self.readable(entry), flush=True)

    def readable(self, entry):
        verdict = json.loads(entry["verdict"] or "{}")
        host, port = verdict.get("host"), verdict.get("port")
        if host and ":" in host:
            host = f"[{host}]"
        target = f"{host}:{port}" if host else verdict.get("raw") or entry["authority"]
        # Without a verdict it was Envoy that answered, before the filter was asked.
        reason = (verdict.get("rule_id") or verdict.get("rejected_by")
                  or ("default_allow" if verdict else entry["response_code_details"]))
        would = "would reject" if verdict.get("would_reject") and verdict["action"] != "reject" else ""
        shown = [entry["start_time"][11:19], verdict.get("action"), would, entry["method"], target,
                 reason, entry["response_code"]]
        return self.LINE.format(*("-" if value is None else printable(str(value)) for value in shown))


class Signals:
    """Turns the first signal into Stop; later ones do not disturb the stopping."""

    def __init__(self):
        self.heard = False
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self.hear)

    def hear(self, *_):
        if not self.heard:
            self.heard = True
            raise Stop


def begin(options, folder):
    """A collector of its own, if there is to be one."""
    if options.collector or not options.sluice:
        return None
    check_port(options.api, "API")
    check_port(options.grpc, "GRPC")
    folder.mkdir(parents=True, exist_ok=True)
    return OwnCollector(options.sluice, folder, options.api, options.grpc)


def tell(options, proxy, policy, collector, own):
    kind, name = options.resource
    ruled = f"{policy.path} rules" if policy else "nothing is blocked"
    if own:
        # A live policy beats one of a file.
        ruled += f", until the collector has a policy for {kind}/{name}" if policy else " before a lockdown"
    elif collector:
        ruled += "; events go to {}:{}".format(*collector)
    print(f"Recording; {ruled}. These two lines send a shell through the proxy; Ctrl-C ends it.\n")
    print(f"export http_proxy={proxy} https_proxy={proxy}")
    # What is local stays local: asked for its own loopback, the proxy refuses in every mode.
    print("export HTTP_PROXY=$http_proxy HTTPS_PROXY=$https_proxy no_proxy=localhost,127.0.0.1,::1\n")
    if own:
        print(f"And these two are for the operator, in another shell: sluice suggestions --resource {kind}/{name}\n")
        print(f"export SLUICE_URL={own.url} SLUICE_TOKEN=$(cat {shlex.quote(str(own.token_file.resolve()))})")
        print(f"export PATH={shlex.quote(str(own.sluice.parent))}:$PATH\n")
        page = f"{own.url}/resources/{kind}/{name}"
        print(f"Or in a browser: {page}, signed in with the token of that file.\n", flush=True)


def watch(envoy, own):
    """Until Envoy ends. Without the collector it goes on: the last policy stays, and events wait."""
    while envoy.process.poll() is None:
        if own and own.process.poll() is not None:
            print(f"run: the collector ended with status {own.process.returncode}; see {own.log}",
                  file=sys.stderr, flush=True)
            own = None
        time.sleep(0.1)
    envoy.check()


def main():
    options = arguments()
    signals = Signals()
    check_curl()
    check_port(options.port, "PORT")
    folder = options.folder or ROOT / "target" / "run" / str(options.port)
    binary = find_envoy()
    own = begin(options, folder)
    try:
        run(options, signals, folder, binary, own)
    finally:
        # After Envoy, so that its last events have arrived.
        signals.heard = True
        if own:
            own.stop()


def run(options, signals, folder, binary, own):
    collector = None if options.collector == "none" else options.collector
    variables = {}
    if own:
        own.start()
        collector = endpoint(own.grpc)
        variables[TOKEN_VARIABLE] = own.filter_token(*options.resource)
    variable = TOKEN_VARIABLE if own else None
    prepare(folder, options.config, options.port, options.wasm, collector, variable)
    filter_yaml = FilterYaml(folder / "filter.yaml", members(options, collector, own), variable)
    policy = PolicyFile(options.policy, filter_yaml) if options.policy else None
    if policy:
        policy.install()
    else:
        # The collector's word, also when it has not come yet: what is locked down stays so.
        filter_yaml.install(None if own else OBSERVE)
    envoy = Envoy(binary, folder, variables)
    decisions = None
    try:
        envoy.wait_until_ready()
        tell(options, f"http://127.0.0.1:{envoy.port()}", policy, collector, own)
        decisions = Decisions(envoy.process.stdout)
        if policy:
            policy.follow(envoy)
        watch(envoy, own)
    except Stop:
        pass
    finally:
        signals.heard = True
        unsent = envoy.stop()
        if decisions:
            decisions.thread.join(timeout=5)
        if unsent:
            host, port = collector
            print(f"run: {unsent} events did not reach {host}:{port}; the recording has them", file=sys.stderr)
    print(f"\nStopped. The recording is {folder / 'access.log'}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Stop:
        pass
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (Problem, NoPolicy, NoCollector) as problem:
        sys.exit(f"run: {problem}")
