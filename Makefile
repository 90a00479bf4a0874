# Every target is a few lines; what takes more is a Go program that make runs. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

GO ?= go
# A checkout that belongs to somebody else (a container's mount) has no version to stamp, and needs none. The tag
# leaves out AWS Lambda's retired Go 1.x runtime, so that every function starts without net/rpc and encoding/gob.
export GOFLAGS := $(GOFLAGS) -buildvcs=false -tags=lambda.norpc

BIN     := bin
PACKAGE ?= ./...
# What the race detector is worth its time for: packages with goroutines of their own. (It makes hashing passwords
# very slow, so the identity provider is left out.)
RACY := ./shared/program ./shared/background ./functions ./functions/outbox ./functions/portal/page ./functions/portal/state ./shared/function/... ./shared/batch/... ./shared/throttle/... ./longrunning/local/servers/... ./shared/auth/... ./longrunning/local ./longrunning/bounceradmin/... ./longrunning/front ./functions/introspect/... ./functions/revoke/... ./functions/billing/... ./functions/limits/... ./shared/event/outbox ./longrunning/local/broker ./longrunning/local/stripe ./functions/admission ./operators/client ./operators/reconciler

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## start irc.now on this machine (HTTP_PORT=8080 IRC_PORT=6667; Ctrl-C stops it)
	@$(MAKE) --no-print-directory assets || echo "The web fonts could not be fetched; the pages use the system's fonts instead." >&2
	@echo "Building… (the first time takes a few minutes)"
	@$(GO) build -o $(BIN)/irc.now ./longrunning/local/cmd
	@exec $(BIN)/irc.now

.PHONY: assets
assets: shared/design/static/fonts/.fetched ## fetch the web fonts (npm), once

shared/design/static/fonts/.fetched: shared/design/package-lock.json
	@echo "Fetching the web fonts…"
	@$(GO) run ./shared/design/fetch
	@touch $@

.PHONY: test
test: assets browser ## run all tests, against one PostgreSQL and the real soju and ergo
	@$(GO) run ./longrunning/local/storetest/cmd -- $(GO) test -timeout 20m $(PACKAGE)

.PHONY: apiserver
apiserver: ## build the API server that tests of operators need (once 5 minutes, then seconds)
	@$(GO) run ./tests/cluster/build/cmd etcd kubernetes/kube-apiserver

# CI makes what cannot be tested a failure.
.PHONY: reconcilers
reconcilers: apiserver ## run what talks to the Kubernetes API against that API server; nothing is skipped
	@CI=true $(GO) run ./longrunning/local/storetest/cmd -- $(GO) test -timeout 20m ./operators/... ./functions/admission/... ./functions/limits/... ./functions/portal/... ./functions/revoke/... ./tests/manifests/...

.PHONY: cluster-up
cluster-up: ## bring up Kubernetes, Knative and irc.now on this machine (Linux, root; first 45 minutes, then 4)
	@$(GO) run ./tests/cluster/cmd up

.PHONY: cluster-down
cluster-down: ## end that cluster and remove its data
	@$(GO) run ./tests/cluster/cmd down

.PHONY: cluster-logs
cluster-logs: ## print the cluster's last lines (OF=kubelet, OF=irc-now, OF=irc-now/POD)
	@$(GO) run ./tests/cluster/cmd logs $(OF)

.PHONY: e2e
e2e: ## reconcilers, that cluster, and a user's story on it, faults included; prints all figures (half an hour more)
	@$(GO) run ./tests/cluster/e2e

.PHONY: test-race
test-race: assets ## run the tests of concurrent packages under the race detector
	@$(GO) run ./longrunning/local/storetest/cmd -- $(GO) test -race -timeout 20m $(RACY)

.PHONY: browser
browser: ## install Chromium for tests/browser, when it is missing (Debian, as root)
	@.ci/chromium

.PHONY: lint
lint: ## vet, golangci-lint and govulncheck, in the versions tests/tools pins
	@$(GO) vet ./...
	@$(GO) vet -tags 'cluster lambda.norpc' ./tests/cluster/... ./tests/manifests
	@$(GO) -C tests/tools build -o $(CURDIR)/$(BIN)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint golang.org/x/vuln/cmd/govulncheck
	@$(BIN)/golangci-lint run --allow-parallel-runners ./...
	@.ci/vuln ./...

.PHONY: generate
generate: ## write again what is generated: deep copies, custom resource definitions, docs/events.md, docs/settings.md
	@$(GO) generate ./operators/api/... ./shared/event/... ./knative/settings

.PHONY: fuzz
fuzz: ## run every fuzz target FUZZRUNS (20000) times
	@.ci/fuzz $${FUZZRUNS:-20000}

.PHONY: bench
bench: ## print the figures of speed, as ratios to a bare program
	@$(GO) run ./longrunning/local/storetest/cmd -- $(GO) test -run '^$$' -bench . -benchtime 3s ./functions/... ./longrunning/front ./tests/load/...
	@$(GO) run ./longrunning/local/storetest/cmd -- $(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./operators/soju

.PHONY: manifests
manifests: ## render what is applied to clusters into bin/manifests
	@$(GO) run ./knative/cmd render $(BIN)/manifests

.PHONY: deploy
deploy: ## build images, push them to REGISTRY, apply OVERLAY (generic, openshift) to kubectl's cluster (APPLY=no: leave it)
	@$(GO) -C tests/tools/ko build -o $(CURDIR)/$(BIN)/ko github.com/google/ko
	@$(GO) run ./knative/cmd deploy "$(OVERLAY)" "$(REGISTRY)"

.PHONY: clean
clean: ## remove what was built; keeps .local (your data) and .cache (downloads)
	@rm -rf $(BIN)
