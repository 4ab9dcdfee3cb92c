# `make demo` shows the main job, `make test` runs every test. `make help` lists the rest.
SWIFT ?= swift
RELEASE = -c release --static-swift-stdlib
# With the Swift library linked in, the program needs no Swift on the machine it runs on.
BINARY = $(shell $(SWIFT) build $(RELEASE) --show-bin-path)/sluice

.PHONY: help deps build release emulator test docs lint format demo bench faults sigterm cutoff schemas coverage races retention maintenance fanout resume steps matrix sanitize soak interop deployfiles package clean

help:
	@echo 'make demo     build, back a day up, drop it, restore it, compare'
	@echo '              (LAKE=adls: in an emulated storage account, by a managed identity)'
	@echo 'make build    build everything, and check that each module imports only what it depends on'
	@echo 'make test     build and run every test'
	@echo '              (ONLY=LakeTests, ONLY=LakeTests.LakePathTests: those alone, as swift test --filter takes them;'
	@echo '              FAULT=stall: that fault alone in the tests that go through all of them)'
	@echo 'make docs     write the tables of settings and errors in docs/ from their declarations, and the program'\''s own list of functions; make test compares them'
	@echo 'make lint     check the format, and what scripts/lint.sh lists: lengths, citations, imports that are not allowed'
	@echo 'make format   mend it'
	@echo 'make bench    compare with psql, gzip and pigz (minutes); BEFORE=/path/to/sluice: with another build too'
	@echo 'make faults   1 GB to the lake emulator and back while it fails in every way (20 minutes)'
	@echo 'make sigterm  end it by SIGTERM again and again under a load of asynchronous calls (a minute)'
	@echo 'make cutoff   cut jobs off at hundreds of moments and compare what was told with what is there (20 minutes)'
	@echo 'make schemas  archive, damage and restore 50 random schemas of hypertables and partitions (5 minutes; SEED=2, COUNT=200)'
	@echo 'make coverage  time and memory of sluice archives with 109,500 archives in the lake emulator (2 minutes)'
	@echo 'make races    backups and restores while 8 sessions compress, drop and insert (10 minutes; MINUTES=2)'
	@echo 'make retention  days are dropped while 8 sessions write to them, the program is killed, its server stopped (40 minutes;'
	@echo '              ROUNDS=50, KILLS=10, SEED=2)'
	@echo 'make maintenance  a million rows with duplicates and orphans are tidied up while the program is killed (5 minutes; ROWS=100000,'
	@echo '              KILLS=5, SEED=2)'
	@echo 'make fanout   eight instances do a night of a thousand table-days from one queue while they are killed (a minute)'
	@echo 'make resume   an asynchronous backup is killed at 50 moments and resumed on another instance (30 minutes; KILLS=5)'
	@echo 'make steps    restores broken before and after each step, at 200 points (15 minutes; SEED=2, POINTS=50)'
	@echo 'make matrix   every test on every PostgreSQL server of the machine (POSTGRES_SERVERS="/folder/bin ..." for more)'
	@echo 'make sanitize suites and loads of connections under sanitizers, loads of the optimised program (an hour)'
	@echo 'make deployfiles  check the files under deploy/ with the tools of Bicep, Terraform and GitHub, where they can be had'
	@echo 'make soak     two services under load for half an hour: nothing dies, nothing grows'
	@echo 'make interop  check Sluice and the lake emulator with the Python libraries of Azure, and HTTP with Schemathesis (downloads them)'
	@echo 'make release  the program, with the Swift library linked in'
	@echo 'make package  dist/app: the folder to deploy as a function app'
	@echo 'make deps     install the missing packages of the distribution'

deps:
	@scripts/deps.sh

# SwiftPM looks at the time of the link, and not at that of the document to which it leads.
OPENAPI = touch -h -r docs/openapi.json Sources/SluiceService/openapi.json

build: deps
	@$(OPENAPI)
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error

test: build
	@SWIFT="$(SWIFT)" scripts/test.sh $(if $(ONLY),--filter '$(ONLY)')

docs: build
	UPDATE_DOCS=1 $(SWIFT) test --skip-build --filter 'SettingsDocumentTests|ErrorCodeTests|DocumentedCodesTests|DefaultRoutesTests'

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	@scripts/lint.sh

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

release:
	@scripts/deps.sh build
	@$(OPENAPI)
	$(SWIFT) build $(RELEASE) --product sluice

# The emulator of the storage service, as a program; it is no part of what is deployed.
emulator: deps
	$(SWIFT) build $(RELEASE) --product lake-emulator

demo: export LAKE ?= folder
demo: deps release $(if $(filter adls,$(LAKE)),emulator)
	@scripts/demo.sh "$(BINARY)"

bench: deps release emulator
	@scripts/bench.sh "$(BINARY)"

faults: deps release emulator
	@scripts/faults.sh "$(BINARY)"

sigterm: deps release
	@scripts/sigterm.sh "$(BINARY)"

sanitize: deps
	@scripts/sanitize.sh

cutoff: deps release
	@scripts/cutoff.sh "$(BINARY)"

schemas: deps release
	@scripts/schemas.sh "$(BINARY)" --seed "$(or $(SEED),1)" --count "$(or $(COUNT),50)"

coverage: deps release emulator
	@scripts/coverage.sh "$(BINARY)"

races: deps release
	@scripts/races.sh "$(BINARY)" --minutes "$(or $(MINUTES),10)"

retention: deps release
	@scripts/retention.sh "$(BINARY)" --rounds "$(or $(ROUNDS),1000)" --kills "$(or $(KILLS),50)" --seed "$(or $(SEED),1)"

maintenance: deps release
	@scripts/maintenance.sh "$(BINARY)" --rows "$(or $(ROWS),1000000)" --kills "$(or $(KILLS),5)" --seed "$(or $(SEED),1)"

fanout: deps release emulator
	@scripts/simulate-fanout.sh "$(BINARY)" "$(dir $(BINARY))lake-emulator"

resume: deps release
	@scripts/resume.sh "$(BINARY)" --kills "$(or $(KILLS),50)" --seed "$(or $(SEED),1)"

steps: deps release
	@scripts/steps.sh "$(BINARY)" --seed "$(or $(SEED),1)" --points "$(or $(POINTS),200)"

matrix: build
	@scripts/matrix.sh

soak: deps release emulator
	@scripts/soak.sh "$(BINARY)" "$(dir $(BINARY))lake-emulator"

interop: deps
	$(SWIFT) build --product lake-emulator
	$(SWIFT) build --product sluice
	@scripts/interop.sh "$(shell $(SWIFT) build --show-bin-path)"

deployfiles:
	@scripts/deployfiles.sh

package: release
	rm -rf dist/app
	mkdir -p dist
	"$(BINARY)" package --output dist/app

clean:
	rm -rf .build dist
