# Both layers end with $(call bytecode,folder): what Lambda would otherwise compile at every cold start, which is more than
# half of the import. Only the runtime's own Python can do it. The hash is not checked, since a layer is read-only.
RUNTIME_PYTHON ?= python3.13

define bytecode
	find $(1) -name __pycache__ -type d -prune -exec rm -rf {} +
	@if $(RUNTIME_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; \
	then $(RUNTIME_PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash -s $(ARTIFACTS_DIR) -p /opt $(1); \
	else echo 'There is no Python 3.13 (RUNTIME_PYTHON=…): a layer without bytecode imports in twice the time'; fi
endef
