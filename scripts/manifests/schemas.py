"""The schemas of Kubernetes: unknown fields, wrong types, missing parts."""

import kubernetes_validate

from findings import Finding, named

# The oldest and the newest version that the manifests are for; `preStop.sleep` is on by default since 1.30.
VERSIONS = ("1.30", "1.37")
# Kinds that a cluster gets from others, known by name only.
FOREIGN = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("monitoring.coreos.com/v1", "PodMonitor"),
}


def valid(resources):
    """Each resource is one that Kubernetes knows, without a field that it does not."""
    for resource in resources:
        if (resource.get("apiVersion"), resource.get("kind")) not in FOREIGN:
            yield from sorted({found for version in VERSIONS for found in against(resource, version)})


def against(resource, version):
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        yield Finding(named(resource), f"{path}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError:
        yield Finding(named(resource), "Kubernetes has no such kind; those of others belong into FOREIGN")
