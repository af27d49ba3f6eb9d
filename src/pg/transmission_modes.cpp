// Output settings for text that travels.
#include "shardext/pg/transmission_modes.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace shardext {

namespace {

void set_for_a_moment(const char *name, const char *value) {
	set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

} // namespace

int begin_transmission_modes() {
	const int level = NewGUCNestLevel();
	set_for_a_moment("datestyle", "ISO");
	set_for_a_moment("intervalstyle", "postgres");
	set_for_a_moment("extra_float_digits", "3");
	set_for_a_moment("bytea_output", "hex");
	set_parsing_modes();
	return level;
}

void set_parsing_modes() {
	set_for_a_moment("standard_conforming_strings", "on");
	set_for_a_moment("array_nulls", "on");
	set_for_a_moment("transform_null_equals", "off");
	set_for_a_moment("quote_all_identifiers", "off");
}

void end_transmission_modes(int level) {
	AtEOXact_GUC(true, level);
}

} // namespace shardext
