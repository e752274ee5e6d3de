"""A check that cannot fail is none: each of them finds a fault that is planted into what the project ships."""

import copy
import tempfile
import unittest
from pathlib import Path

import builds
import compose
import network
import pods
import render
import rollouts
import schemas
import secrets_made
import workflows

OVERLAYS = dict(render.overlays())
SERVICES = compose.config(())["services"]


class Kubernetes(unittest.TestCase):
    """Faults in what the overlay production comes to."""

    overlay = "production"

    def found(self, check, plant=lambda resources: None):
        resources = copy.deepcopy(OVERLAYS[self.overlay])
        plant(resources)
        return len(list(check(resources)))

    def one(self, kind, name="rookery-gateway"):
        def pick(resources):
            return next(r for r in resources if (r["kind"], r["metadata"]["name"]) == (kind, name))

        return pick

    def planted(self, check, plant, count=1):
        self.assertEqual(self.found(check), 0)
        self.assertEqual(self.found(check, plant), count)

    def pod(self, resources, name="rookery-gateway"):
        return self.one("Deployment", name)(resources)["spec"]["template"]["spec"]

    def container(self, resources):
        return self.pod(resources)["containers"][0]

    def test_schemas(self):
        def misspell(resources):
            self.container(resources)["imagePulPolicy"] = "Always"

        self.planted(schemas.valid, misspell)
        self.planted(schemas.valid, lambda r: self.pod(r).update(terminationGracePeriodSeconds="sixty"))
        self.planted(schemas.valid, lambda r: r.append({"apiVersion": "example.com/v1", "kind": "Stranger", "metadata": {"name": "x"}}))

    def test_restricted(self):
        for plant in (
            lambda r: self.pod(r)["securityContext"].pop("runAsNonRoot"),
            lambda r: self.pod(r)["securityContext"].pop("seccompProfile"),
            lambda r: self.pod(r).update(hostNetwork=True),
            lambda r: self.pod(r).update(volumes=[{"name": "x", "hostPath": {"path": "/"}}]),
            lambda r: self.container(r)["securityContext"].update(runAsUser=0),
            lambda r: self.container(r)["securityContext"].update(readOnlyRootFilesystem=False),
            lambda r: self.container(r)["securityContext"].update(allowPrivilegeEscalation=True),
            lambda r: self.container(r)["securityContext"].update(capabilities={"drop": ["ALL"], "add": ["NET_RAW"]}),
        ):
            self.planted(pods.restricted, plant)

    def test_no_token(self):
        self.planted(pods.no_token, lambda r: self.pod(r).pop("automountServiceAccountToken"))
        self.planted(pods.no_token, lambda r: self.pod(r).update(enableServiceLinks=True))

    def test_limits(self):
        self.planted(pods.limits, lambda r: self.container(r)["resources"]["limits"].pop("memory"))
        self.planted(pods.limits, lambda r: self.container(r).pop("resources"), 4)
        self.planted(pods.limits, lambda r: self.pod(r).update(volumes=[{"name": "x", "emptyDir": {}}]))

    def test_images(self):
        for image in ("rookery-gateway:latest", "rookery-gateway", "registry.example.com/rookery-gateway:1", "localhost:5000/x:1"):
            self.planted(pods.images, lambda r, image=image: self.container(r).update(image=image))
        check = lambda resources: pods.one_version(resources, builds.version())
        self.planted(check, lambda r: self.container(r).update(image="mirror/rookery-gateway:0.0.9"))

    def test_probes(self):
        self.planted(pods.probes, lambda r: self.container(r).pop("readinessProbe"), 2)
        self.planted(pods.probes, lambda r: self.container(r)["livenessProbe"]["httpGet"].update(path="/ready"))
        self.planted(pods.probes, lambda r: self.container(r)["readinessProbe"]["httpGet"].update(port="sockets"))

    def test_time_to_drain(self):
        def drain(milliseconds):
            def plant(resources):
                env = self.container(resources)["env"]
                next(v for v in env if v["name"] == "ROOKERY_DRAIN_MS")["value"] = str(milliseconds)

            return plant

        self.planted(pods.time_to_drain, drain(36_000))
        self.assertEqual(self.found(pods.time_to_drain, drain(35_000)), 0)
        self.planted(pods.time_to_drain, lambda r: self.pod(r).update(terminationGracePeriodSeconds=30))
        self.planted(pods.time_to_drain, lambda r: self.container(r).pop("lifecycle"))
        self.planted(pods.time_to_drain, lambda r: self.container(r).update(env=[]))

    def test_secrets_by_reference(self):
        self.planted(pods.secrets_by_reference, lambda r: r.append({"kind": "Secret", "metadata": {"name": "x"}}))
        literal = {"name": "ROOKERY_INTERNAL_SECRET", "value": "x"}
        self.planted(pods.secrets_by_reference, lambda r: self.container(r)["env"].append(literal))
        settings = next(r["metadata"]["name"] for r in OVERLAYS[self.overlay] if r["kind"] == "ConfigMap")
        leak = lambda r: self.one("ConfigMap", settings)(r)["data"].update(ROOKERY_REDIS_URL="x")
        self.planted(pods.secrets_by_reference, leak)

    def test_rollouts(self):
        deployment = self.one("Deployment")
        away = lambda r: deployment(r)["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)
        self.planted(rollouts.one_more_then_one_less, away)
        self.planted(rollouts.one_more_then_one_less, lambda r: self.pod(r).pop("topologySpreadConstraints"))
        budget = self.one("PodDisruptionBudget")
        self.planted(rollouts.budgets, lambda r: r.remove(budget(r)))
        self.planted(rollouts.budgets, lambda r: budget(r)["spec"].update(minAvailable="40%"))
        scaler = self.one("HorizontalPodAutoscaler")
        self.planted(rollouts.slow_to_shrink, lambda r: scaler(r)["spec"].pop("behavior"))
        fast = {"policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
        self.planted(rollouts.slow_to_shrink, lambda r: scaler(r)["spec"]["behavior"].update(scaleDown=fast))
        self.planted(rollouts.slow_to_shrink, lambda r: scaler(r)["spec"].update(minReplicas=1))

    def test_nothing_is_allowed_by_default(self):
        default = self.one("NetworkPolicy", "rookery-nothing")
        self.assertGreater(self.found(network.nothing_by_default, lambda r: r.remove(default(r))), 0)
        mine = self.one("NetworkPolicy", "rookery-gateway")
        self.planted(network.nothing_by_default, lambda r: mine(r)["spec"]["egress"].append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}))
        self.planted(network.nothing_by_default, lambda r: mine(r)["spec"]["egress"].append({}))
        self.planted(network.nothing_by_default, lambda r: mine(r)["spec"]["ingress"].append({"from": [{"podSelector": {}}]}))

    def test_stores_have_few_clients(self):
        stores = self.one("NetworkPolicy", "rookery-external-mongo")
        everybody = lambda r: stores(r)["spec"].update(podSelector={})
        self.planted(network.stores_have_few_clients, everybody)
        self.planted(network.what_is_needed_passes, lambda r: r.remove(stores(r)), 2)


class TrialStores(Kubernetes):
    """The same with stores inside of the cluster."""

    overlay = "local"
    test_rollouts = None

    def test_stores_have_few_clients(self):
        out, into = self.one("NetworkPolicy", "rookery-to-mongo"), self.one("NetworkPolicy", "rookery-mongo")
        everybody = {"podSelector": {}}

        def open_both(resources):
            out(resources)["spec"].update(everybody)
            into(resources)["spec"]["ingress"][0]["from"] = [everybody]

        # The gateway and Redis.
        self.planted(network.stores_have_few_clients, open_both, 2)
        self.planted(network.stores_have_few_clients, lambda r: out(r)["spec"].update(everybody), 0)
        self.planted(network.what_is_needed_passes, lambda r: into(r)["spec"].update(ingress=[]))

    def test_nothing_is_allowed_by_default(self):
        default, api = self.one("NetworkPolicy", "rookery-nothing"), self.one("NetworkPolicy", "rookery-api")

        def remove_both(resources):
            resources.remove(default(resources))
            resources.remove(api(resources))

        # The api may be asked by everybody.
        self.planted(network.nothing_by_default, remove_both, 2)


class Secrets(unittest.TestCase):
    def test_secrets(self):
        secrets = secrets_made.made()
        self.assertEqual(list(secrets_made.complete(OVERLAYS["local"], secrets)), [])
        del secrets[0]["stringData"]["redis-url"]
        self.assertEqual(len(list(secrets_made.complete(OVERLAYS["local"], secrets))), 1)
        self.assertEqual(len(list(secrets_made.complete(OVERLAYS["local"], secrets[1:]))), 3)
        self.assertEqual(len(list(secrets_made.fresh(secrets[1:2], secrets[1:2]))), 3)


    def test_compose_secrets(self):
        with tempfile.TemporaryDirectory() as folder:
            file, other = Path(folder) / "env", Path(folder) / "other"
            first = secrets_made.written(file)
            self.assertEqual(set(first), set(compose.NEEDED) - {"SITE", "MAIL_URL", "MAIL_FROM", "S3_PASSWORD"})
            self.assertTrue(all(len(value) >= 32 for value in first.values()))
            self.assertEqual(list(secrets_made.private(file)), [])
            self.assertEqual(secrets_made.written(file), first, "what is there is kept")
            self.assertFalse(set(first.values()) & set(secrets_made.written(other).values()), "no two deployments share one")
            self.assertEqual(compose.run((), first).returncode, 0)
            file.chmod(0o644)
            self.assertEqual(len(list(secrets_made.private(file))), 1)


class Compose(unittest.TestCase):
    def planted(self, check, name, **changes):
        self.assertEqual(list(check(SERVICES)), [])
        services = copy.deepcopy(SERVICES)
        services[name].update(changes)
        self.assertEqual(len(list(check(services))), 1, changes)

    def test_services(self):
        self.planted(compose.restricted, "gateway-1", read_only=False)
        self.planted(compose.restricted, "redis", cap_drop=[])
        self.planted(compose.restricted, "lb", security_opt=[])
        self.planted(compose.restricted, "prometheus", volumes=["/var/run/docker.sock:/x"])
        self.planted(compose.limited, "api-1", mem_limit=None)
        self.planted(compose.limited, "api-1", restart=None)
        for image in ("redis", "redis:latest", "registry.example.com/redis:8"):
            self.planted(compose.images, "redis", image=image)
        self.planted(compose.ports, "prometheus", ports=["9090:9090"])
        self.planted(compose.ports, "redis", ports=["127.0.0.1:6379:6379"])
        self.planted(compose.networks, "gateway-1", networks={"front": None, "stores": None})
        self.planted(compose.networks, "lb", networks={"front": None, "back": None})
        self.planted(compose.time_to_drain, "gateway-1", stop_grace_period="14s")
        self.planted(compose.in_order, "api-1", depends_on={"redis": {"condition": "service_started"}})

    def test_secrets(self):
        self.assertEqual(list(compose.no_default_secret(compose.texts())), [])
        for text in ("${REDIS_PASSWORD:-x}", "$REDIS_PASSWORD", "${REDIS_PASSWORD:?}", "${REDIS_PASSWORD}"):
            self.assertEqual(len(list(compose.no_default_secret({"x": f"A: {text}"}))), 1, text)
        self.assertEqual(list(compose.no_default_secret({"x": "A: $$REDIS_PASSWORD ${REDIS_PASSWORD:?is missing, run x}"})), [])


class Workflows(unittest.TestCase):
    STEP = "permissions: {contents: read}\njobs:\n  x:\n    steps:\n      - uses: %s\n"

    def found(self, check, text):
        return len(list(check("x.yml", text)))

    def test_workflows(self):
        pin = "a/b@" + "0" * 40
        self.assertEqual(self.found(workflows.pinned, self.STEP % f"{pin} # v1"), 0)
        for used in (pin, "a/b@v1", "a/b@main", "a/b"):
            self.assertEqual(self.found(workflows.pinned, self.STEP % used), 1, used)
        self.assertEqual(self.found(workflows.few_rights, self.STEP % pin), 0)
        self.assertEqual(self.found(workflows.few_rights, (self.STEP % pin).replace("{contents: read}", "write-all")), 1)
        self.assertEqual(self.found(workflows.few_rights, self.STEP % "actions/checkout@" + "\n"), 1)
        run = "permissions: {contents: read}\njobs:\n  x:\n    steps:\n      - run: echo ${{ github.event.issue.title }}\n"
        self.assertEqual(self.found(workflows.few_rights, run), 1)


class Builds(unittest.TestCase):
    def test_dockerfile(self):
        text = (render.ROOT / builds.DOCKERFILE).read_text(encoding="utf-8")
        self.assertEqual([*builds.plain(text), *builds.programs(text)], [])
        for check, before, after in (
            (builds.plain, "# One image", "# syntax=docker/dockerfile:1\n# One image"),
            (builds.plain, "FROM ${RUST_IMAGE} AS build", "FROM rust:1 AS build"),
            (builds.plain, "RUN cargo", "RUN --mount=type=cache,target=/x cargo"),
            (builds.programs, "USER 10001:10001\n", ""),
            (builds.programs, "FROM runtime AS api", "FROM build AS api"),
            (builds.programs, '"/usr/local/bin/rookery-api", "health"', '"curl", "localhost"'),
        ):
            self.assertIn(before, text)
            self.assertEqual(len(list(check(text.replace(before, after, 1)))), 1, after)
        self.assertEqual(len(list(builds.one_toolchain({"x": "rust:1.80.0-bookworm rust:1.95.0-bookworm"}, "1.95.0"))), 1)

    def test_skeleton(self):
        sources = list(builds.targets_of_cargo())
        with tempfile.TemporaryDirectory() as name:
            folder = builds.skeleton(Path(name))
            self.assertEqual(list(builds.whole(sources, folder)), [])
            (folder / sources[0]).unlink()
            self.assertEqual(len(list(builds.whole(sources, folder))), 1)


if __name__ == "__main__":
    unittest.main()
