"""What every pod of the manifests is held to: the restricted profile of Pod Security, limits, probes, time to drain."""

import re

from findings import Finding, named

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
# From the signal to the kill there is the drain and this much more, for a process that is slow to end.
SPARE_SECONDS = 15
PRE_STOP_SECONDS_MIN = 10
IMAGE = re.compile(r"^(?:[a-z0-9-]+/)?[a-z0-9-]+:(?P<tag>[\w.-]+)$")
# Names of variables whose values are nobody's business.
SECRET = re.compile(r"(?i)(secret|password|passwd|redis_url|mongo_url|_key$)")


def workloads(resources):
    """Resource and pod of each thing that runs."""
    for resource in resources:
        if resource["kind"] in WORKLOADS:
            yield resource, resource["spec"]["template"]["spec"]


def ours(resources):
    """The workloads of our own services: those that people's traffic reaches."""
    for resource, pod in workloads(resources):
        if resource["kind"] == "Deployment" and named(resource).startswith("Deployment/rookery"):
            yield resource, pod


def containers(pod):
    return [*pod.get("initContainers", []), *pod["containers"]]


def restricted(resources):
    for resource, pod in workloads(resources):
        where = named(resource)
        context = pod.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield Finding(where, "may run as root")
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield Finding(where, "has no seccomp profile")
        if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield Finding(where, "shares a namespace of the node")
        for volume in pod.get("volumes", []):
            if "hostPath" in volume:
                yield Finding(where, f"volume {volume['name']} is a path of the node")
        for container in containers(pod):
            own = container.get("securityContext", {})
            if own.get("runAsNonRoot") is False or own.get("runAsUser") == 0:
                yield Finding(where, f"{container['name']} may run as root")
            if own.get("readOnlyRootFilesystem") is not True:
                yield Finding(where, f"{container['name']} may write its root file system")
            if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
                yield Finding(where, f"{container['name']} may gain privileges")
            if own.get("capabilities", {}) != {"drop": ["ALL"]}:
                yield Finding(where, f"{container['name']} keeps capabilities")


def no_token(resources):
    for resource, pod in workloads(resources):
        if pod.get("automountServiceAccountToken") is not False:
            yield Finding(named(resource), "is given a token of Kubernetes")
        if pod.get("enableServiceLinks") is not False:
            yield Finding(named(resource), "is told of all services by its environment")


def limits(resources):
    for resource, pod in workloads(resources):
        for container in containers(pod):
            given = container.get("resources", {})
            for kind, wanted in (("requests", ("cpu", "memory")), ("limits", ("cpu", "memory"))):
                for what in wanted:
                    if what not in given.get(kind, {}):
                        yield Finding(named(resource), f"{container['name']} has no {kind} of {what}")
        for volume in pod.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield Finding(named(resource), f"volume {volume['name']} has no size limit")


def images(resources):
    for resource, pod in workloads(resources):
        for container in containers(pod):
            match = IMAGE.match(container["image"])
            if not match:
                yield Finding(named(resource), f"{container['image']} has no tag, or names a host")
            elif match["tag"] == "latest":
                yield Finding(named(resource), f"{container['image']} is another one every day")


def one_version(resources, version):
    """Manifests run the programs that they were released with."""
    for resource, pod in workloads(resources):
        for container in containers(pod):
            name, _, tag = container["image"].rpartition(":")
            if name.split("/")[-1].startswith("rookery-") and tag != version:
                yield Finding(named(resource), f"runs {container['image']}, and this is {version}")


def probes(resources):
    """Ours are asked on the internal listener, others somehow. What decides about life asks nobody else."""
    for resource, pod in workloads(resources):
        if resource["kind"] == "Job":
            continue
        for container in containers(pod):
            for probe in ("readinessProbe", "livenessProbe"):
                if probe not in container:
                    yield Finding(named(resource), f"{container['name']} has no {probe}")
    for resource, pod in ours(resources):
        for container in pod["containers"]:
            for probe, path in (("readinessProbe", "/ready"), ("livenessProbe", "/live"), ("startupProbe", "/live")):
                asked = container.get(probe, {}).get("httpGet", {})
                if (asked.get("path"), asked.get("port")) != (path, "internal"):
                    yield Finding(named(resource), f"{probe} does not ask {path} of the internal listener")


def time_to_drain(resources):
    for resource, pod in ours(resources):
        for container in pod["containers"]:
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            drain = next((int(v["value"]) for v in container.get("env", []) if v["name"] == "ROOKERY_DRAIN_MS"), None)
            if pause < PRE_STOP_SECONDS_MIN:
                yield Finding(named(resource), f"preStop waits less than {PRE_STOP_SECONDS_MIN} s for endpoints to go")
            if drain is None:
                yield Finding(named(resource), "does not say how long it drains")
                continue
            least = pause + drain / 1000 + SPARE_SECONDS
            if pod.get("terminationGracePeriodSeconds", 30) < least:
                yield Finding(named(resource), f"is killed before its {least:.0f} s are over")


def secrets_by_reference(resources):
    for resource in resources:
        if resource["kind"] == "Secret":
            yield Finding(named(resource), "a secret must not be in the manifests")
        if resource["kind"] == "ConfigMap":
            for key in resource.get("data", {}):
                if SECRET.search(key):
                    yield Finding(named(resource), f"{key} belongs into a secret")
    for resource, pod in workloads(resources):
        for container in containers(pod):
            for variable in container.get("env", []):
                if SECRET.search(variable["name"]) and "secretKeyRef" not in variable.get("valueFrom", {}):
                    yield Finding(named(resource), f"{variable['name']} is no reference to a secret")


CHECKS = (restricted, no_token, limits, images, probes, time_to_drain, secrets_by_reference)
