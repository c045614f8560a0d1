#!/usr/bin/env python3
"""Packs the filter as an OCI image that Istio and Envoy Gateway pull, and writes its checksum for Envoy.

Standard library only, without a Docker engine. The same module gives the same digest (with the same zlib), whenever
and wherever it is packed.
"""

import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = """examples:
  envoy/image/build.py
  envoy/image/build.py --wasm my_filter.wasm --out my-image --version 1.2.3-rc.1
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) envoy/image/build.py --source https://git.example.com/sluice
"""
ABI = "proxy_abi_version_0_2_1"
# The name that pullers look for, and the only one they take.
FILE = "plugin.wasm"
OCI = "application/vnd.oci.image."
PREFIX = "org.opencontainers.image."


class Problem(Exception):
    """Something the user can put right; the text says how."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wasm", type=Path, default=ROOT / "target" / "sluice_filter.wasm",
                        help="the module; its checksum is written beside it (default: target/sluice_filter.wasm)")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "image",
                        help="the folder for the image layout; an earlier image there is replaced (default: target/image)")
    parser.add_argument("--version", type=tag, help="the image's version and tag (default: that of Cargo.toml)")
    parser.add_argument("--source", metavar="URL", help="where the source is, for registries that link to it")
    return parser.parse_args()


def tag(text):
    if not re.fullmatch(r"\w[\w.-]{0,127}", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no image tag: up to 128 of A-Z a-z 0-9 _ . - of which the first is not . or -")
    return text


def moment():
    """The time to say that it was made at, as reproducible builds have it: none, unless it is given."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    # A tar header has room for eleven octal digits.
    if not text.isdecimal() or int(text) >= 8**11:
        raise Problem(f"SOURCE_DATE_EPOCH is {text!r}; it should be seconds since 1970, such as 1767225600")
    return datetime.datetime.fromtimestamp(int(text), datetime.timezone.utc)


def read_module(path):
    try:
        module = path.read_bytes()
    except FileNotFoundError:
        raise Problem(f"there is no filter at {path}; `make wasm` builds it")
    if module[:8] != b"\0asm\1\0\0\0":
        raise Problem(f"{path} is no wasm module: it begins with {module[:8].hex(' ') or 'nothing'}, not 00 61 73 6d 01 00 00 00")
    try:
        names = list(exported_functions(module))
    except IndexError:
        raise Problem(f"{path} is cut off or damaged: a section goes past its {len(module)} bytes; `make wasm` builds it")
    if ABI.encode() not in names:
        other = [name.decode() for name in names if name.startswith(b"proxy_abi_version_")]
        raise Problem(f"{path} is no filter for Envoy: it should export {ABI}, and exports {' '.join(other) or 'no ABI version'}")
    return module


def exported_functions(module):
    """Their names. Of all the sections only the exports are looked into; IndexError if one goes past the end."""
    at = 8
    while at < len(module):
        section = module[at]
        size, at = number(module, at + 1)
        end = at + size
        module[end - 1]  # is there
        if section == 7:
            count, at = number(module, at)
            for _ in range(count):
                length, at = number(module, at)
                name, kind = module[at:at + length], module[at + length]
                _, at = number(module, at + length + 1)
                if kind == 0:
                    yield name
        at = end


def number(module, at):
    """One in LEB128, and the place after it."""
    value = shift = 0
    while True:
        value |= (module[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if module[at - 1] < 0x80:
            return value, at


def pack(module, made):
    """A tar archive with the one file. Nothing of this machine or of the hour gets into it."""
    entry = tarfile.TarInfo(FILE)
    entry.size, entry.mode = len(module), 0o644
    entry.mtime = int(made.timestamp()) if made else 0
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(entry, io.BytesIO(module))
    return archive.getvalue()


def compress(data):
    compressed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=compressed, mtime=0) as stream:
        stream.write(data)
    return compressed.getvalue()


def of_workspace(field):
    """What Cargo.toml says of all packages. Before Python 3.11 there is nothing at hand that reads TOML."""
    manifest = ROOT / "Cargo.toml"
    found = re.findall(rf'^{field} = "(.+)"$', manifest.read_text(), re.MULTILINE)
    if len(found) != 1:
        raise Problem(f"{manifest} should have one line {field} = \"…\", not {len(found)}")
    return found[0]


def describe(version, source, made):
    described = {
        "title": "Sluice filter",
        "description": "Egress allowlist for sandboxes and sidecars, as a proxy-wasm plugin for Envoy",
        "licenses": of_workspace("license"),
        "version": version or of_workspace("version"),
        "source": source,
        "created": made and made.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {PREFIX + name: value for name, value in described.items() if value}


def write(folder, module, labels, made):
    """The image layout; the descriptor of its manifest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(kind, content):
        content = content if isinstance(content, bytes) else canonical(content)
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": OCI + kind, "digest": f"sha256:{digest}", "size": len(content)}

    archive = pack(module, made)
    # The module runs in every Envoy; this is the platform that pullers ask for.
    config = {"architecture": "amd64", "os": "linux", "config": {"Labels": labels},
              "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(archive).hexdigest()}"]}}
    if made:
        config["created"] = labels[PREFIX + "created"]
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                "config": blob("config.v1+json", config),
                "layers": [blob("layer.v1.tar+gzip", compress(archive))],
                # What the format calls itself: the module is in an ordinary layer.
                "annotations": {**labels, "module.wasm.image/variant": "compat"}}
    described = blob("manifest.v1+json", manifest)
    index = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json",
             "manifests": [{**described, "annotations": {PREFIX + "ref.name": labels[PREFIX + "version"]}}]}
    (folder / "index.json").write_bytes(canonical(index))
    (folder / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
    return described


def canonical(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def check_replaceable(folder):
    """Only what this script has made may go: another layout may hold images of others."""
    if not folder.exists():
        return
    try:
        names = {entry.name for entry in folder.iterdir()}
        ours = not names or (names == {"blobs", "index.json", "oci-layout"}
                             and len(json.loads((folder / "index.json").read_text())["manifests"]) == 1)
    except (OSError, ValueError, KeyError):
        ours = False
    if not ours:
        raise Problem(f"{folder} is there and is no image layout with one image; remove it, or choose another folder with --out")


def main():
    options = arguments()
    made = moment()
    module = read_module(options.wasm)
    labels = describe(options.version, options.source, made)
    check_replaceable(options.out)
    # Built beside its place, so that what is there is complete at every moment.
    part = options.out.with_name(options.out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    manifest = write(part, module, labels, made)
    shutil.rmtree(options.out, ignore_errors=True)
    part.rename(options.out)
    checksum = hashlib.sha256(module).hexdigest()
    beside = options.wasm.with_name(options.wasm.name + ".sha256")
    beside.write_text(f"{checksum}  {options.wasm.name}\n")
    print(f"{options.out}: image, tag {labels[PREFIX + 'version']}, digest {manifest['digest']}")
    print(f"{beside}: module, {len(module)} bytes, sha256 {checksum}")


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"image: {problem}")
    except OSError as error:
        sys.exit(f"image: {error.filename}: {error.strerror}")
