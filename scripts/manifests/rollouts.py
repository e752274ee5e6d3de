"""What keeps people connected while pods come and go."""

from findings import Finding, named
from pods import ours

SCALE_DOWN_PODS_PER_MINUTE = 1


def one_more_then_one_less(resources):
    for resource, pod in ours(resources):
        rolling = resource["spec"].get("strategy", {}).get("rollingUpdate", {})
        if (rolling.get("maxUnavailable"), rolling.get("maxSurge")) != (0, 1):
            yield Finding(named(resource), "an update takes pods away before others are ready")
        keys = {spread["topologyKey"] for spread in pod.get("topologySpreadConstraints", [])}
        if "kubernetes.io/hostname" not in keys:
            yield Finding(named(resource), "all its pods may be on one node")


def budgets(resources):
    kept = [budget for budget in resources if budget["kind"] == "PodDisruptionBudget"]
    for resource, _ in ours(resources):
        labels = resource["spec"]["template"]["metadata"]["labels"]
        mine = [b for b in kept if b["spec"]["selector"]["matchLabels"].items() <= labels.items()]
        if not mine:
            yield Finding(named(resource), "has no disruption budget")
        for budget in mine:
            least = str(budget["spec"].get("minAvailable", "0"))
            if not least.endswith("%") or int(least[:-1]) < 50:
                yield Finding(named(budget), "lets more than half of the pods go")


def slow_to_shrink(resources):
    for resource in resources:
        if resource["kind"] != "HorizontalPodAutoscaler":
            continue
        down = resource["spec"].get("behavior", {}).get("scaleDown", {})
        rates = [p["value"] * 60 / p["periodSeconds"] for p in down.get("policies", []) if p["type"] == "Pods"]
        if not rates or len(rates) != len(down["policies"]) or max(rates) > SCALE_DOWN_PODS_PER_MINUTE:
            yield Finding(named(resource), f"takes more than {SCALE_DOWN_PODS_PER_MINUTE} pod a minute away")
        if resource["spec"].get("minReplicas", 1) < 2:
            yield Finding(named(resource), "may leave one pod alone")


CHECKS = (one_more_then_one_less, budgets, slow_to_shrink)
