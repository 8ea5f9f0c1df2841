# Thin aliases; run.py does the work.
PYTHON ?= python3
BIN = .venv/bin
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" pyproject.toml

.PHONY: help demo test check lock clean
help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile
demo: ## the portal with demo data
	$(PYTHON) run.py demo
test: ## the tests
	$(PYTHON) run.py test
check: test ## everything that must hold before a change lands
	./.ci/check
lock: ## write requirements/*.lock anew from pyproject.toml
	$(COMPILE) --extra dev --extra demo -o requirements/dev.lock
	$(COMPILE) -c requirements/dev.lock -o requirements/prod.lock
clean: ## stop the embedded databases, remove what was installed and built
	-$(PYTHON) run.py db stop
	-PORTAL_PGDATA=var/testpg $(PYTHON) run.py db stop
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
