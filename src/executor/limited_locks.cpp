// Locking as many rows as asked for, wherever they are.
//
// Each shard group gets the statement with a LIMIT of its own. Which groups have the first rows of an ORDER
// BY has been found out before, without locks. Where others hold locks that are skipped, a group may return
// fewer rows than expected: the next ones are asked for so many more, and at the end those that may have more
// are asked again (their rows are ours by then, so they come again).
#include "shardext/executor/limited_locks.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/array.h"
}

namespace shardext {

namespace {

GroupSet only_group(const ColocationGroup *colocation, int position) {
	GroupSet set = all_groups(colocation);
	memset(set.member, false, set.size);
	set.member[position] = true;
	set.count = 1;
	return set;
}

void ask(LockedRows::Part *part, const ScanPlan &plan, const ColocationGroup *colocation,
		 StatementParams params, TupleDesc desc) {
	const TaskSet tasks =
		make_tasks(colocation, only_group(colocation, part->position), plan.pieces, NIL, plan.suffix);
	if (!params.nulls[0])
		params.values[0] = Int64GetDatum(part->asked);
	StatementRequest request{};
	request.node = tasks.tasks[0].node;
	request.sql = tasks.tasks[0].sql;
	request.params = params;
	request.result = desc;
	request.scope = Scope::Write;
	request.needs_settings = plan.needs_settings;
	if (part->rows == nullptr)
		part->rows = tuplestore_begin_heap(false, false, work_mem);
	else
		tuplestore_clear(part->rows);
	part->returned = 0;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	RowStream *stream = open_stream(request);
	while (stream->next(slot)) {
		tuplestore_puttupleslot(part->rows, slot);
		part->returned++;
	}
	stream->close();
	ExecDropSingleTupleTableSlot(slot);
}

// The groups that may have rows, with the number of rows expected from each.
void list_parts(LockedRows *rows, const ColocationGroup *colocation, const GroupSet &groups,
				ArrayType *order) {
	auto *listed = static_cast<bool *>(palloc0(sizeof(bool) * (groups.size + 1)));
	if (order != nullptr) {
		Datum *ids;
		bool *nulls;
		int count;
		deconstruct_array(order, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids, &nulls,
						  &count);
		for (int i = 0; i < count; i++) {
			int position = 0;
			while (position < groups.size && colocation->groups[position].id != DatumGetInt64(ids[i]))
				position++;
			if (position == groups.size)
				continue;
			if (!listed[position]) {
				listed[position] = true;
				rows->parts[rows->count++] = {position, 0, 0, nullptr};
			}
			for (int p = 0; p < rows->count; p++)
				if (rows->parts[p].position == position)
					rows->parts[p].asked++;
		}
	}
	// Sessions begin at different groups, so that they do not all look at the same rows first.
	const int first = groups.size > 0 ? MyProcPid % groups.size : 0;
	for (int i = 0; i < groups.size; i++) {
		const int position = (first + i) % groups.size;
		if (groups.member[position] && !listed[position])
			rows->parts[rows->count++] = {position, 0, 0, nullptr};
	}
}

} // namespace

LockedRows *lock_rows(const ScanPlan &plan, const ColocationGroup *colocation, const GroupSet &groups,
					  StatementParams params, ArrayType *order, TupleDesc desc) {
	auto *rows = static_cast<LockedRows *>(palloc0(sizeof(LockedRows)));
	rows->parts = static_cast<LockedRows::Part *>(palloc0(sizeof(LockedRows::Part) * (groups.size + 1)));
	list_parts(rows, colocation, groups, order);
	if (params.nulls[0]) { // LIMIT NULL: all there are
		for (int p = 0; p < rows->count; p++)
			if (groups.member[rows->parts[p].position])
				ask(&rows->parts[p], plan, colocation, params, desc);
		return rows;
	}
	int64 missing = order == nullptr ? DatumGetInt64(params.values[0]) : 0;
	if (missing < 0) {
		ask(&rows->parts[0], plan, colocation, params, desc); // the error that PostgreSQL has for it
		return rows;
	}
	for (int p = 0; p < rows->count; p++) {
		LockedRows::Part *part = &rows->parts[p];
		part->asked += missing;
		if (part->asked == 0)
			continue;
		ask(part, plan, colocation, params, desc);
		missing = part->asked - part->returned;
	}
	for (int p = 0; p < rows->count && missing > 0; p++) {
		LockedRows::Part *part = &rows->parts[p];
		if (part->asked == 0 || part->returned < part->asked)
			continue;
		const int64 before = part->returned;
		part->asked += missing;
		ask(part, plan, colocation, params, desc);
		missing -= part->returned - before;
	}
	return rows;
}

bool next_locked_row(LockedRows *rows, TupleTableSlot *slot) {
	for (; rows->current < rows->count; rows->current++) {
		Tuplestorestate *store = rows->parts[rows->current].rows;
		if (store != nullptr && tuplestore_gettupleslot(store, true, false, slot))
			return true;
	}
	return false;
}

void rescan_locked_rows(LockedRows *rows) {
	rows->current = 0;
	for (int p = 0; p < rows->count; p++)
		if (rows->parts[p].rows != nullptr)
			tuplestore_rescan(rows->parts[p].rows);
}

void end_locked_rows(LockedRows *rows) {
	for (int p = 0; p < rows->count; p++)
		if (rows->parts[p].rows != nullptr)
			tuplestore_end(rows->parts[p].rows);
}

} // namespace shardext
