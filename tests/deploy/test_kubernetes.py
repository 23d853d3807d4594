"""The manifests, without a cluster: their schemas, and that what they name is there."""

from functools import cache
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
from ruamel.yaml import YAML

from gateway.settings import Settings
from tests.deploy.tools import DEPLOY, lint

KUBERNETES = DEPLOY / "kubernetes"
FOLDERS = ("base", "overlays/example")
VERSIONS = ("1.29.0", kubernetes_validate.latest_version())
Manifest = dict[str, Any]
# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and a read-only root
CONTAINER = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
SECRETS = {"banyan", "banyan-control-tls", "banyan-gateway-tls"}  # made by whoever deploys


@cache
def built(folder: str) -> list[Manifest]:
    return list(YAML(typ="safe").load_all(lint("kubectl", "kustomize", KUBERNETES / folder)))


def kind(*names: str) -> list[Manifest]:
    return [one for one in built(FOLDERS[1]) if one["kind"] in names]


def deployment(name: str) -> Manifest:
    (found,) = (one for one in kind("Deployment") if one["metadata"]["name"] == name)
    return found


def pod(deployment: Manifest) -> Manifest:
    spec: Manifest = deployment["spec"]["template"]["spec"]
    return spec


def ports(deployment: Manifest) -> set[str]:
    return {port["name"] for port in pod(deployment)["containers"][0]["ports"]}


def settings() -> dict[str, str]:
    (found,) = (
        one for one in kind("ConfigMap") if one["metadata"]["name"].startswith("banyan-settings-")
    )
    data: dict[str, str] = found["data"]
    return data


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_manifest_is_what_kubernetes_takes(folder: str, version: str) -> None:
    assert len(built(folder)) >= 12
    for manifest in built(folder):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_there_is_no_secret_in_them() -> None:
    assert kind("Secret") == []
    assert [name for name in settings() if name.endswith(("SECRET", "TOKEN", "STORE"))] == []


def test_every_name_of_a_setting_is_one() -> None:
    known = {f"BANYAN_{name.upper()}" for name in Settings.model_fields}
    assert set(settings()) - known == set()


def test_the_settings_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings().items():
        monkeypatch.setenv(name, value)
    assert Settings().workers == 1


@pytest.mark.parametrize("name", ["banyan-gateway", "banyan-control"])
def test_pods_are_restricted_and_talk_to_no_kubernetes(name: str) -> None:
    spec = pod(deployment(name))
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert [one["securityContext"] for one in spec["containers"]] == [CONTAINER]
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] in {one["metadata"]["name"] for one in kind("ServiceAccount")}


@pytest.mark.parametrize("name", ["banyan-gateway", "banyan-control"])
def test_no_service_of_the_namespace_becomes_a_setting(name: str) -> None:
    """A Service `banyan-control` would be announced as BANYAN_CONTROL_PORT=tcp://10.0.0.1:443."""
    assert pod(deployment(name))["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["banyan-gateway", "banyan-control"])
def test_volumes_settings_and_secrets_that_a_pod_names_are_there(name: str) -> None:
    spec = pod(deployment(name))
    maps = {one["metadata"]["name"] for one in kind("ConfigMap")}
    container = spec["containers"][0]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    for source in (*container["envFrom"], *volumes.values()):
        if reference := source.get("configMapRef") or source.get("configMap"):
            assert reference["name"] in maps
        secret = source.get("secretRef", {}).get("name") or source.get("secret", {}).get(
            "secretName"
        )
        assert secret is None or secret in SECRETS


@pytest.mark.parametrize("name", ["banyan-gateway", "banyan-control"])
def test_probes_ask_a_port_that_the_container_has(name: str) -> None:
    container = pod(deployment(name))["containers"][0]
    probes = [container[probe] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {probe["httpGet"]["port"] for probe in probes} <= ports(deployment(name))
    assert {probe["httpGet"]["path"] for probe in probes} == {"/health", "/ready"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"


def test_ports_are_those_of_the_settings() -> None:
    declared = {
        port["name"]: port["containerPort"]
        for one in kind("Deployment")
        for port in pod(one)["containers"][0]["ports"]
    }
    told = settings()
    assert declared == {
        "http": int(told["BANYAN_PORT"]),
        "probe": int(told["BANYAN_PROBE_PORT"]),
        "https": int(told["BANYAN_CONTROL_PORT"]),
    }


def selected(labels: dict[str, str]) -> list[Manifest]:
    return [
        one
        for one in kind("Deployment")
        if labels.items() <= one["spec"]["template"]["metadata"]["labels"].items()
    ]


def test_services_budgets_and_policies_select_one_deployment_each() -> None:
    found = kind("Service", "PodDisruptionBudget", "NetworkPolicy")
    assert len(found) == 8
    for one in found:
        spec = one["spec"]
        selector = spec.get("podSelector") or spec["selector"]
        assert len(selected(selector.get("matchLabels", selector))) == 1, one["metadata"]["name"]


def test_services_and_policies_name_ports_that_the_pods_have() -> None:
    for service in kind("Service"):
        (target,) = selected(service["spec"]["selector"])
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports(target)
    for policy in kind("NetworkPolicy"):
        (target,) = selected(policy["spec"]["podSelector"]["matchLabels"])
        named = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert named <= ports(target)


def test_a_pod_gets_more_time_to_end_than_the_gateway_takes() -> None:
    spec = pod(deployment("banyan-gateway"))
    stop = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    shipped = Settings.model_fields
    needed = int(stop[1]) + shipped["grace"].default + shipped["lame_duck"].default + 9
    assert stop[0] == "sleep"
    assert spec["terminationGracePeriodSeconds"] > needed


def test_the_autoscaler_alone_says_how_many_gateways_there_are() -> None:
    (scaler,) = kind("HorizontalPodAutoscaler")
    target = deployment(scaler["spec"]["scaleTargetRef"]["name"])
    assert "replicas" not in target["spec"]
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (4, 40)


def test_two_control_planes_stand_by_for_each_other() -> None:
    assert deployment("banyan-control")["spec"]["replicas"] == 2


def test_the_overlay_names_the_image_with_its_version() -> None:
    images = {pod(one)["containers"][0]["image"] for one in kind("Deployment")}
    assert images == {"registry.example.com/banyan:0.1.0"}
