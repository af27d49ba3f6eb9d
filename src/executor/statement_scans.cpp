// Reads before writes within one statement.
#include "shardext/executor/statement_scans.hpp"

extern "C" {
#include "lib/ilist.h"
#include "utils/memutils.h"
}

namespace shardext {

namespace {

struct AnnouncedScan {
	dlist_node link;
	const EState *whole;
	CustomScanState *node;
	int32 colocation_id;
	bool (*start)(CustomScanState *);
};

dlist_head announced = DLIST_STATIC_INIT(announced);
const EState *statement = nullptr; // that is being started
uint64 writes = 0;

void withdraw(void *scan) {
	dlist_delete(&static_cast<AnnouncedScan *>(scan)->link);
}

} // namespace

const EState *whole_statement(const EState *estate) {
	return statement != nullptr ? statement : estate;
}

void start_as_part(const EState *whole, void (*body)(void *), void *argument) {
	const EState *const outer = statement;
	statement = whole;
	PG_TRY();
	{ body(argument); }
	PG_FINALLY();
	{ statement = outer; }
	PG_END_TRY();
}

void announce_scan(CustomScanState *node, int32 colocation_id, bool (*start)(CustomScanState *)) {
	EState *estate = node->ss.ps.state;
	auto *scan =
		static_cast<AnnouncedScan *>(MemoryContextAlloc(estate->es_query_cxt, sizeof(AnnouncedScan)));
	*scan = {{}, whole_statement(estate), node, colocation_id, start};
	dlist_push_tail(&announced, &scan->link);
	auto *callback = static_cast<MemoryContextCallback *>(
		MemoryContextAlloc(estate->es_query_cxt, sizeof(MemoryContextCallback)));
	callback->func = withdraw;
	callback->arg = scan;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, callback);
}

ScansLeft start_scans(const EState *whole, int32 colocation_id, const EState *source) {
	ScansLeft left;
	// (The macros for this are C only. The link is the first member.)
	for (dlist_node *link = announced.head.next; link != &announced.head; link = link->next) {
		auto *scan = reinterpret_cast<AnnouncedScan *>(link);
		if (scan->whole != whole || scan->colocation_id != colocation_id || scan->start(scan->node))
			continue;
		bool &part = scan->node->ss.ps.state == source ? left.own : left.others;
		part = true;
	}
	return left;
}

void start_other_scans(const EState *whole, int32 colocation_id) {
	if (start_scans(whole, colocation_id, nullptr).others)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg(
				"a data-modifying WITH clause is not supported on a distributed table yet when a correlated "
				"sub-query may read the same table"));
}

void count_write() {
	writes++;
}

uint64 writes_so_far() {
	return writes;
}

} // namespace shardext
