"""The chart: what its manifests promise. They are rendered beforehand, for helm is no wheel."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.docker.chart import (
    EXAMPLES,
    HELM,
    Manifest,
    Workload,
    load_renderer,
    read_manifests,
    read_workloads,
)
from tests.docker.installation import take

OLDEST = "1.30"
CUSTOM_KINDS = {"ServiceMonitor"}
ROLES = [(example, role) for example in EXAMPLES for role in read_workloads(example)]

every_role = pytest.mark.parametrize(("example", "role"), ROLES)
every_example = pytest.mark.parametrize("example", EXAMPLES)


def of_kind(example: str, kind: str) -> dict[str, Manifest]:
    """Return the manifests of one kind by their names."""
    found = [manifest for manifest in read_manifests(example) if manifest["kind"] == kind]
    return {manifest["metadata"]["name"]: manifest for manifest in found}


@every_example
def test_what_is_rendered_is_of_the_chart_as_it_is_now(example: str) -> None:
    renderer = load_renderer()
    first = (HELM / "rendered" / f"{example}.yaml").read_text("utf-8").partition("\n")[0]
    now = renderer.heading(HELM / "examples" / f"{example}.yaml").rstrip()
    assert first == now, "run docker/helm/render.py"


def test_every_example_is_rendered_and_nothing_else() -> None:
    assert sorted(file.stem for file in (HELM / "rendered").iterdir()) == EXAMPLES


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@every_example
def test_kubernetes_knows_every_field(example: str, version: str) -> None:
    for manifest in read_manifests(example):
        if manifest["kind"] not in CUSTOM_KINDS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validator_would_notice() -> None:
    [manifest] = [found for found in read_manifests("party") if found["kind"] == "StatefulSet"]
    manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePullPolice"):
        kubernetes_validate.validate(manifest, OLDEST, strict=True)


def test_the_oldest_kubernetes_is_the_one_that_the_chart_asks_for() -> None:
    chart = yaml.safe_load((HELM / "fh" / "Chart.yaml").read_text("utf-8"))
    assert chart["kubeVersion"] == f">={OLDEST}.0-0"
    assert f"{OLDEST}.0" == load_renderer().OLDEST_KUBERNETES


@pytest.mark.parametrize(
    ("example", "roles"),
    [
        ("party", ["party"]),
        ("party-shared", ["party"]),
        ("split", ["dacha", "edge", "mr"]),
        ("split-plain", ["dacha", "edge", "mr"]),
    ],
)
def test_a_shape_consists_of(example: str, roles: list[str]) -> None:
    assert sorted(read_workloads(example)) == roles


@every_role
def test_a_pod_is_restricted(example: str, role: str) -> None:
    workload = read_workloads(example)[role]
    pod, container = workload.spec["securityContext"], workload.container["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert workload.spec["automountServiceAccountToken"] is False
    # A Service called `server` would set SERVER_PORT.
    assert workload.spec["enableServiceLinks"] is False
    assert {mount["mountPath"] for mount in workload.container["volumeMounts"]} == {"/tmp", "/data"}
    assert workload.container["resources"]["limits"]["memory"]
    assert workload.container["resources"]["requests"]["cpu"]


@every_role
def test_a_role_takes_its_settings(example: str, role: str) -> None:
    workload = read_workloads(example)[role]
    command = {"party": "party-server"}.get(role, role)
    assert workload.container["args"] == [command]
    of_our_own = {name: value for name, value in workload.variables.items() if name != "TZ"}
    secret = {"db.url": "postgresql://db/fh", "nats.urls": "nats://token@nats:4222"}
    take(command, of_our_own | {name: secret.get(name, "a secret") for name in workload.secrets})
    assert workload.ports == {
        "http": int(workload.variables["server.port"]),
        "monitor": int(workload.variables["monitor.port"]),
    }


@every_role
def test_a_pod_is_probed_where_operators_look(example: str, role: str) -> None:
    container = read_workloads(example)[role].container
    probes = {
        name: (container[f"{name}Probe"]["httpGet"]["port"], container[f"{name}Probe"]["httpGet"])
        for name in ("startup", "liveness", "readiness")
    }
    assert {port for port, _ in probes.values()} == {"monitor"}
    paths = {name: asked["path"].removeprefix("/health/") for name, (_, asked) in probes.items()}
    assert paths["liveness"] == "liveness"
    # Once it was ready, a party-server that lost its database still serves SDKs what it knows.
    wanted = ("readiness", "liveness") if role == "party" else ("liveness", "readiness")
    assert (paths["startup"], paths["readiness"]) == wanted


@every_role
def test_a_pod_has_time_to_drain(example: str, role: str) -> None:
    workload = read_workloads(example)[role]
    serving_on = workload.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(workload.variables["server.gracePeriodInSeconds"])
    assert serving_on > 0
    assert workload.spec["terminationGracePeriodSeconds"] >= serving_on + drain + 30


@every_example
def test_a_service_leads_to_the_pods_of_its_role(example: str) -> None:
    workloads = read_workloads(example)
    services = of_kind(example, "Service")
    for role, workload in workloads.items():
        for name, port in ((f"fh-{role}", "http"), (f"fh-{role}-monitor", "monitor")):
            spec = services.pop(name)["spec"]
            assert [other for other in workloads.values() if other.is_selected(spec["selector"])]
            assert workload.is_selected(spec["selector"])
            [given] = spec["ports"]
            assert (given["targetPort"], given["port"]) == (port, workload.ports[port])
    assert services == {}


def test_only_what_clients_speak_to_may_have_a_load_balancer() -> None:
    types = {
        name: service["spec"]["type"]
        for name, service in of_kind("party-shared", "Service").items()
    }
    assert types == {"fh-party": "LoadBalancer", "fh-party-monitor": "ClusterIP"}


@every_example
def test_roles_find_each_other(example: str) -> None:
    services = of_kind(example, "Service")
    for workload in read_workloads(example).values():
        for name in ("management-repository.url", "dacha.url.default"):
            if url := workload.variables.get(name):
                host, port = url.removeprefix("http://").split(":")
                assert services[host]["spec"]["ports"][0]["port"] == int(port)


def sources(policy: Manifest, port: str) -> list[Any] | None:
    """Return who may reach a port: None for everybody, an empty list for nobody."""
    for rule in policy["spec"]["ingress"]:
        if [given["port"] for given in rule["ports"]] == [port]:
            return list(rule["from"]) if "from" in rule else None
    return []


def selected(source: Manifest, workloads: dict[str, Workload]) -> list[str]:
    labels = source.get("podSelector", {}).get("matchLabels", {})
    return [role for role, workload in workloads.items() if workload.is_selected(labels)]


@every_role
def test_caches_and_operators_ports_are_not_for_everybody(example: str, role: str) -> None:
    workloads = read_workloads(example)
    policy = of_kind(example, "NetworkPolicy")[f"fh-{role}"]
    assert selected(policy["spec"], workloads) == [role]
    assert policy["spec"]["policyTypes"] == ["Ingress"]

    clients, operators = sources(policy, "http"), sources(policy, "monitor")
    if role == "dacha":
        assert clients is not None
        assert [selected(source, workloads) for source in clients] == [["edge"]]
    else:
        assert clients is None
    assert operators is not None
    from_our_own = [selected(source, workloads) for source in operators]
    expected: list[list[str]] = [["dacha"]] if role == "mr" else []
    if example == "split":
        expected.append([])  # Prometheus, in a namespace of its own
    assert from_our_own == expected


def test_without_a_key_mr_tells_caches_nothing_on_its_public_port() -> None:
    plain, keyed = read_workloads("split-plain"), read_workloads("split")
    url = "management-repository.url"
    assert plain["dacha"].variables[url] == "http://fh-mr-monitor:8701"
    assert "mr.dacha2.api-keys" not in plain["mr"].secrets
    assert keyed["dacha"].variables[url] == "http://fh-mr:8085"
    assert keyed["mr"].secrets["mr.dacha2.api-keys"] == ("fh-cache-keys", "mr")
    assert keyed["dacha"].secrets["dacha2.cache.api-key"] == ("fh-cache-keys", "mr")
    assert keyed["dacha"].secrets["fh.dacha.api-keys"] == ("fh-cache-keys", "dacha")
    assert keyed["edge"].secrets["dacha2.cache.api-key"] == ("fh-cache-keys", "dacha")


@every_role
def test_only_who_speaks_to_the_database_knows_its_password(example: str, role: str) -> None:
    secrets = read_workloads(example)[role].secrets
    expected = {"db.url", "db.username", "db.password"}
    if role not in {"party", "mr"} or example == "party":
        expected = set()
    assert {name for name in secrets if name.startswith("db.")} == expected


@every_role
def test_one_pod_at_a_time_may_be_taken_away(example: str, role: str) -> None:
    workloads = read_workloads(example)
    budget = of_kind(example, "PodDisruptionBudget")[f"fh-{role}"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert workloads[role].is_selected(budget["selector"]["matchLabels"])


def test_the_embedded_postgres_keeps_its_volume_and_its_mode() -> None:
    party = read_workloads("party")["party"]
    assert party.manifest["kind"] == "StatefulSet"
    assert party.manifest["spec"]["replicas"] == 1
    [claim] = party.manifest["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    # PostgreSQL refuses a directory that its group may write to, which `Always` would make of it.
    assert party.spec["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
    assert read_workloads("party-shared")["party"].manifest["kind"] == "Deployment"


def test_edge_grows_when_it_is_told_to() -> None:
    scaler = of_kind("split", "HorizontalPodAutoscaler")["fh-edge"]["spec"]
    edge = read_workloads("split")["edge"]
    assert scaler["scaleTargetRef"]["kind"] == edge.manifest["kind"]
    assert scaler["scaleTargetRef"]["name"] == edge.manifest["metadata"]["name"]
    # Otherwise each upgrade would put its number back.
    assert "replicas" not in edge.manifest["spec"]
    assert of_kind("split-plain", "HorizontalPodAutoscaler") == {}
    assert read_workloads("split-plain")["edge"].manifest["spec"]["replicas"] == 3


def test_prometheus_finds_every_monitor_port_once() -> None:
    monitor = of_kind("split", "ServiceMonitor")["fh"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    found = [
        name
        for name, service in of_kind("split", "Service").items()
        if wanted <= service["metadata"]["labels"].items()
    ]
    assert sorted(found) == ["fh-dacha-monitor", "fh-edge-monitor", "fh-mr-monitor"]
    [endpoint] = monitor["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("monitor", "/metrics")


def test_large_numbers_stay_whole() -> None:
    assert read_workloads("split")["edge"].variables["edge.sse.slow-client-bytes"] == "4000000"
