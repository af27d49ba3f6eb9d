// Session settings that travel with statements whose meaning depends on them.
#include "shardext/remote/session_settings.hpp"

extern "C" {
#include "storage/proc.h"
#include "utils/guc.h"
}

namespace shardext {

namespace {

constexpr const char *kTravelling[] = {
	"TimeZone",	  "DateStyle", "IntervalStyle",			"lc_monetary",
	"lc_numeric", "lc_time",   "bytea_output",			"extra_float_digits",
	"xmlbinary",  "xmloption", "timezone_abbreviations"};

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

void send_lock_timeout(Connection *c) {
	if (c->lock_timeout == LockTimeout)
		return;
	char sql[48];
	snprintf(sql, sizeof sql, "SET lock_timeout = %d", LockTimeout);
	send_control(c, sql);
	c->lock_timeout = LockTimeout;
}

void forget_settings(Connection *c) {
	free(c->settings);
	c->settings = nullptr;
	c->lock_timeout = -1;
}

} // namespace shardext
