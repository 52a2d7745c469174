# pg_live: the two commands, and what a developer calls in between.
#
#   make demo    a private cluster, the bridge and a page, on a machine that has only git and make
#   make check   every check there is; closes with "N passed, N failed"
#
# all, install, installcheck, uninstall are those of PGXS (extension/Makefile) and of the bridge (bridge/Makefile).

PG_CONFIG ?= pg_config
export PG_CONFIG

.PHONY: all extension bridge install uninstall installcheck demo check dependencies lint format unit clean

all: extension bridge

extension bridge:
	$(MAKE) -C $@

install uninstall installcheck:
	$(MAKE) -C extension $@

# A recipe of one plain command is run by make without a shell between: a signal to make reaches the script.
demo:
	@bridge/demo

check:
	@test/check

dependencies:
	@.ci/dependencies check

lint:
	@test/lint

format:
	clang-format -i $$(git ls-files '*.cpp' '*.hpp')

unit:
	$(MAKE) -C test/bridge unit

clean:
	$(MAKE) -C extension clean
	$(MAKE) -C bridge clean
	$(MAKE) -C test/bridge clean
	rm -rf build
