// Session settings that travel with statements whose meaning depends on them.
#include "shardext/remote/session_settings.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace shardext {

namespace {

constexpr const char *kTravelling[] = {"TimeZone",	  "DateStyle",		"IntervalStyle",
									   "lc_monetary", "lc_numeric",		"lc_time",
									   "bytea_output", "extra_float_digits", "xmlbinary",
									   "xmloption",	  "default_text_search_config",
									   "timezone_abbreviations"};

void set_for_a_moment(const char *name, const char *value) {
	set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

} // namespace

void send_session_settings(Connection *c) {
	StringInfoData sql;
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	const char *separator = "";
	for (const char *name : kTravelling) {
		appendStringInfo(&sql, "%spg_catalog.set_config('%s', %s, false)", separator, name,
						 quote_literal_cstr(GetConfigOption(name, false, false)));
		separator = ", ";
	}
	if (c->settings != nullptr && strcmp(c->settings, sql.data) == 0) {
		pfree(sql.data);
		return;
	}
	free(c->settings);
	c->settings = strdup(sql.data);
	send_control(c, sql.data);
	pfree(sql.data);
}

int begin_transmission_modes() {
	const int level = NewGUCNestLevel();
	set_for_a_moment("datestyle", "ISO");
	set_for_a_moment("intervalstyle", "postgres");
	set_for_a_moment("extra_float_digits", "3");
	set_for_a_moment("bytea_output", "hex");
	return level;
}

void end_transmission_modes(int level) { AtEOXact_GUC(true, level); }

} // namespace shardext
