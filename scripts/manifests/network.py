"""Who may speak with whom, played through on the network policies."""

import ipaddress

from findings import Finding, named
from pods import workloads

NAME = "app.kubernetes.io/name"
GATEWAY, API = {NAME: "rookery-gateway"}, {NAME: "rookery-api"}
REDIS, MONGO = 6379, 27017
# An address of the internet, which no network of an overlay has.
WORLD = ipaddress.ip_address("203.0.113.7")
# Who may open connections to a store, wherever it is.
CLIENTS = {REDIS: {"rookery-gateway", "rookery-api", "rookery-migrate"}, MONGO: {"rookery-api", "rookery-migrate", "rookery-mongo"}}
OPERATORS = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def selects(selector, labels):
    """Whether a label selector is about these labels."""
    expressions = selector.get("matchExpressions", [])
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        OPERATORS[e["operator"]](labels.get(e["key"]), e.get("values", [])) for e in expressions
    )


def policies(resources, labels, direction):
    """Those that are about a pod's `Ingress` or `Egress`."""
    for policy in resources:
        if policy["kind"] == "NetworkPolicy" and selects(policy["spec"]["podSelector"], labels):
            if direction in policy["spec"].get("policyTypes", []):
                yield policy["spec"]


def passes(resources, labels, direction, peer, port):
    """Whether a pod may speak (`Egress`) with a peer on a port, or be spoken to (`Ingress`). A peer is the labels of a pod of
    the same namespace, None for an address outside that an overlay names, or an address."""
    rules, peers = (("egress", "to") if direction == "Egress" else ("ingress", "from"))
    mine = list(policies(resources, labels, direction))
    if not mine:
        return True
    for rule in (rule for spec in mine for rule in spec.get(rules, [])):
        if "ports" in rule and not any(p.get("port") == port for p in rule["ports"]):
            continue
        if peers not in rule or any(is_peer(entry, peer) for entry in rule[peers]):
            return True
    return False


def is_peer(entry, peer):
    if peer is None:
        return "ipBlock" in entry
    if peer is WORLD:
        return "ipBlock" in entry and WORLD in ipaddress.ip_network(entry["ipBlock"]["cidr"])
    return "podSelector" in entry and "namespaceSelector" not in entry and selects(entry["podSelector"], peer)


def pods_of(resources):
    for resource, _ in workloads(resources):
        yield resource, resource["spec"]["template"]["metadata"]["labels"]


def nothing_by_default(resources):
    """Each pod is the subject of a policy in both directions, so that what is not named is refused."""
    for resource, labels in pods_of(resources):
        for direction in ("Ingress", "Egress"):
            if not any(policies(resources, labels, direction)):
                yield Finding(named(resource), f"no network policy is about its {direction}")
        if passes(resources, labels, "Egress", WORLD, 443):
            yield Finding(named(resource), "may speak with the world")
        if passes(resources, labels, "Ingress", {NAME: "stranger"}, 8080):
            yield Finding(named(resource), "is open to strangers")


def stores_have_few_clients(resources):
    """No policy that is about somebody else lets them through to a store, inside of the cluster or outside."""
    stores = {port: [None] for port in CLIENTS}
    for _, labels in pods_of(resources):
        for port, name in ((REDIS, "rookery-redis"), (MONGO, "rookery-mongo")):
            if labels.get(NAME) == name:
                stores[port].append(labels)
    for resource, labels in pods_of(resources):
        for port, peers in stores.items():
            if labels.get(NAME) in CLIENTS[port]:
                continue
            for peer in peers:
                gets_out = passes(resources, labels, "Egress", peer, port)
                if gets_out and (peer is None or passes(resources, peer, "Ingress", labels, port)):
                    yield Finding(named(resource), f"may speak with the store on port {port}")


def what_is_needed_passes(resources):
    """A policy that refuses everything is no good either."""
    present = {labels.get(NAME): labels for _, labels in pods_of(resources)}
    ways = [(GATEWAY, API, 9080)]
    for port, name in ((REDIS, "rookery-redis"), (MONGO, "rookery-mongo")):
        clients = [labels for client, labels in present.items() if client in CLIENTS[port] and client != name]
        ways += [(client, present.get(name), port) for client in clients]
    for client, server, port in ways:
        there = passes(resources, client, "Egress", server, port)
        if not there or (server and not passes(resources, server, "Ingress", client, port)):
            whom = server[NAME] if server else "the store outside"
            yield Finding(client[NAME], f"cannot speak with {whom} on port {port}")


CHECKS = (nothing_by_default, stores_have_few_clients, what_is_needed_passes)
