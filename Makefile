# `make help` lists what there is. Everything runs in .venv, which is made when it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
EXAMPLE := examples/7.png

.DEFAULT_GOAL := help
.PHONY: help run page reproduce reproduce-best shipped bench docs test test-slow test-web wheels test-wheels lint format lock clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: .venv/product ## train dense.yaml, evaluate it, write its report, read an example picture
	@$(BIN)/mnist run --config configs/dense.yaml
	@$(BIN)/mnist predict $(EXAMPLE)
	@echo
	@echo "Next: open artifacts/dense/report.html, then try"
	@echo "  $(BIN)/mnist predict YOUR_PICTURE.png --run shipped   your own digit"
	@echo "  $(BIN)/mnist run --config cnn.yaml                     the convolutional network"
	@echo "  $(BIN)/mnist --help                                    everything else"

page: .venv/product ## the shipped model as a page that reads what is drawn on it (takes Node.js and a minute)
	$(BIN)/mnist export shipped --to page
	@echo "Open artifacts/shipped/export/page.html: it needs no server and no network, on a phone neither"

reproduce: .venv/product ## train the reported recipes and their like over seeds; compare with band and report (half an hour)
	$(BIN)/mnist reproduce dense dense-10 tiny cnn cnn-fast dense-portable tiny-portable cnn-portable \
		--check --markdown artifacts/reproduce/table.md --plot artifacts/reproduce/seeds.png

reproduce-best: .venv/product ## train the most accurate and the smallest recipes (hours, in as many sittings as you like)
	$(BIN)/mnist reproduce cnn-fast cnn-small cnn-nano resnet vgg cnn-best \
		--markdown artifacts/reproduce/best.md --frontier artifacts/reproduce/frontier.png

shipped: .venv/product ## train configs/photo.yaml, evaluate it, and put the model into the package (half an hour)
	$(BIN)/mnist run --config configs/photo.yaml
	$(BIN)/python -m benchmarks.shipping artifacts/photo

test: lint ## lint, types and the whole fast test suite
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto --dist loadfile --no-loadscope-reorder

test-slow: .venv/develop ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

test-web: .venv/develop ## both pages in a browser, and the service under fuzz (two minutes)
	$(BIN)/python -m pytest -m slow tests/web tests/exports/test_drawn_page.py tests/exports/test_page_in_chromium.py

bench: .venv/product ## measure speed and memory beside plain Keras, into benchmarks/RESULTS.md (half an hour)
	$(BIN)/python -m benchmarks.bench

docs: .venv/product ## write the parts of docs/ that follow from the code: commands, settings, results
	$(BIN)/python -m docs.generate

wheels: .venv/develop ## build the packages mnist-kit and mnist-kit-core into dist/ and check them
	rm -rf dist
	$(BIN)/python -m hatchling build
	cd light && ../$(BIN)/python -m hatchling build --target wheel --directory ../dist
	$(BIN)/python -m twine check --strict dist/*

test-wheels: .venv/develop ## build both packages, install each outside of the clone and use it there (a minute)
	$(BIN)/python -m pytest -m slow tests/test_packaging.py -k "not downloaded"

lint: .venv/develop ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/develop ## let ruff format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# These two files mark when the packages were installed: as long as no lock is newer, make installs nothing.
.venv/product: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed, as TensorFlow has it: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
		exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the locked packages into .venv (a minute the first time)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

.venv/develop: requirements-dev.lock .venv/product
	@echo "installing the locked development tools into .venv"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

COMPILE = .venv/lock-tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --upgrade

lock: ## renew the locks from pyproject.toml, for Python 3.11 to 3.13
	@$(PYTHON) -m venv .venv/lock-tools && .venv/lock-tools/bin/pip --disable-pip-version-check install --quiet uv
	$(COMPILE) pyproject.toml --group build --output-file requirements.lock
	$(COMPILE) pyproject.toml --group build --group dev --extra all --constraint requirements.lock --output-file requirements-dev.lock

clean: ## take away the environment, dist/ and the caches; artifacts/ stays
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache
