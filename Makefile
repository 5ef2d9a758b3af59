# Nothing but Python 3.11+ and make is needed; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install demo test prove soak control-plane rollouts-controller model-endpoint check eval bench picture format lock clean

install: $(VENV)/.runtime

$(VENV)/bin/python:
	@echo "make: creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "make: installing what twokey needs (pinned, with hashes) into $(VENV)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "make: installing what the tests and checks need (pinned, with hashes) into $(VENV)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.runtime
	@$(BIN)/twokey demo $(ARGS)

# Three at once on two cores: nearly a third of the time a test waits for a page, a process or a timer.
test: $(VENV)/.dev
	@$(BIN)/python -m pytest -n 3 --dist worksteal --ignore tests/cluster --ignore tests/hostile $(ARGS)

# What uses a store, once more on a PostgreSQL server that the tests start.
ON_POSTGRES := tests/approvals tests/bot/test_inbox.py tests/bot/test_projector.py tests/bot/test_conversation.py tests/bot/test_books.py tests/bot/test_readings.py

# The long proofs: a real control plane, a real model, PostgreSQL, crashes, races and soaks.
prove: $(VENV)/.dev
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests/cluster tests/hostile $(ARGS)
	@TWOKEY_TEST_STORE=postgres $(BIN)/python -m pytest -n 2 --dist worksteal $(ON_POSTGRES) $(ARGS)

# Races and soak in full, which `make prove` runs in small: half an hour on two quiet cores.
soak: $(VENV)/.dev
	@TWOKEY_SOAK=2000 TWOKEY_ROUNDS=10000 $(BIN)/python -m pytest -s tests/hostile/test_soak.py tests/hostile/test_races.py -o faulthandler_timeout=0 $(ARGS)

# Builds a real Kubernetes control plane for `make prove`, once, outside the work tree; prints the folder of its programs.
control-plane:
	@tests/cluster/control-plane/build

# Builds Argo Rollouts' own controller, which tests/cluster/test_rollouts.py uses in place of a stand-in where
# TWOKEY_TEST_ROLLOUTS names its folder; once, outside the work tree; prints that folder.
rollouts-controller:
	@tests/cluster/rollouts-controller/build

# Builds the server of a real and very small model for `make prove`, once, outside the work tree; prints its folder.
# `$(make -s model-endpoint)/bin/serve --port 8000` starts it, and OPENAI_BASE_URL=http://127.0.0.1:8000/v1 uses it.
model-endpoint:
	@PYTHON=$(PYTHON) tests/hostile/model-endpoint/build

check: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

# How sentences are read: a table here, eval.csv and eval.html in build/.
eval: $(VENV)/.runtime
	@mkdir -p build
	@$(BIN)/twokey eval run reading --csv build/eval.csv --html build/eval.html $(ARGS)

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.bench $(ARGS)

# The README's screenshot, taken from the product in Debian's chromium.
picture: $(VENV)/.dev
	@TWOKEY_PICTURE=docs/playground.png $(BIN)/python -m pytest tests/browser/test_product.py -k new_user
	@ls -l docs/playground.png

format: $(VENV)/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Needs uv on the PATH. Writes no index into the files.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --extra build -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --extra build --extra dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist *.egg-info
