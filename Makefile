# Two commands:
#   make run     run the main scenario; the tables land in results/huawei-ecosystem
#   make test    check everything: style, types, tests
# A third builds the manual as a site, build/site/index.html: make site
# All keep to a private .venv. Another interpreter: make run PYTHON=python3.12
#
# For maintainers: `make lock` resolves all dependencies anew and writes requirements-lock.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-lock.txt
EXTRAS := dashboard,analysis,calibration,discovery,cluster,docs,dev
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: run test site browser lock

run: $(VENV)/run.stamp
	$(BIN)/ecosim run huawei-ecosystem --out results/huawei-ecosystem

# Who is done takes over from the end of the other's tests, so that a module, and what it prepares, mostly stays with one.
test: $(VENV)/test.stamp browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy ecosim agents dashboards
	$(BIN)/pytest -n 2 --dist worksteal

site: $(VENV)/test.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "built: build/site/index.html"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ecosim needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# A stamp is as old as the last install; an edit of pyproject.toml or of the lock file installs again.
$(VENV)/run.stamp: pyproject.toml $(LOCK) | $(BIN)/python
	$(BIN)/python $(PIP_INSTALL) --constraint $(LOCK) --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml $(LOCK) | $(BIN)/python
	$(BIN)/python $(PIP_INSTALL) --constraint $(LOCK) --editable '.[$(EXTRAS)]'
	@touch $@ $(VENV)/run.stamp

# The dashboard's tests look at its pages in a browser.
browser:
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif command -v apt-get && { [ "$$(id -u)" = 0 ] || command -v sudo; }; then \
		echo 'Installing the Debian package chromium, in which the tests open the dashboard.' >&2; \
		as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
		$$as_root apt-get update -qq && \
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; \
	else echo 'No Chromium found: install one, the tests open the dashboard in it.' >&2; fi >/dev/null

lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python $(PIP_INSTALL) '.[$(EXTRAS)]'
	@{ echo '# Versions that CI installs, all extras, written by `make lock` on Linux; a constraints file, not a list to install.'; \
		build/lock/bin/python -m pip freeze --exclude ecosim; } > $(LOCK)
	rm -rf build/lock
