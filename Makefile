# CashUp. `make run` on a fresh clone builds and serves; `make test` runs everything.
# All builds are release builds in .build: what is tested is what is served.

SWIFT  ?= swift
BUILD   = $(SWIFT) build -c release
BIN     = .build/release/cashup
DATA   ?= ./data
LISTEN ?= 127.0.0.1:7070
HTTP   ?= 127.0.0.1:8000

.PHONY: run build docs-assets test test-swift test-python test-perf simulate test-simulate mutants bench perf perf-quick perf-compare perf-peers fuzz sanitize coverage kill-storm clean deps test-deps peer-deps

run: build
	@echo
	@echo "Serving on $(LISTEN) and http://$(HTTP), log in $(DATA), no authentication (loopback only). In another terminal:"
	@echo "  $(BIN) client --connect $(LISTEN)                 then: HELP"
	@echo "  $(BIN) client --connect $(LISTEN) -- DEP 7 USD 50000.00 ref=first"
	@echo "  $(BIN) client --connect $(LISTEN) -- NEW 7 BTC-USD B LMT 0.5 64000.00 GTC id=grid-1"
	@echo "  $(BIN) client --connect $(LISTEN) -- BAL 7"
	@echo "The same over REST, described on http://$(HTTP)/docs:"
	@echo "  curl http://$(HTTP)/api/v1/orders -H 'X-Account: 7' -d '{\"symbol\":\"BTC-USD\",\"order_type\":\"limit\",\"side\":\"buy\",\"quantity\":\"0.1\",\"price\":\"64000.00\"}'"
	@echo "  curl http://$(HTTP)/api/v1/orders -H 'X-Account: 7'"
	@echo "Ctrl-C stops it; what was acknowledged is there again at the next start."
	@echo
	@exec $(BIN) serve --data $(DATA) --listen $(LISTEN) --http $(HTTP) --config config/cashup.yaml --auth off

build: deps
	@$(BUILD) --product cashup
	@$(MAKE) --no-print-directory docs-assets

# Swagger UI for /docs, out of a package of PyPI that carries its files. Not essential: without it the page says how to get it.
UI = .build/swagger-ui
docs-assets:
	@test -e $(UI)/swagger-ui-bundle.js || { \
		rm -rf $(UI).download; mkdir -p $(UI).download; \
		python3 -m pip --version > /dev/null 2>&1 || { $(call install,python3-pip); }; \
		python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d $(UI).download drf-spectacular-sidecar 2> $(UI).download/log \
		&& python3 -m zipfile -e $(UI).download/*.whl $(UI).download \
		&& mkdir -p $(UI) && cp $(UI).download/drf_spectacular_sidecar/static/drf_spectacular_sidecar/swagger-ui-dist/* $(UI) \
		|| { tail -n 2 $(UI).download/log; echo "Swagger UI could not be fetched: /docs will be a plain page. make docs-assets tries again."; }; \
		rm -rf $(UI).download; \
	}

# Everything: unit tests, every benchmark with small numbers and the simulator beside them, which no clock disturbs, then end to end with the Python
# client. The last line has the counts.
test: deps test-deps
	@$(BUILD) --build-tests
	@$(BUILD) --product cashup
	@$(BUILD) --product simulate
	@mkdir -p .build/test
	@failed=0; \
	$(MAKE) --no-print-directory -s test-swift > .build/test/swift.log 2>&1 || failed=1; \
	[ $$failed = 0 ] || grep -E '^.{1,4}(Test|Suite).*(failed|recorded an issue)|error:|Fatal|crash' .build/test/swift.log | grep -v ' 0 failures' | cut -c1-400; \
	swift_counts=$$(grep -E 'Test run with' .build/test/swift.log | tail -1 | sed 's/^[^T]*//'); \
	[ $$failed = 0 ] || tail -n 20 .build/test/swift.log | cut -c1-400; \
	$(MAKE) --no-print-directory -s test-simulate > .build/test/simulate.log 2>&1 & simulation=$$!; \
	$(MAKE) --no-print-directory -s test-perf > .build/test/perf.log 2>&1 || { failed=1; tail -n 30 .build/test/perf.log | cut -c1-400; }; \
	wait $$simulation || { failed=1; tail -n 100 .build/test/simulate.log | cut -c1-400; }; \
	simulate_counts=$$(grep -E '^[0-9]+ runs in' .build/test/simulate.log | head -1 | cut -d: -f1); \
	grep -q '^simulation: ok' .build/test/simulate.log || simulate_counts=failed; \
	grep -q '^small benchmarks: ok' .build/test/perf.log && perf_counts=ok; \
	$(MAKE) --no-print-directory -s test-python 2>&1 | tee .build/test/python.log; \
	python_counts=$$(grep -E '(passed|failed|error).* in [0-9]' .build/test/python.log | tail -1 | tr -d '='); \
	grep -q '^python tests: ok' .build/test/python.log || failed=1; \
	echo "Swift: $${swift_counts:-did not finish} | simulation: $${simulate_counts} | small benchmarks: $${perf_counts:-failed} | Python: $${python_counts:-did not finish}"; \
	exit $$failed

test-swift:
	@# One at a time: tests that block on a socket take threads of the pool that verifies tokens; on two cores two of them starve it.
	@$(SWIFT) test -c release --skip-build --no-parallel

# pytest of whichever Python has it; else a virtual environment in .venv; else the distribution's.
PYTESTS = $(wildcard Tests/EndToEnd Tests/Perf clients/python/tests)
test-python:
	@python=; \
	for candidate in .venv/bin/python python3 /usr/bin/python3; do \
		if "$$candidate" -c 'import pytest' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ] && python3 -m venv .venv 2>/dev/null && .venv/bin/python -m pip install -q pytest; then \
		python=.venv/bin/python; \
	fi; \
	if [ -z "$$python" ]; then $(call install,python3-pytest) && python=/usr/bin/python3; fi; \
	if [ -z "$$python" ]; then exit 1; fi; \
	PYTHONPATH=clients/python CASHUP_BIN=$(CURDIR)/$(BIN) CASHUP_BENCH=$(CURDIR)/$(BENCH) CASHUP_SCHEMATHESIS=$(CURDIR)/$(SCHEMATHESIS) "$$python" -m pytest -q -p no:cacheprovider $(PYTESTS) && echo "python tests: ok"

# --- The simulator (docs/RELIABILITY.md): the real service over a simulated disk, network and clock. One seed makes a whole run.

SIMULATE = .build/release/simulate
# make simulate SEED=4711 repeats one run; make simulate SECONDS=600 FROM=1000 runs seed after seed.
simulate: deps
	@$(BUILD) --product simulate
	@$(SIMULATE) $(if $(SEED),--seed $(SEED) $(FLAGS),--seconds $(or $(SECONDS),60) --from-seed $(or $(FROM),1) $(FLAGS))

# Part of `make test`: sixty runs, from a seed on that follows from the commit, and one of them twice, which must do the same. Out of a range in which
# every seed was well when docs/RELIABILITY.md was written, so that red means a change; other code makes other worlds of the same seeds.
test-simulate:
	@from=$$(( 500000 + 0x$$(git rev-parse HEAD 2> /dev/null | cut -c1-6 | grep . || echo 1) % 60 )); last=$$(( from + 59 )); began=$$(date +%s); \
	for seed in $$(seq $$from $$last); do \
		$(SIMULATE) --seed $$seed > .build/test/simulate.last || { cat .build/test/simulate.last; exit 1; }; \
	done; \
	echo "60 runs in $$(( $$(date +%s) - began )) s: seeds $$from to $$last"; \
	$(SIMULATE) --seed $$from > .build/test/simulate.first && $(SIMULATE) --seed $$from > .build/test/simulate.second && \
	[ "$$(grep '^seed' .build/test/simulate.first)" = "$$(grep '^seed' .build/test/simulate.second)" ] \
	&& echo "simulation: ok"

# Deliberate bugs, one at a time: each must be found. Half an hour.
mutants:
	@python3 Tests/Simulator/mutants.py

# --- Benchmarks (docs/PERFORMANCE.md). On a machine with nothing else to do.

# PerfTests is a package of its own but is built in the same place: SwiftNIO is then compiled once. The build plans must not be cached for that.
BENCH = .build/release/cashup-bench
bench: build
	@$(BUILD) --package-path PerfTests --scratch-path .build --disable-build-manifest-caching --product cashup-bench

# Everything but the peers: a table here, .build/perf/report.json and report.html. About eight minutes.
perf: bench
	@$(BENCH) run --server $(BIN) --output .build/perf

# One lone durable order, pipelined orders, and their limits. Three minutes.
perf-quick: bench
	@$(BENCH) run --server $(BIN) --output .build/perf-quick --only disk closed

# How the last `make perf` compares with an earlier report: make perf-compare BASE=docs/perf/report.json
perf-compare: bench
	@test -n "$(BASE)" || { echo "Name the report to compare with: make perf-compare BASE=docs/perf/report.json" >&2; exit 64; }
	@$(BENCH) compare $(BASE) .build/perf/report.json

# Every benchmark with small numbers, as part of `make test`, so that none can rot. The peers where they are installed: `make test` brings no
# database to a machine that has none (CI does). FastAPI is part of `rest`, which leaves it out, and says so, where its packages are not there.
test-perf: bench
	@peers=peers; $(peers-are-there) || { peers=; echo "small benchmarks: peers left out, PostgreSQL and Redis are not both installed"; }; \
	$(BENCH) run --small --server $(BIN) --directory .build/test/perf --output .build/test/perf --only core match wal disk closed open workloads rest history $$peers \
	&& echo "small benchmarks: ok"

# The same, and PostgreSQL, Redis and FastAPI doing the service's job, in turns with it; some twelve minutes. They are installed if they are not there.
perf-peers: bench peer-deps
	@$(BENCH) run --server $(BIN) --output .build/perf-peers --only disk closed rest peers

# --- Proof (docs/RELIABILITY.md). Each of these builds all or a part of the sources anew, in a place of its own.

# Coverage-guided, each target for so long: make fuzz SECONDS=600 TARGETS="Segments Records"
SECONDS ?= 60
TARGETS ?=
fuzz: deps
	@Tests/Fuzz/fuzz.sh $(SECONDS) $(TARGETS)

# The Swift tests under the address and the thread sanitizer; suppressions are in Tests/Sanitizers, each with its reason.
SANITIZED = --no-parallel --filter '^(CoreTests|WALTests|ServerTests|ClientTests)\.'
sanitize: deps
	@$(BUILD) --build-tests --sanitize address --scratch-path .build-asan
	@ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test -c release --skip-build --sanitize address --scratch-path .build-asan $(SANITIZED)
	@$(BUILD) --build-tests --sanitize thread --scratch-path .build-tsan
	@TSAN_OPTIONS="suppressions=$(CURDIR)/Tests/Sanitizers/thread.txt" $(SWIFT) test -c release --skip-build --sanitize thread --scratch-path .build-tsan $(SANITIZED)
	@echo "sanitizers: ok"

# Lines that the Swift tests run, by target; and those they do not run: make coverage UNCOVERED="Core WAL"
UNCOVERED ?=
COVERAGE = .build-coverage/release
coverage: deps
	@$(BUILD) --build-tests --enable-code-coverage --scratch-path .build-coverage
	@$(SWIFT) test -c release --skip-build --enable-code-coverage --no-parallel --scratch-path .build-coverage > .build-coverage/tests.log 2>&1 || { tail -n 20 .build-coverage/tests.log; exit 1; }
	@python3 Tests/coverage.py $(COVERAGE)/codecov/default.profdata $(COVERAGE)/cashupPackageTests.xctest --uncovered $(UNCOVERED)

# The real service, killed again and again under load: make kill-storm KILLS=1000
KILLS ?= 300
kill-storm: build
	@python3 Tests/EndToEnd/kill_storm.py --kills $(KILLS)

clean:
	rm -rf .build .build-fuzz .build-asan .build-tsan .build-coverage .venv .venv-peers .venv-schemathesis

# What is not there of: libzstd, libedit and SQLite with headers, pkg-config, xz, zstd. Nothing is installed when nothing is missing.
deps:
	@missing=; \
	test -e /usr/include/zstd.h            || missing="$$missing libzstd-dev"; \
	test -e /usr/include/editline/readline.h || missing="$$missing libedit-dev"; \
	test -e /usr/include/sqlite3.h         || missing="$$missing libsqlite3-dev"; \
	command -v pkg-config > /dev/null || missing="$$missing pkg-config"; \
	command -v xz > /dev/null         || missing="$$missing xz-utils"; \
	command -v zstd > /dev/null       || missing="$$missing zstd"; \
	command -v $(SWIFT) > /dev/null   || { echo "Swift 6.2 or later is needed: https://www.swift.org/install" >&2; exit 1; }; \
	if [ -n "$$missing" ]; then $(call install,$$missing); fi

# For tests alone: a clock that can be set back, certificates, Prometheus' own check of what is offered to it, a tester of OpenAPI documents.
SCHEMATHESIS = .venv-schemathesis/bin/schemathesis
test-deps:
	@missing=; \
	command -v faketime > /dev/null || missing="$$missing faketime"; \
	command -v openssl > /dev/null || missing="$$missing openssl"; \
	if [ -n "$$missing" ]; then $(call install,$$missing); fi; \
	if ! command -v promtool > /dev/null; then $(call install,prometheus); $(call stop-services,prometheus); fi
	@# From PyPI, in a virtual environment of its own: whichever Python has pytest is not ours to change. Its test is left out where PyPI is not there.
	@if ! $(SCHEMATHESIS) --version > /dev/null 2>&1; then \
		echo "Installing schemathesis into .venv-schemathesis"; \
		( /usr/bin/python3 -m venv --clear .venv-schemathesis 2> /dev/null || python3 -m venv --clear .venv-schemathesis 2> /dev/null \
			|| { $(call install,python3 python3-venv) && /usr/bin/python3 -m venv --clear .venv-schemathesis; } ) \
		&& .venv-schemathesis/bin/python -m pip install -q -r Tests/EndToEnd/schemathesis.txt \
		|| echo "schemathesis cannot be installed: the test of the REST API with it will be skipped" >&2; \
	fi

postgresql-is-there = { ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || command -v initdb > /dev/null; }
peers-are-there = { $(postgresql-is-there) && command -v redis-server > /dev/null; }
# For peers alone. FastAPI runs in the distribution's Python if there is one: it is built with optimisations, one of a developer's own often is not.
# Debian's packages start a service each: what this installation started is stopped again and does not start at boot; the bench
# runs processes of its own. Services of what was installed before are left alone.
peer-deps:
	@missing=; \
	$(postgresql-is-there) || missing="$$missing postgresql"; \
	command -v redis-server > /dev/null || missing="$$missing redis-server"; \
	if [ -n "$$missing" ]; then $(call install,$$missing); $(call stop-services,$$missing); fi
	@.venv-peers/bin/python -c 'import fastapi, uvicorn, uvloop, httptools, sqlalchemy, asyncpg, jwt' 2> /dev/null || { \
		echo "Installing FastAPI and what the peer needs beside it into .venv-peers"; \
		/usr/bin/python3 -m venv --clear .venv-peers 2> /dev/null || python3 -m venv --clear .venv-peers 2> /dev/null \
			|| { $(call install,python3 python3-venv) && /usr/bin/python3 -m venv --clear .venv-peers; }; \
		.venv-peers/bin/python -m pip install -q -r PerfTests/Peers/fastapi/requirements.txt; \
	}

# Shell: stops the services that Debian's packages have started, now and at boot.
define stop-services
for service in $(1); do \
	if [ -d /run/systemd/system ]; then $$sudo systemctl disable --now $$service; else $$sudo service $$service stop; fi > /dev/null 2>&1 || true; \
done
endef

# Shell: installs Debian packages, as root or by sudo; says what is missing when it cannot.
define install
if ! command -v apt-get > /dev/null; then \
	echo "Missing:" $(1) "(Debian's names). Install them with your package manager and try again." >&2; exit 1; \
fi; \
if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo > /dev/null; then sudo=sudo; \
else echo "Missing, and neither root nor sudo to install them: apt-get install" $(1) >&2; exit 1; fi; \
echo "Installing" $(1); \
$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(1) \
	|| { $$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(1); } \
	|| { echo "Could not install:" $(1) >&2; exit 1; }
endef
