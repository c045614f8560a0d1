# Everything sets itself up: the Rust toolchain that rust-toolchain.toml names,
# the test runner for wasm, and Envoy. What a machine must bring is in README.md.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.ONESHELL:
.PHONY: help run demo test bench bench-envoy fuel build wasm image setup fmt clippy doc test-all test-native test-wasm test-envoy clean

WASM := target/sluice_filter.wasm
STAGE := ./.ci/stage

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# With another collector, or none, the command line is not needed.
run: setup wasm $(if $(COLLECTOR),,build) ## a collector and Envoy as an explicit proxy in audit_only, decisions as they happen; PORT=3128 API=8080 GRPC=4317 POLICY=file.json RESOURCE=type/id RESOLVES_TO=10.0.0.0/8 COLLECTOR=host:port|none
	@exec envoy/forward-proxy/run.py --wasm $(WASM) $(if $(PORT),--port $(PORT)) $(if $(POLICY),--policy $(POLICY)) \
		$(if $(RESOURCE),--resource $(RESOURCE)) $(addprefix --resolves-to ,$(RESOLVES_TO)) \
		$(if $(COLLECTOR),--collector $(COLLECTOR),--sluice target/release/sluice $(if $(API),--api $(API)) $(if $(GRPC),--grpc $(GRPC)))

demo: setup ## the whole loop, from observing to a fleet that is locked down, played in under a minute
	@echo "building; the first time this takes minutes" >&2
	cargo build --quiet --workspace --bins --test demo # with a test, so that features are those of `make test`
	export ENVOY="$$(envoy/find-envoy)"
	exec target/debug/demo

test: setup ## every test there is, and fmt, clippy, docs
	@rm -f target/stages
	$(STAGE) fmt         cargo fmt --all --check
	$(STAGE) clippy      $(MAKE) --no-print-directory clippy
	$(STAGE) docs        $(MAKE) --no-print-directory doc
	$(STAGE) tests       $(MAKE) --no-print-directory test-all
	$(STAGE) wasm        $(MAKE) --no-print-directory test-wasm
	$(STAGE) --summary

# In one call: cargo chooses features for the packages it is given, so three would compile much of it three times.
bench: setup ## decision time, load time and memory, replay throughput, changes of policy in Envoy, the collector
	@ENVOY="$$(envoy/find-envoy)" cargo bench --workspace $(addprefix --bench ,decide load replay policy_changes collecting reviewing)

bench-envoy: setup ## what a decision costs in Envoy beside RBAC, Lua and ext_authz: tables and a chart in target/bench; about fifteen minutes
	@for tool in wrk h2load taskset; do
		command -v $$tool >/dev/null || { echo "$$tool is missing (Debian: wrk, nghttp2-client, util-linux)" >&2; exit 1; }
	done
	ENVOY="$$(envoy/find-envoy)" cargo bench --workspace --bench envoy

fuel: setup ## where the filter's work goes, function by function, in counts that no machine changes
	@export CARGO_PROFILE_FILTER_STRIP=none
	cargo build -p sluice-filter --lib --target wasm32-wasip1 --profile filter --target-dir target/fuel
	filter/shrink target/fuel/wasm32-wasip1/filter/sluice_filter.wasm target/fuel/sluice_filter.wasm --debuginfo
	SLUICE_FUEL_MODULE="$$PWD/target/fuel/sluice_filter.wasm" cargo bench --workspace --bench fuel

build: setup wasm ## the command line, with the filter inside, and the filter beside it; the first time this takes minutes
	@cargo build --release --workspace --bin sluice
	echo "target/release/sluice"

# The same flags and folder as harness/build.rs, so that the module beside the
# command line is the one inside it, byte for byte, and is built once.
wasm: setup ## the filter for Envoy: target/sluice_filter.wasm
	@cargo_home=$${CARGO_HOME:-$$HOME/.cargo}
	cargo fetch --quiet --locked --target wasm32-wasip1 # so that the folders of its registries are there, which have names of their own
	export RUSTFLAGS="--remap-path-prefix=$$cargo_home=cargo"
	for folder in "$$cargo_home"/registry/src/*; do RUSTFLAGS+=" --remap-path-prefix=$$folder=crates"; done
	RUSTFLAGS+=" --remap-path-prefix=$$PWD=sluice"
	cargo build -p sluice-filter --lib --target wasm32-wasip1 --profile filter --target-dir target/filter-wasm
	filter/shrink target/filter-wasm/wasm32-wasip1/filter/sluice_filter.wasm $(WASM)
	echo "$(WASM)"

image: wasm ## the filter for registries, target/image (OCI image layout), and its checksum; see envoy/image/README.md
	@envoy/image/build.py --wasm $(WASM) --out target/image

# rustup reads rust-toolchain.toml; installing what is there already is quick.
setup:
	@command -v rustup >/dev/null || { echo "rustup is missing: see README.md, 'What a machine needs'" >&2; exit 2; }
	mkdir -p target
	rustup toolchain install >target/setup.log 2>&1 || { cat target/setup.log >&2; exit 2; }

fmt: setup ## format all code
	@cargo fmt --all

# Twice for the code of the filter: as it is tested natively, and as Envoy runs it; and the console's as a browser does.
clippy: setup
	@cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p sluice-policy --no-default-features -- -D warnings
	cargo clippy -p sluice-filter --target wasm32-wasip1 -- -D warnings
	cargo clippy -p sluice-console --target wasm32-unknown-unknown --all-targets -- -D warnings

# With the examples, which there are none of, cargo takes the features that tests need, as clippy does;
# else most dependencies would be checked once more, with other features.
doc: setup ## API documentation, without warnings
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --lib --bins --examples

# Natively, the .wasm in the harness, and real Envoy, in one build: cargo chooses
# features for the packages it is given, so two calls would compile most of it twice.
# Tests wait for processes more than they compute, so there are more at once than processors.
test-all: setup
	@export RUST_TEST_THREADS="$${RUST_TEST_THREADS:-$$((2 * $$(nproc)))}"
	ENVOY="$$(envoy/find-envoy)" cargo test --workspace

test-native: setup
	@cargo test --workspace --exclude sluice-tests

# Under Node, and in a browser.
test-wasm: setup
	@policy/test-wasm
	console/test-wasm

test-envoy: setup
	@ENVOY="$$(envoy/find-envoy)" cargo test -p sluice-tests

clean:
	@rm -rf target
