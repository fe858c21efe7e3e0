# spawn: EC2 instances that end by themselves. "make help" lists the targets.

VERSION := $(or $(VERSION),$(shell git describe --tags --always --dirty 2>/dev/null),dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
PREFIX  ?= /usr/local
TOOLS   := $(CURDIR)/.tools

# When the version was made, in seconds: manual pages and packages name it, so
# that the same commit makes the same bytes.
export SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)

# Every build uses the same flags, so that programs, embedded agents and tests
# share one build cache. The version is stamped above, not by git's state.
export CGO_ENABLED := 0
export GOFLAGS     := -trimpath -buildvcs=false

PROGRAMS  := spawn truffle spored
AGENTS    := amd64 arm64
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# The shell scripts that others run, or that make what others install.
SCRIPTS := $(wildcard internal/bootstrap/scripts/*.sh) $(addprefix scripts/,install.sh checksums.sh packages.sh check-packages.sh reproducible.sh record.sh)

GOLANGCI_LINT := v2.15.0
METADATA_MOCK := v1.13.0
# v2.46 and later need modules (go.digitalxero.dev) that proxy.golang.org does
# not serve everywhere.
NFPM          := v2.45.2
GORELEASER    := v2.15.1
CYCLONEDX     := v1.10.0

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: agents manual ## build the three programs into bin/
	@mkdir -p bin
	@for p in $(PROGRAMS); do echo "build $$p"; go build -ldflags '$(LDFLAGS)' -o bin/$$p ./cmd/$$p || exit 1; done

# The agent's builds, embedded in spawn. A build that did not change keeps its
# file, so that spawn is not linked again.
.PHONY: agents
agents: $(AGENTS:%=agent-%)

.PHONY: agent-%
agent-%:
	@mkdir -p .build
	@echo "build spored for linux/$*"
	@GOOS=linux GOARCH=$* go build -ldflags '$(LDFLAGS)' -o .build/spored-linux-$* ./cmd/spored
	@gzip -9nc .build/spored-linux-$* > .build/spored-linux-$*.gz
	@cmp -s .build/spored-linux-$*.gz internal/agentbin/builds/spored-linux-$*.gz || cp .build/spored-linux-$*.gz internal/agentbin/builds/

# Manual pages and completions, laid out as below /usr/share.
.PHONY: manual
manual:
	@rm -rf .build/share
	@echo "write manual pages and completions"
	@go run ./internal/manual -share .build/share -version '$(VERSION)' -made $(SOURCE_DATE_EPOCH)

.PHONY: build-all
build-all: agents ## build for every platform into bin/, with checksums: spawn-linux-amd64 and so on
	@mkdir -p bin
	@for platform in $(PLATFORMS); do \
	  os=$${platform%/*} arch=$${platform#*/}; ext=; [ $$os = windows ] && ext=.exe; \
	  for p in spawn truffle; do \
	    echo "build $$p for $$platform"; \
	    GOOS=$$os GOARCH=$$arch go build -ldflags '$(LDFLAGS)' -o bin/$$p-$$os-$$arch$$ext ./cmd/$$p || exit 1; \
	  done; \
	done
	@for arch in $(AGENTS); do cp .build/spored-linux-$$arch bin/spored-linux-$$arch; done
	@sh scripts/checksums.sh bin

.PHONY: install
install: ## install programs, manual pages and completions below PREFIX (default /usr/local); "make build" comes first
	@for p in $(PROGRAMS); do [ -x bin/$$p ] || { echo "bin/$$p is missing: run make build" >&2; exit 1; }; done
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 0755 $(PROGRAMS:%=bin/%) '$(DESTDIR)$(PREFIX)/bin'
	@cd .build/share && find . -type f | while read -r file; do \
	  install -d "$(DESTDIR)$(PREFIX)/share/$$(dirname "$$file")" && install -m 0644 "$$file" "$(DESTDIR)$(PREFIX)/share/$$file" || exit 1; \
	done
	@echo "manual pages and completions are in $(DESTDIR)$(PREFIX)/share"

.PHONY: uninstall
uninstall: ## remove what "make install" put below PREFIX
	@for p in $(PROGRAMS); do rm -fv \
	  "$(DESTDIR)$(PREFIX)/bin/$$p" \
	  "$(DESTDIR)$(PREFIX)/share/man/man1/$$p.1.gz" "$(DESTDIR)$(PREFIX)/share/man/man1/$$p"-*.1.gz \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$p" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$p.fish" \
	  "$(DESTDIR)$(PREFIX)/share/spawn/completions/$$p.ps1" || exit 1; done
	@for folder in spawn/completions spawn; do \
	  [ ! -d "$(DESTDIR)$(PREFIX)/share/$$folder" ] || rmdir "$(DESTDIR)$(PREFIX)/share/$$folder"; done

.PHONY: packages
packages: agents manual $(TOOLS)/nfpm-$(NFPM) ## build deb and rpm for amd64 and arm64 into bin/, and look into them
	@for arch in $(AGENTS); do \
	  for p in $(PROGRAMS); do \
	    echo "build $$p for linux/$$arch"; \
	    GOOS=linux GOARCH=$$arch go build -ldflags '$(LDFLAGS)' -o bin/$$p-linux-$$arch ./cmd/$$p || exit 1; \
	  done; \
	done
	@NFPM=$(TOOLS)/nfpm-$(NFPM) sh scripts/packages.sh '$(VERSION)' $(AGENTS)
	@sh scripts/check-packages.sh '$(VERSION)' $(AGENTS)

.PHONY: release-check
release-check: $(TOOLS)/goreleaser-$(GORELEASER) ## let goreleaser judge its configuration
	$(TOOLS)/goreleaser-$(GORELEASER) check .goreleaser.yaml

.PHONY: reproducible
reproducible: ## build twice, in two folders, and compare every byte
	@sh scripts/reproducible.sh

.PHONY: demo
demo: build ## launch two instances on this machine and watch them end by themselves
	@sh scripts/demo.sh

.PHONY: test
test: build $(TOOLS)/ec2-metadata-mock-$(METADATA_MOCK) ## run every test
	@# never from the cache: the programs under test are built, not imported
	go test -count=1 -timeout 12m ./...

.PHONY: e2e
e2e: build ## boot instances with real systemd, as root on Linux: up to eight minutes
	@sh scripts/e2e.sh

.PHONY: soak
soak: agents ## let a fleet live a simulated day with everything going wrong, in minutes; SEED=n repeats one
	go test -count=1 -timeout 60m -v -run 'TestDay$$' ./internal/soak -rounds $(or $(ROUNDS),2000) -seed $(or $(SEED),0)

.PHONY: soak-agent
soak-agent: build ## let spored live under systemd for ten minutes; it may not grow
	SPAWN_SOAK=10m SPAWN_E2E_MACHINE="$$(sh scripts/e2e-root.sh)" go test -count=1 -v -timeout 20m -run '^TestSoak$$' ./internal/e2e

.PHONY: crash
crash: build ## kill spawn at every boundary of every call, and fail every call: fifteen minutes
	SPAWN_CRASH=all go test -count=1 -timeout 60m ./internal/crash

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT) ## check the code's form
	go vet ./...
	$(TOOLS)/golangci-lint-$(GOLANGCI_LINT) run ./...
	@if command -v shellcheck >/dev/null; then echo "shellcheck --shell=sh $(SCRIPTS)" && shellcheck --shell=sh $(SCRIPTS); \
	else echo "SKIPPED: shellcheck is not installed, the shell scripts were not judged"; fi

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	mv $(TOOLS)/golangci-lint $@

$(TOOLS)/nfpm-$(NFPM):
	GOBIN=$(TOOLS) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM)
	mv $(TOOLS)/nfpm $@

$(TOOLS)/goreleaser-$(GORELEASER):
	GOBIN=$(TOOLS) go install github.com/goreleaser/goreleaser/v2@$(GORELEASER)
	mv $(TOOLS)/goreleaser $@

$(TOOLS)/cyclonedx-gomod-$(CYCLONEDX):
	GOBIN=$(TOOLS) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX)
	mv $(TOOLS)/cyclonedx-gomod $@

# AWS's own stand-in for the metadata service judges how spored reads it. Where
# it cannot be built, its test says so and is skipped.
$(TOOLS)/ec2-metadata-mock-$(METADATA_MOCK):
	@echo "build ec2-metadata-mock $(METADATA_MOCK)"
	@GOBIN=$(TOOLS) go install github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@$(METADATA_MOCK) \
	&& mv $(TOOLS)/ec2-metadata-mock $@ \
	|| echo "SKIPPED: ec2-metadata-mock cannot be built, how spored reads metadata is not judged by it"

.PHONY: check
check: test lint e2e ## what the continuous integration runs

.PHONY: verify-aws
verify-aws: build ## try on your AWS account what nobody here could; costs cents: VERIFY=--yes-it-costs-money
	@PATH="$(CURDIR)/bin:$$PATH" sh scripts/verify-aws.sh $(VERIFY)

.PHONY: verify-local
verify-local: build ## let the script of verify-aws prove itself on the local cloud, in minutes
	SPAWN_E2E_VERIFY=1 go test -count=1 -run '^TestVerifyAWS$$' -v ./internal/e2e

.PHONY: generate
generate: ## distil the embedded catalog again from its pinned sources
	go generate ./internal/catalog

.PHONY: bench
bench: build ## measure the budgets, beside moto where it is installed
	SPAWN_E2E_MACHINE="$$(sh scripts/e2e-root.sh --check)" go test -run '^$$' -bench '^BenchmarkBudgets$$' -benchtime 1x -timeout 20m ./internal/e2e

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .build .tools internal/agentbin/builds/*.gz
