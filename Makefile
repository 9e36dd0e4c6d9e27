# Two commands matter: `make demo` and `make test`. Each installs what it needs and says so.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
POLICIES := $(abspath $(TARGET))/policies
export PLIMSOLL_POLICIES_DIR := $(POLICIES)
KEEP ?=

help: ## What can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: policies ## One day of load on the embedded world, in under three minutes; KEEP=1 keeps the daemon
	@$(TARGET)/debug/plimsolld --config deploy/demo.yaml $(if $(KEEP),--keep)

# The demo compiles neither AWS nor kube. The same profile and features serve the tests: nothing heavy twice.
offline:
	@echo "building plimsolld (simulated ends only) and plimsoll"
	@cargo build --quiet --no-default-features -p plimsolld -p plimsoll

policies: offline
	@bash tests/setup/wasm-target.sh >/dev/null
	@$(TARGET)/debug/plimsoll policy build plugins/business-hours plugins/fargate-or-ec2 plugins/target-utilisation --out-dir $(POLICIES)

tools: ## The control plane, the referee, kubectl, helm, the AWS emulators, the compilers and the registry that the tests use
	@bash tests/setup/testcluster.sh >/dev/null
	@bash tests/setup/referee.sh >/dev/null
	@bash tests/setup/kubectl-helm.sh >/dev/null
	@bash tests/setup/emulators.sh >/dev/null
	@bash tests/setup/languages.sh >/dev/null
	@bash tests/setup/registry.sh >/dev/null

test: policies tools ## All tests, the end-to-end ones included
	@bash tests/run.sh

bench: policies ## The figures of README's table, as ratios in one run
	@cargo bench --quiet --profile dev -p plimsoll-host
	@cargo bench --quiet --profile dev -p plimsoll --bench languages
	@PLIMSOLL_STRICT=1 cargo test --quiet -p plimsoll-host --test harm -- --nocapture
	@cargo build --quiet -p plimsoll-perf --bins
	@cargo run --quiet -p plimsoll-perf
	@cargo run --quiet -p plimsoll-perf -- halved --seeds 3
	@cargo run --quiet -p plimsoll-perf -- day --hours 6 --unneeded 0

fuzz: ## Ten minutes of hostile input for every reader of it
	@bash tests/fuzz.sh 600

lint: ## Format and clippy, as CI has them
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

clean: ## Removes what was built; caches outside the folder stay
	@cargo clean

.PHONY: help demo offline policies tools test bench fuzz lint clean
