# Every target installs what it needs from Debian first (scripts/setup), and does nothing the second time.

PREFIX ?= /usr/local

.DEFAULT_GOAL := help
.PHONY: help build test sim soak fuzz demo bench bench-micro package package-test install uninstall format format-check audit clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

build: ## native executable out/vibepn, with the links out/vpn and out/vpnctl
	@scripts/setup build
	@scripts/build

test: ## build everything, run every test; ends with "N passed, N failed" (root)
	@scripts/test

sim: ## the simulations with SEEDS=100, or one again with SEED=17 SCENARIO=mesh
	@scripts/setup test
	@SEEDS="$(SEEDS)" SEED="$(SEED)" SCENARIO="$(SCENARIO)" scripts/sim

soak: ## as sim, and meshes of 50 and 200 nodes: SEEDS=100 takes about 5 minutes
	@scripts/setup test
	@SOAK=1 SEEDS="$(SEEDS)" SEED="$(SEED)" SCENARIO="$(SCENARIO)" scripts/sim

fuzz: ## mutated inputs for every parser: RUNS=1000000 SEED=1, or for one: TARGET=control-codec
	@scripts/setup test
	@RUNS="$(RUNS)" SEED="$(SEED)" TARGET="$(TARGET)" scripts/fuzz

demo: ## two hosts in network namespaces exchange traffic through real daemons (root)
	@scripts/setup demo
	@scripts/build
	@scripts/demo

bench: ## against raw veth, wireguard-go, OpenVPN and Nebula: about 90 minutes, with QUICK=1 under 8 (root)
	@scripts/setup bench
	@QUICK="$(QUICK)" ARGS="$(ARGS)" scripts/bench

bench-micro: ## the hot paths by themselves (BenchmarkDotNet); QUICK=1, FILTER='*Checksum*'
	@scripts/setup build
	@scripts/setup run
	@QUICK="$(QUICK)" FILTER="$(FILTER)" scripts/bench micro

package: ## out/vibepn_VERSION_ARCHITECTURE.deb for Debian (docs/install.md)
	@scripts/setup package
	@scripts/build
	@scripts/package

package-test: ## install, upgrade, watch and purge it under systemd on a Debian 13 of its own (root)
	@scripts/setup package-test
	@scripts/build
	@scripts/package-test

install: build ## copy the executable, unit, man pages and completions to PREFIX (default /usr/local)
	@$(if $(DESTDIR),,scripts/setup run)
	@scripts/install-files "$(DESTDIR)" "$(PREFIX)"

uninstall: ## remove what `make install` has copied; config and state stay
	@scripts/install-files "$(DESTDIR)" "$(PREFIX)" remove

format: ## rewrite the sources to the house style
	@scripts/setup sdk
	dotnet format VibePN.slnx

format-check: ## fail if `make format` would change anything
	@scripts/setup sdk
	@scripts/format-check

audit: ## ask the audit feed about known vulnerabilities in packages (needs the network)
	@scripts/setup sdk
	dotnet restore VibePN.slnx --force -p:NuGetAudit=true -p:NuGetAuditMode=all -p:NuGetAuditLevel=low

clean: ## remove everything that the other targets made in this folder
	rm -rf out
	find src tests bench -depth -type d \( -name bin -o -name obj -o -name TestResults \) -exec rm -rf {} + 2>/dev/null || true
