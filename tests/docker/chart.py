"""The chart as rendered for each of its examples."""

import importlib.util
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import yaml

from tests.docker.installation import DOCKER

HELM = DOCKER / "helm"
Manifest = dict[str, Any]


def load_renderer() -> ModuleType:
    """Return the script that renders."""
    spec = importlib.util.spec_from_file_location("render", HELM / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLES = sorted(file.stem for file in (HELM / "examples").glob("*.yaml"))


def read_values(example: str) -> Manifest:
    return dict(yaml.safe_load((HELM / "examples" / f"{example}.yaml").read_text("utf-8")))


def read_manifests(example: str) -> list[Manifest]:
    text = (HELM / "rendered" / f"{example}.yaml").read_text("utf-8")
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


@dataclass(frozen=True, slots=True)
class Workload:
    """One role as it would run in a cluster."""

    manifest: Manifest

    @property
    def role(self) -> str:
        return str(self.pod["metadata"]["labels"]["app.kubernetes.io/component"])

    @property
    def pod(self) -> Manifest:
        return dict(self.manifest["spec"]["template"])

    @property
    def spec(self) -> Manifest:
        return dict(self.pod["spec"])

    @property
    def container(self) -> Manifest:
        [container] = self.spec["containers"]
        return dict(container)

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    @property
    def secrets(self) -> dict[str, tuple[str, str]]:
        """The variables that come from a Secret: its name and the key in it."""
        references = {
            variable["name"]: variable["valueFrom"]["secretKeyRef"]
            for variable in self.container["env"]
            if "valueFrom" in variable
        }
        return {name: (found["name"], found["key"]) for name, found in references.items()}

    @property
    def variables(self) -> dict[str, str]:
        """The others."""
        return {
            variable["name"]: variable["value"]
            for variable in self.container["env"]
            if "value" in variable
        }

    def is_selected(self, labels: Manifest) -> bool:
        return bool(labels) and labels.items() <= self.pod["metadata"]["labels"].items()


def read_workloads(example: str) -> dict[str, Workload]:
    found = [
        Workload(manifest)
        for manifest in read_manifests(example)
        if manifest["kind"] in {"Deployment", "StatefulSet"}
    ]
    return {workload.role: workload for workload in found}
