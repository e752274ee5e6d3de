"""The schemas of Kubernetes: unknown fields, wrong types, missing parts."""

import kubernetes_validate

from findings import Finding, named

# The version whose fields the manifests use; `preStop.sleep` is on by default since 1.30.
VERSION = "1.34"
# Kinds that a cluster gets from others, known by name only.
FOREIGN = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("monitoring.coreos.com/v1", "PodMonitor"),
}


def valid(resources):
    """Each resource is one that Kubernetes knows, without a field that it does not."""
    for resource in resources:
        if (resource.get("apiVersion"), resource.get("kind")) in FOREIGN:
            continue
        try:
            kubernetes_validate.validate(resource, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(str(part) for part in error.path)
            yield Finding(named(resource), f"{path}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError:
            yield Finding(named(resource), f"Kubernetes {VERSION} has no such kind; those of others belong into FOREIGN")
