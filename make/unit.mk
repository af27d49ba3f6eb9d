# Unit tests of room core: pure C++, no server, with sanitizers.
UNIT_SRCS = $(sort $(wildcard $(here)/test/unit/*.cpp $(here)/src/core/*.cpp))

build/unit/unit_tests: $(UNIT_SRCS) $(wildcard $(here)/include/shardext/core/*.hpp $(here)/test/unit/*.hpp)
	@mkdir -p build/unit
	g++ -std=gnu++20 -Wall -Wextra -Werror -g -O1 -fsanitize=address,undefined -I$(here)/include \
	    -DBOOST_TEST_DYN_LINK $(UNIT_SRCS) -lboost_unit_test_framework -o $@

.PHONY: unit format lint
unit: build/unit/unit_tests
	build/unit/unit_tests --log_level=test_suite

format:
	clang-format -i $(wildcard $(here)/src/*.cpp $(here)/src/*/*.cpp $(here)/include/shardext/*/*.hpp $(here)/test/unit/*.cpp $(here)/test/unit/*.hpp)

lint:
	clang-format --dry-run -Werror $(wildcard $(here)/src/*.cpp $(here)/src/*/*.cpp $(here)/include/shardext/*/*.hpp $(here)/test/unit/*.cpp $(here)/test/unit/*.hpp)
	$(here)/test/tools/check_rooms
