# Everything a developer runs. The first two are all that a newcomer needs: make e2e, make test.
# Progress goes to standard error, so that `make e2e ARGS=--json` writes JSON only.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup .environment e2e test test-slow chaos bench lint audit .audit format lock clean soak
.PHONY: test-second-sqs .second-sqs .second-sqs-lock

# The first Python on PATH that is new enough; looked for only when .venv has to be made.
PYTHON ?= $(or $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$name" && break; done),python3)
# Flags for the command: make e2e ARGS="--messages 2000 --keep"
ARGS ?=
# make lock UPGRADE=--upgrade takes the newest versions; otherwise those that still fit are kept.
UPGRADE ?=
UV_COMPILE = .venv/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

help:
	@echo 'make e2e     set everything up and run the main job on the embedded AWS (flags: ARGS="...")'
	@echo 'make test    set everything up and run the tests (flags for pytest: ARGS="...")'
	@echo 'make test-slow'
	@echo '             the tests that are left out of it: each whole run once more, another way'
	@echo 'make chaos   what breaks in and around a run is broken on purpose: docs/reliability.md'
	@echo 'make soak    the main job for ten minutes: exact each time, and nothing grows'
	@echo 'make bench   measure everything against its baselines, ten minutes on a quiet machine'
	@echo 'make setup   only set up: .venv, the Pulumi engine'
	@echo 'make test-second-sqs'
	@echo '             set everything up and run the commands on a second SQS: CONTRIBUTING.md'
	@echo 'make lint    ruff, pyright, import directions, bandit, zizmor'
	@echo 'make audit   look up known weaknesses of what is pinned; needs a network'
	@echo 'make format  let ruff rewrite the code'
	@echo 'make lock    resolve the dependencies anew into the lock files'
	@echo 'make clean   remove .venv, .build and the caches; the engine in ~/.pulumi stays'

setup:
	@test "$$(cat .venv/.installed-requirements.lock 2>/dev/null)" = "$$(cat requirements.lock)" \
		&& .venv/bin/python -c '' 2>/dev/null || $(MAKE) .environment
	@.venv/bin/python -m automation.engine

.environment:
	@python="$(PYTHON)"; command -v "$$python" >/dev/null || { \
		echo "setup: Python 3.11 or newer is needed and $$python is not found; name one:" \
		"make setup PYTHON=/path/to/python3" >&2; exit 2; }; "$$python" tools/environment.py

e2e: setup
	@.venv/bin/python automation/e2e.py $(ARGS)

# As many processes as tests/conftest.py says; each takes one file after the other, in its order.
# Hundreds of Pythons are started: each would compile everything anew where none may keep its work.
test test-slow chaos: export PYTHONDONTWRITEBYTECODE =
test: MARKED := not slow
test-slow: MARKED := slow
RUN_TESTS = .venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
test test-slow: setup
	@$(RUN_TESTS) -m "$(MARKED)" $(ARGS)

chaos: setup
	@$(RUN_TESTS) tests/chaos $(ARGS)

soak: setup
	@.venv/bin/python -m benchmarks.soak $(ARGS)

bench: setup
	@.venv/bin/python -m benchmarks $(ARGS)

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright
	.venv/bin/lint-imports
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive \
		automation benchmarks components examples functions plugin tools __main__.py
	.venv/bin/zizmor --offline --quiet --no-progress .github

# In an environment of its own: nothing else here needs its packages. --strict, because a package
# that can't be looked up, as without a network, is otherwise only mentioned.
AUDIT := .build/audit
AUDIT_LOCK := tools/audit/requirements.lock

audit: setup
	@cmp -s $(AUDIT_LOCK) $(AUDIT)/.installed-requirements.lock \
		&& $(AUDIT)/bin/python -c '' 2>/dev/null || $(MAKE) .audit
	@for lock in requirements.lock tools/go/requirements.lock $(AUDIT_LOCK); do \
		echo "known weaknesses of what $$lock pins" >&2; \
		$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
			--requirement "$$lock" || exit; done

.audit:
	@.venv/bin/uv venv --quiet --clear --python .venv/bin/python $(AUDIT)
	@.venv/bin/uv pip sync --quiet --python $(AUDIT)/bin/python --require-hashes $(AUDIT_LOCK)
	@cp $(AUDIT_LOCK) $(AUDIT)/.installed-requirements.lock

# The second SQS has an environment of its own: its packages don't go with ours, and it needs this
# Python. pyenv's are looked for too, since its `python3.13` refuses where another one is chosen.
SECOND_SQS := .build/second-sqs
SECOND_SQS_LOCK := tests/second_sqs/requirements.lock
SECOND_SQS_PYTHON ?= $(or $(shell for python in python3.13 python3 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13.*/bin/python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null \
	&& echo "$$python" && break; done),3.13)

test-second-sqs: setup
	@cmp -s $(SECOND_SQS_LOCK) $(SECOND_SQS)/.installed-requirements.lock \
		&& $(SECOND_SQS)/bin/python -c '' 2>/dev/null || $(MAKE) .second-sqs
	@.venv/bin/python -m pytest tests/second_sqs $(ARGS)

# The lock is copied last: it stands for a complete environment. Where there is no such Python, uv
# downloads one.
.second-sqs:
	@echo "making $(SECOND_SQS) with $(SECOND_SQS_PYTHON)" >&2
	@.venv/bin/uv venv --quiet --clear --python "$(SECOND_SQS_PYTHON)" $(SECOND_SQS)
	@.venv/bin/uv pip sync --quiet --python $(SECOND_SQS)/bin/python --require-hashes \
		$(SECOND_SQS_LOCK)
	@cp $(SECOND_SQS_LOCK) $(SECOND_SQS)/.installed-requirements.lock

# It names no upper bounds, and breaks with what came after it: that of its days is taken.
.second-sqs-lock: setup
	.venv/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.13 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --exclude-newer 2026-04-01 \
		tests/second_sqs/requirements.in -o $(SECOND_SQS_LOCK)

lock: .second-sqs-lock

format: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: setup
	$(UV_COMPILE) --extra operations --extra local --group dev pyproject.toml -o requirements.lock
	$(UV_COMPILE) --no-annotate tools/go/requirements.in -o tools/go/requirements.lock
	$(UV_COMPILE) --no-annotate tools/audit/requirements.in -o $(AUDIT_LOCK)

clean:
	rm -rf .venv .build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
