"""A policy file that rules a running proxy: what is saved there is in force at once."""

import json
import os
import re
import sys
import threading
import time

DISCOVERY = "extension_config_discovery.http_filter.sluice."
# Where filter.yaml has its configuration, to the end of that block.
CONFIGURATION = re.compile(r"(?m)^( *)value: \|\n(?:\1 +.*\n?)+")
VM = re.compile(r"(?m)^( *)vm_id: sluice$")


class NoPolicy(Exception):
    """The file cannot be used; the text says why."""


def with_variable(path, text, variable):
    """Shows a variable of Envoy's own environment to the VM: neither a file nor the admin socket shows what it holds."""
    shown = rf"\g<0>\n\1environment_variables: {{host_env_keys: [{variable}]}}"
    changed, count = VM.subn(shown, text)
    if count != 1:
        raise NoPolicy(f"{path} should have one VM named sluice, not {count}")
    return changed


class FilterYaml:
    """The filter.yaml that Envoy watches, and what the plugin is configured with besides its policy."""

    def __init__(self, path, members, variable=None):
        self.path = path
        self.shipped = path.read_text(encoding="utf-8")
        self.members = members
        if variable:
            self.shipped = with_variable(path, self.shipped, variable)

    def install(self, policy=None):
        """Moves a policy, as text, into place. What it says is for the filter to judge, not for this."""
        # Never the text of an earlier one: what Envoy still has it does not configure again.
        generation = time.time_ns() // 1000
        members = "".join(f', "{name}": {json.dumps(value)}' for name, value in self.members.items())
        inline = "" if policy is None else f', "policy": {policy}'
        text = f'{{"generation": {generation}, "default_port": 80{members}{inline}}}'
        # What JSON writes as two halves of a surrogate pair, YAML does not read.
        configuration = json.dumps(text, ensure_ascii=False)
        changed, count = CONFIGURATION.subn(lambda found: f"{found[1]}value: {configuration}\n", self.shipped)
        if count != 1:
            raise NoPolicy(f"{self.path} should have one configuration, not {count}")
        following = self.path.with_name("filter.yaml.next")
        following.write_text(changed, encoding="utf-8")
        os.replace(following, self.path)


class PolicyFile:
    """Puts the policy of a file in force, and every change of it."""

    def __init__(self, path, filter_yaml):
        self.path = path
        self.filter_yaml = filter_yaml
        self.text = None

    def read(self):
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            json.loads(text)
        except OSError as problem:
            raise NoPolicy(f"{self.path}: {problem.strerror}") from None
        except ValueError as problem:
            raise NoPolicy(f"{self.path}: {problem}") from None
        return text

    def install(self):
        self.text = self.read()
        self.filter_yaml.install(self.text)

    def follow(self, envoy):
        """Applies every later change, and says what became of it."""
        threading.Thread(target=self._follow, args=[envoy], daemon=True).start()

    def _follow(self, envoy):
        refused = None
        while envoy.process.poll() is None:
            time.sleep(0.2)
            try:
                if self.read() != self.text:
                    self._apply(envoy)
                refused = None
            except NoPolicy as problem:
                # Said once, not five times a second: an editor may be saving.
                if str(problem) != refused:
                    refused = str(problem)
                    print(f"policy unchanged: {refused}", file=sys.stderr, flush=True)

    def _apply(self, envoy):
        outcomes = [DISCOVERY + "update_success", DISCOVERY + "update_rejected"]
        before = [envoy.stat(name) for name in outcomes]
        if None in before:
            raise NoPolicy(f"{self.path}: Envoy does not answer at the moment")
        start = envoy.log.stat().st_size
        self.install()
        patience = time.monotonic() + 10
        while time.monotonic() < patience and envoy.process.poll() is None:
            success, rejected = ((envoy.stat(name) or 0) > was for name, was in zip(outcomes, before))
            if success:
                print(f"policy in force: {self.path}", file=sys.stderr, flush=True)
                return
            if rejected:
                raise NoPolicy(f"{self.path}: " + "; ".join(refusals(envoy.log, start)))
            time.sleep(0.05)
        raise NoPolicy(f"{self.path}: Envoy has not taken it; see {envoy.log}")


def refusals(log, start):
    """What the filter said of a configuration since `start`; each VM that tried it says the same."""
    with open(log, "rb") as file:
        file.seek(start)
        text = file.read().decode(errors="replace")
    return [printable(line) for line in dict.fromkeys(re.findall(r"configuration refused: (.*)", text))]


def printable(text):
    """What others wrote must not reach the terminal as control sequences."""
    return "".join(character if character.isprintable() else "?" for character in text)
