// TRUNCATE of tables with AFTER TRUNCATE triggers.
#include "shardext/commands/truncate_triggers.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/planner/user_triggers.hpp"

extern "C" {
#include "access/xact.h"
#include "commands/trigger.h"
#include "utils/relcache.h"
}

namespace shardext {

namespace {

struct Truncation {
	Truncation *outer;
	Oid relid; // a table with triggers, and its file before
	Oid file;
	int depth; // of triggers
	void (*shards)(void *);
	void *argument;
	SubTransactionId emptied_in; // where the shards have been emptied
};

Truncation *current = nullptr;

Oid file_of(Oid relid) {
	Relation relation = RelationIdGetRelation(relid);
	const Oid file = relation->rd_node.relNode;
	RelationClose(relation);
	return file;
}

int trigger_depth() {
	return DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH));
}

// BEFORE triggers still see the rows. (Tables that are new in the transaction keep their file.)
bool is_behind(const Truncation &truncation) {
	return file_of(truncation.relid) != truncation.file ||
		   (trigger_depth() == truncation.depth + 1 && AfterTriggerPendingOnRel(truncation.relid));
}

void empty_shards(Truncation *truncation) {
	if (truncation->emptied_in != InvalidSubTransactionId)
		return;
	truncation->emptied_in = GetCurrentSubTransactionId();
	truncation->shards(truncation->argument);
}

void on_subtransaction(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *) {
	for (Truncation *truncation = current; truncation != nullptr; truncation = truncation->outer) {
		if (truncation->emptied_in != own)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			truncation->emptied_in = InvalidSubTransactionId; // they are full again
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
			truncation->emptied_in = parent;
	}
}

} // namespace

bool has_truncate_triggers(const List *relids) {
	const ListCell *cell;
	foreach (cell, relids)
		if (user_triggers(lfirst_oid(cell)).kinds.trig_truncate_after_statement)
			return true;
	return false;
}

void truncate_with_triggers(const List *relids, void (*own)(void *), void (*shards)(void *), void *argument) {
	Truncation truncation{
		current, InvalidOid, InvalidOid, trigger_depth(), shards, argument, InvalidSubTransactionId};
	const ListCell *cell;
	foreach (cell, relids)
		if (user_triggers(lfirst_oid(cell)).kinds.trig_truncate_after_statement)
			truncation.relid = lfirst_oid(cell);
	truncation.file = file_of(truncation.relid);
	current = &truncation;
	PG_TRY();
	{ own(argument); }
	PG_FINALLY();
	{ current = truncation.outer; }
	PG_END_TRY();
	empty_shards(&truncation);
}

void empty_shards_for_triggers() {
	for (Truncation *truncation = current; truncation != nullptr; truncation = truncation->outer)
		if (is_behind(*truncation))
			empty_shards(truncation);
}

void initialize_truncate_triggers() {
	RegisterSubXactCallback(on_subtransaction, nullptr);
}

} // namespace shardext
