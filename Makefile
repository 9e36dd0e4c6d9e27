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

bench: policies ## Speed and cost on public traces, as ratios in one run (tests/perf/README.md)
	@cargo bench --quiet --profile dev -p plimsoll-host
	@cargo bench --quiet --profile dev -p plimsoll --bench languages
	@PLIMSOLL_STRICT=1 cargo test --quiet -p plimsoll-host --test harm -- --nocapture
	@cargo build --quiet -p plimsoll-perf --bins
	@cargo run --quiet -p plimsoll-perf
	@cargo run --quiet -p plimsoll-perf -- halved --seeds 3
	@cargo run --quiet -p plimsoll-perf -- day --hours 6 --unneeded 0

fuzz: ## Ten minutes of hostile input for every reader of it
	@bash tests/fuzz.sh 600

# What the tests run a little of, run long: each line prints its own figures, and fails as the test does. Some hours.
soak: policies tools ## Hostile tenants by 10,000, every lever of a policy by 100,000, kube-scheduler by 100,000 of a mix
	@PLIMSOLL_TENANTS=10000 PLIMSOLL_STRICT=1 cargo test --workspace --test tenants -- --nocapture
	@PLIMSOLL_ADVERSARY_RUNS=100000 cargo test --workspace --lib exposure::adversary -- --nocapture
	@PLIMSOLL_STORM_MINUTES=30 PLIMSOLL_STORM_NODES=500 cargo test --workspace --test storm -- --nocapture
	@PLIMSOLL_LONG_RUN_NODES=500 cargo test --workspace --test incidents long_run -- --nocapture
	@PLIMSOLL_IDLE_MINUTES=60 cargo test --workspace --test ends facade -- --nocapture
	@PROPTEST_CASES=10000 cargo test --workspace --lib play::tests -- --nocapture
	@cargo run --quiet -p plimsoll-referee -- --cases 100000 --seed 101 --no-plans
	@cargo run --quiet -p plimsoll-referee -- rest --cases 2000 --seed 1
	@cargo run --quiet -p plimsoll-referee -- bound --cases 2000 --seed 1

lint: ## Format and clippy, as CI has them
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

clean: ## Removes what was built; caches outside the folder stay
	@cargo clean

.PHONY: help demo offline policies tools test bench fuzz soak lint clean
