# shardext: build, install and test. `make help` lists the targets.
here := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

EXTENSION  = shardext
EXTVERSION = 0.1
MODULE_big = shardext

# The install script is put together from one file a subject.
INSTALL_PARTS = $(sort $(wildcard $(here)/src/install/*.sql))
DATA_built    = shardext--$(EXTVERSION).sql
DATA          = $(wildcard $(here)/upgrades/shardext--*--*.sql)

SRCS = $(sort $(patsubst $(here)/%,%,$(wildcard $(here)/src/*.cpp $(here)/src/*/*.cpp)))
OBJS = $(SRCS:.cpp=.o)

PG_CONFIG  ?= pg_config
CXX         = g++
PG_CPPFLAGS = -I$(here)/include -isystem $(shell $(PG_CONFIG) --includedir-server) \
              -isystem $(shell $(PG_CONFIG) --includedir) -MMD -MP $(if $(ASSERTS),-DUSE_ASSERT_CHECKING)
PG_CXXFLAGS = -std=gnu++20 -Wall -Wextra -Wno-missing-field-initializers -fvisibility-inlines-hidden -fno-gnu-unique \
              $(if $(WERROR),-Werror)
SHLIB_LINK  = $(libpq) -lstdc++
EXTRA_CLEAN = $(OBJS:.o=.d) build/unit

override with_llvm := no
# The tools below run before PostgreSQL is installed.
tool_goals = prepare quickstart quickstart-stop cluster cluster-stop psql check help
ifneq (,$(filter-out $(tool_goals),$(or $(MAKECMDGOALS),all)))
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
endif

$(OBJS): | objdirs
objdirs: ; @mkdir -p $(sort $(dir $(OBJS)))
.PHONY: objdirs
-include $(OBJS:.o=.d)

shardext--$(EXTVERSION).sql: $(INSTALL_PARTS)
	@( printf '%s\n' '\echo Use "CREATE EXTENSION shardext" to load this file. \quit'; cat $^ ) > $@

include $(here)/make/unit.mk
-include $(here)/make/targets.mk
