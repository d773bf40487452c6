# Every target makes what it needs: .venv comes from a lock file with hashes, by .ci/venv.py.
PORT ?= 8000
VENV := .venv/bin/python
# Of make chaos.
MINUTES ?= 5
# xdist workers; a server and a test run share a machine well with two.
JOBS ?= 2

# The tested versions first; any newer one will do.
define FIND_PYTHON
for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$name; break; fi; \
done; \
if [ -z "$$found" ]; then \
	echo "Ordergraph needs Python 3.11 or newer, and none was found (looked for python3, python3.13, python3.12, python3.11): install one, or name it with make PYTHON=/path/to/python3." >&2; \
	exit 1; \
fi
endef

.DEFAULT_GOAL := help
.PHONY: help demo install test check format bench chaos lock runtime development

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target text; do \
		printf '  make %-8s %s\n' "$$target" "$$text"; done

demo: runtime ## Start it with sample data on http://127.0.0.1:8000 (PORT=8000)
	@exec $(VENV) -m gateway.cli demo --port $(PORT) --until-parent-ends

install: development ## Make .venv with all that development needs

test: check ## Everything CI runs: make check, then the tests (ARGS= is passed to pytest)
	@exec $(VENV) -m pytest -n $(JOBS) $(ARGS)

check: development ## Lint, format, types, import layers
	@echo 'ruff check' && $(VENV) -m ruff check --quiet .
	@echo 'ruff format' && $(VENV) -m ruff format --quiet --check .
	@echo 'mypy --strict' && $(VENV) -m mypy --no-error-summary
	@echo 'import layers' && $(VENV) .venv/bin/lint-imports --no-logo >.venv/layers.log 2>&1 || { cat .venv/layers.log; exit 1; }
	@$(VENV) -m tests.contract.papers

format: development ## Let ruff fix and format
	@$(VENV) -m ruff check --quiet --fix . ; $(VENV) -m ruff format .

bench: development ## Measure; prints what was measured
	@$(VENV) -m tests.benchmarks && $(VENV) -m tests.benchmarks.ingest && $(VENV) -m tests.benchmarks.marks && \
		$(VENV) -m tests.benchmarks.connectors && exec $(VENV) -m tests.benchmarks.realtime

chaos: development ## Harm real processes for MINUTES=5 and compare every client with SQL (SEED=)
	@exec $(VENV) -m tests.chaos $(MINUTES) $(SEED)

lock: development ## Pin the dependencies anew (needs uv and the package index)
	@$(VENV) .ci/lock.py --upgrade

# Asked every time: it is quick, and notices a moved folder or a Python that is gone.
runtime:
	@$(FIND_PYTHON); exec "$$found" .ci/venv.py requirements.lock

development:
	@$(FIND_PYTHON); exec "$$found" .ci/venv.py requirements-dev.lock
