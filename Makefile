# The two commands to start with are `make run` and `make test`. Both set up
# what is missing first; everything else assumes that it is there.

GO        ?= go
TESTFLAGS ?= -timeout 10m
RACE      ?= ./wgpu ./mamba ./mamba/tokenizer
RACETESTS ?= Concurrent|Close|States|GenerateBatch
TAGS      ?=
PKGS      ?= ./...
BENCH     ?= .
BENCHTIME ?= 1s
RESULT    ?= bench/results
FUZZTIME  ?= 5s
MINGW     ?= x86_64-w64-mingw32-gcc

# TAGS=wgpu29 makes any target use the second WebGPU binding.
ifdef TAGS
TAGGED := -tags $(TAGS)
endif

# The version is the one that go reads from git, if there is a git that may.
VCS   := $(if $(shell git rev-parse --verify --quiet HEAD 2>/dev/null),auto,false)
BUILD := $(GO) build $(TAGGED) -trimpath -buildvcs=$(VCS) -ldflags '-s -w'

# Mesa complains about a missing runtime folder. The same path every time lets
# go reuse test results.
ifndef XDG_RUNTIME_DIR
RUNTIME := $(CURDIR)/.cache/run
ENV     := mkdir -p -m 700 $(RUNTIME) && XDG_RUNTIME_DIR=$(RUNTIME)
endif

.PHONY: build help setup run test test-race test-wgpu29 test-go lint fmt bench bench-go fuzz windows clean

build: ## build bin/mambagpu (the default)
	@$(BUILD) -o bin/ ./cmd/mambagpu

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## see to a Vulkan driver; install Mesa's where there is none
	@GO="$(GO)" scripts/setup || [ $$? = 1 ]

run: setup build ## generate text with the model that ships
	@bin/mambagpu generate --temperature 0.6 --top-p 0.9 --seed 12

test: setup ## all tests (PKGS=packages); fails where there is no adapter
	@$(ENV) MAMBAGPU_REQUIRE_GPU=1 $(GO) test $(TAGGED) $(TESTFLAGS) $(PKGS)

test-race: setup ## under the race detector, the tests that share things (RACETESTS=. for all)
	@$(ENV) MAMBAGPU_REQUIRE_GPU=1 $(GO) test $(TAGGED) -race -run '$(RACETESTS)' $(TESTFLAGS) $(RACE)

test-wgpu29: ## all tests with the second WebGPU binding
	@$(MAKE) --no-print-directory test TAGS=wgpu29

test-go: ## tests that need neither GPU, driver nor C compiler
	@CGO_ENABLED=0 MAMBAGPU_REQUIRE_GPU= $(GO) test $(TESTFLAGS) ./...

lint: ## gofmt, go vet and staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	@$(GO) vet $(TAGGED) ./...
	@$(GO) tool -modfile=tools/go.mod staticcheck $(TAGGED) ./...

fmt: ## format the Go files
	@gofmt -l -w .

bench: setup build ## measure this machine into RESULT and write bench/RESULTS.md anew (RUN=no: only write)
ifneq ($(RUN),no)
	@$(ENV) bin/mambagpu bench $(BENCHFLAGS) --json $(RESULT)
endif
	@bin/mambagpu bench --from $$(ls bench/results/*.json | paste -sd, -) --plots bench/results --page bench/RESULTS.md --table README.md

bench-go: setup ## Go benchmarks of the runtime and the kernels (BENCH=regexp)
	@$(ENV) $(GO) test $(TAGGED) -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) ./wgpu ./shaders/...

fuzz: ## every fuzz target for FUZZTIME (5s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u | while read -r dir; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$dir/*_test.go); do \
			echo "$$dir $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$dir </dev/null || exit 1; \
		done || exit 1; \
	done

windows: ## cross-build bin/mambagpu.exe with mingw-w64
	@GO="$(GO)" MINGW=$(MINGW) scripts/setup windows
	@CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=$(MINGW) $(BUILD) -o bin/mambagpu.exe ./cmd/mambagpu
	@ls -l bin/mambagpu.exe

clean: ## remove what was built
	@rm -rf bin .cache
