#!/usr/bin/env python3
"""Writes schemas.json: which fields the kinds that envoy/istio/ uses have, and of which type.

    cargo info istio-api-rs@0.12.0; cargo info k8s-openapi@0.29.0     # downloads both
    tar xzf ~/.cargo/registry/cache/*/istio-api-rs-0.12.0.crate       # and unpack both
    ./schemas.py istio-api-rs-0.12.0 k8s-openapi-0.29.0 > schemas.json

Both crates are Apache-2.0 and are generated from the originals: istio-api-rs from the CRDs of
Istio 1.27.0, k8s-openapi from Kubernetes 1.33's OpenAPI. Only names and types are taken.
"""
import json
import re
import sys
from pathlib import Path

ISTIO = {
    "extensions.istio.io/v1alpha1": ["WasmPlugin"],
    "networking.istio.io/v1": ["DestinationRule", "ServiceEntry", "Sidecar"],
    "networking.istio.io/v1alpha3": ["EnvoyFilter"],
    "networking.istio.io/v1beta1": ["ProxyConfig"],
    "telemetry.istio.io/v1": ["Telemetry"],
}
KUBERNETES = {
    "api/core/v1": ["Namespace", "PersistentVolumeClaim", "Service", "ServiceAccount"],
    "api/apps/v1": ["Deployment"],
    "api/networking/v1": ["NetworkPolicy"],
}
PLAIN = {"String": "string", "bool": "boolean", "i32": "integer", "i64": "integer", "f64": "number"}
defs = {}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def closed(fields):
    """An object with exactly these fields; each is (name, schema, required)."""
    schema = {"type": "object", "additionalProperties": False, "properties": {n: s for n, s, _ in fields}}
    required = [n for n, _, needed in fields if needed]
    return schema | ({"required": required} if required else {})


def of_type(rust, named):
    """The schema of a Rust type; `named` is asked for those that are neither plain nor a container."""
    rust = rust.replace("std::string::", "").replace("std::vec::", "").replace("std::collections::", "")
    if inner := re.fullmatch(r"(?:Option|std::boxed::Box|Box)<(.*)>", rust):
        return of_type(inner[1], named)
    if inner := re.fullmatch(r"Vec<(.*)>", rust):
        return {"type": "array", "items": of_type(inner[1], named)}
    if inner := re.fullmatch(r"BTreeMap<String, (.*)>", rust):
        return {"type": "object", "additionalProperties": of_type(inner[1], named)}
    if rust in PLAIN:
        return {"type": PLAIN[rust]}
    if rust.endswith(("IntOrString", "Quantity")):
        return {"type": ["integer", "string", "number"]}
    if rust.endswith(("serde_json::Value", "RawExtension", "JSON")):
        return {}
    if rust.endswith(("::Time", "::MicroTime", "ByteString")):
        return {"type": "string"}
    return named(rust)


def istio(root, group, kind):
    module = root / "src/v1_27_0" / group.split(".")[0] / group.split("/")[1] / f"{snake(kind)}.rs"
    text = module.read_text()

    def named(rust):
        name = f"istio.{group.split('/')[1]}.{rust}"
        if name in defs:
            return {"$ref": f"#/$defs/{name}"}
        if body := re.search(rf"pub struct {rust} {{(.*?)\n}}", text, re.S):
            defs[name] = None
            fields = []
            field = r'(?:#\[serde\((?:[^\]]*?rename = "([^"]+)")?[^\]]*\)\]\s*)?pub (?:r#)?(\w+): ([^\n]+),\n'
            for renamed, plain, of in re.findall(field, body[1] + "\n"):
                fields.append((renamed or plain, of_type(of, named), not of.startswith("Option<")))
            defs[name] = closed(fields)
        else:
            body = re.search(rf"pub enum {rust} {{(.*?)\n}}", text, re.S)[1]
            values = re.findall(r'(?:#\[serde\(rename = "([^"]*)"\)\]\s*)?^\s+(\w+),', body, re.M)
            defs[name] = {"enum": [renamed or plain for renamed, plain in values]}
        return {"$ref": f"#/$defs/{name}"}

    return named(f"{kind}Spec")


def kubernetes(root, path):
    """A type by its path below the crate, such as api::core::v1::PodSpec."""
    name = "k8s." + path.replace("::", ".")
    if name not in defs:
        defs[name] = None
        *folders, kind = path.split("::")
        text = (root / "src/v1_33" / "/".join(folders) / f"{snake(kind)}.rs").read_text()
        # The reader of the file knows how each field is written in JSON.
        written = {rust: json_name for json_name, rust in re.findall(r'"([^"]+)" => Field::Key_(\w+),', text)}
        body = re.search(rf"pub struct {kind} {{(.*?)\n}}", text, re.S)[1]
        inner = lambda rust: kubernetes(root, rust.removeprefix("crate::"))
        fields = []
        for plain, of in re.findall(r"pub (?:r#)?(\w+): ([^\n]+),\n", body + "\n"):
            if kind == "ObjectMeta" and plain == "managed_fields":
                continue
            fields.append((written.get(plain, plain), of_type(of, inner), not of.startswith("Option<")))
        defs[name] = closed(fields)
    return {"$ref": f"#/$defs/{name}"}


def main():
    istio_root, k8s_root = map(Path, sys.argv[1:])
    meta = kubernetes(k8s_root, "apimachinery::pkg::apis::meta::v1::ObjectMeta")
    kinds = {}
    for group, names in ISTIO.items():
        for kind in names:
            fields = [("metadata", meta, True), ("spec", istio(istio_root, group, kind), True)]
            kinds[f"{group}/{kind}"] = fields
    for folder, names in KUBERNETES.items():
        for kind in names:
            _, group, version = folder.split("/")
            api = version if group == "core" else ("networking.k8s.io" if group == "networking" else group) + "/" + version
            schema = kubernetes(k8s_root, folder.replace("/", "::") + f"::{kind}")
            properties = defs.pop(schema["$ref"].removeprefix("#/$defs/"))["properties"]
            kinds[f"{api}/{kind}"] = [(n, s, n == "metadata") for n, s in properties.items() if n != "status"]
    for kind, fields in kinds.items():
        named = [("apiVersion", {"const": kind.rsplit("/", 1)[0]}, True), ("kind", {"const": kind.rsplit("/", 1)[1]}, True)]
        kinds[kind] = closed(named + fields)
    print(json.dumps({
        "$comment": "Names and types of the fields of Istio 1.27.0 (its CRDs, through istio-api-rs 0.12.0, Apache-2.0) and "
        "Kubernetes 1.33 (its OpenAPI, through k8s-openapi 0.29.0, Apache-2.0). Written by schemas.py.",
        "kinds": kinds,
        "$defs": defs,
    }, sort_keys=True, separators=(",", ":")).replace('},"', '},\n"'))


main()
