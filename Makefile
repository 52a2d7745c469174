# pg_live: the two commands, and what a developer calls in between.
#
#   make demo    a private cluster, the bridge and a page, on a machine that has only git and make
#   make check   every check there is; closes with "N passed, N failed"
#
# all, install, installcheck, uninstall are those of PGXS (extension/Makefile) and of the bridge (bridge/Makefile). Where
# the bridge's libraries are missing, all builds the extension alone; install takes the bridge along if it was built.
# PG_CONFIG chooses the server; PG_MAJOR=17 does so among those that Debian installs side by side.

ifdef PG_MAJOR
PG_CONFIG ?= /usr/lib/postgresql/$(PG_MAJOR)/bin/pg_config
endif
PG_CONFIG ?= pg_config
export PG_CONFIG

.PHONY: all extension bridge bridge-if-possible install uninstall installcheck demo check dependencies lint format unit clean

all: extension bridge-if-possible

extension bridge:
	$(MAKE) -C $@

bridge-if-possible:
	@if $(MAKE) --no-print-directory -C bridge can-build; then $(MAKE) -C bridge; else echo "pg_live: the bridge is not built" >&2; fi

install:
	$(MAKE) -C extension install
	@if [ -x bridge/pg-live-bridge ]; then $(MAKE) -C bridge install; fi

uninstall:
	$(MAKE) -C extension uninstall
	$(MAKE) -C bridge uninstall

installcheck:
	$(MAKE) -C extension installcheck

# A recipe of one plain command is run by make without a shell between: a signal to make reaches the script.
demo:
	@bridge/demo

check:
	@test/check $(LANES)

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
