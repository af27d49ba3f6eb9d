# What a developer asks for by name: a demonstration, a cluster to play with, the tests.
tools = $(here)/test/tools
NODES ?= 2

.PHONY: bench-point bench-transactions bench-analytics fuzz walk soak prepare quickstart quickstart-stop cluster cluster-stop psql check help

prepare:
	@$(tools)/prepare

quickstart:
	@$(tools)/quickstart

quickstart-stop:
	@$(tools)/cluster stop $(here)/build/quickstart

cluster:
	@$(MAKE) -s --no-print-directory all
	@$(tools)/install
	@$(tools)/cluster stop $(here)/build/cluster
	@$(tools)/cluster start $(here)/build/cluster --nodes $(NODES)
	@$(tools)/cluster status $(here)/build/cluster

cluster-stop:
	@$(tools)/cluster stop $(here)/build/cluster

bench-point:
	@$(tools)/install
	@$(here)/test/bench/point_select

bench-transactions:
	@$(tools)/install
	@$(here)/test/bench/transactions

# ARGS: options of test/bench/analytics/run.py, such as ARGS="--scale 0.05 --layout spread"
bench-analytics:
	@$(tools)/install
	@$(here)/test/bench/analytics/run $(ARGS)

# SECONDS: how long; ARGS: options of test/fuzz/fuzz.py, such as ARGS="--seed 7"
fuzz:
	@$(tools)/install
	@SECONDS_TO_RUN=$(or $(SECONDS),600) $(here)/test/fuzz/run.sh $(ARGS)

# ARGS: options of test/faults/walk.py, such as ARGS="--only cursor" or ARGS="--only copy:12:cut"
walk:
	@$(tools)/install
	@$(here)/test/faults/by_hand.sh walk $(ARGS)

# ARGS: options of test/faults/bank.py, such as ARGS="--seed 7 --consistent-reads off"
soak:
	@$(tools)/install
	@$(here)/test/faults/by_hand.sh bank --seconds $(or $(SECONDS_TO_RUN),1800) $(ARGS)

psql:
	@$(tools)/cluster psql $(here)/build/cluster

# PGXS has a target of this name, which only says that it is not supported. The last rule for a target
# counts, with a warning; so other goals need not see it.
ifneq (,$(filter check,$(MAKECMDGOALS)))
check:
	@exec env T='$(T)' $(tools)/check
endif

help:
	@echo 'make                   build the extension (WERROR=1: warnings are errors, ASSERTS=1: with assertions)'
	@echo 'make install           install it into the PostgreSQL of PG_CONFIG'
	@echo 'make prepare           install the packages that building and testing need (Debian 12)'
	@echo 'make quickstart        build, start a coordinator and two nodes, load a demo and show it'
	@echo 'make quickstart-stop   stop and remove that cluster'
	@echo 'make cluster           the same with an empty database, for development (NODES=2)'
	@echo 'make psql              psql on the development cluster'
	@echo 'make cluster-stop      stop and remove the development cluster'
	@echo 'make check             run all tests (T=suite, T=suite/test or T=test: run some)'
	@echo 'make bench-point       latency of a SELECT by key, through the coordinator and straight on a node'
	@echo 'make bench-transactions transfers and sums, against a plain server'
	@echo 'make bench-analytics   78 analytical questions, against a plain server (ARGS="--scale 0.05")'
	@echo 'make fuzz              random queries, compared with a plain database (SECONDS=600)'
	@echo 'make walk              every message and step of a commit goes wrong in every way (ARGS="--only cursor")'
	@echo 'make soak              a bank under fire, and readers who add it up (SECONDS_TO_RUN=1800)'
	@echo 'make unit              run the unit tests that need no server'
	@echo 'make format            format the sources'
	@echo 'make lint              check format and rules of the sources'
