// What the parts of one statement change together.
#include "shardext/executor/statement_writes.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/walk.hpp"

extern "C" {
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace shardext {

namespace {

struct RowKey {
	Oid relid;
	ItemPointerData row_id;
};

struct TakenRow {
	RowKey key;
	const CustomScanState *part;
};

struct StatementWrites {
	dlist_node link; // must be first
	EState *whole;
	HTAB *taken;   // of TakenRow
	List *changed; // Oid list: tables of which taken rows have been changed
	List *late;	   // of LateChange
	bool ends;	   // the end of the statement has been arranged for
};

// Stands among the nodes that PostgreSQL runs to their end when the statement ends.
struct EndOfStatement {
	ResultState node; // must be first
	StatementWrites *writes;
};

dlist_head statements = DLIST_STATIC_INIT(statements);

void forget(void *writes) {
	dlist_delete(&static_cast<StatementWrites *>(writes)->link);
}

StatementWrites *find_writes(const EState *whole) {
	// (The macros for this are C only. The link is the first member.)
	for (dlist_node *link = statements.head.next; link != &statements.head; link = link->next)
		if (auto *writes = reinterpret_cast<StatementWrites *>(link); writes->whole == whole)
			return writes;
	return nullptr;
}

StatementWrites *writes_of(const EState *whole) {
	if (StatementWrites *writes = find_writes(whole))
		return writes;
	MemoryContext context = whole->es_query_cxt;
	auto *writes = static_cast<StatementWrites *>(MemoryContextAllocZero(context, sizeof(StatementWrites)));
	writes->whole = const_cast<EState *>(whole);
	HASHCTL layout{};
	layout.keysize = sizeof(RowKey);
	layout.entrysize = sizeof(TakenRow);
	layout.hcxt = context;
	writes->taken =
		hash_create("shardext rows of a statement", 256, &layout, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	auto *callback =
		static_cast<MemoryContextCallback *>(MemoryContextAlloc(context, sizeof(MemoryContextCallback)));
	callback->func = forget;
	callback->arg = writes;
	dlist_push_tail(&statements, &writes->link);
	MemoryContextRegisterResetCallback(context, callback);
	return writes;
}

bool refers_to(Oid from, Oid to) {
	if (from == to)
		return false;
	Relation relation = RelationIdGetRelation(from);
	bool found = false;
	foreach_ptr (ForeignKeyCacheInfo, key, RelationGetFKeyList(relation))
		found = found || key->confrelid == to;
	RelationClose(relation);
	return found;
}

bool must_precede(const LateChange &first, const LateChange &second) {
	return (second.removes && refers_to(first.relid, second.relid)) ||
		   (first.inserts && second.inserts && refers_to(second.relid, first.relid));
}

// The first one that none of the others must precede; where they go in a circle, the first one.
LateChange *take_next(StatementWrites *writes) {
	auto *next = static_cast<LateChange *>(linitial(writes->late));
	foreach_ptr (LateChange, candidate, writes->late) {
		bool waits = false;
		foreach_ptr (LateChange, other, writes->late)
			waits = waits || (other != candidate && must_precede(*other, *candidate));
		if (!waits) {
			next = candidate;
			break;
		}
	}
	writes->late = list_delete_ptr(writes->late, next);
	return next;
}

TupleTableSlot *end_statement(PlanState *node) {
	StatementWrites *writes = reinterpret_cast<EndOfStatement *>(node)->writes;
	gate([&] {
		while (writes->late != NIL) {
			const LateChange *change = take_next(writes);
			change->apply(change->node);
		}
	});
	return nullptr;
}

} // namespace

bool take_row(const EState *whole, Oid relid, ItemPointer row_id, const CustomScanState *part) {
	RowKey key;
	memset(&key, 0, sizeof key); // gaps count
	key.relid = relid;
	ItemPointerCopy(row_id, &key.row_id);
	bool found;
	auto *row = static_cast<TakenRow *>(hash_search(writes_of(whole)->taken, &key, HASH_ENTER, &found));
	if (!found)
		row->part = part;
	return row->part == part;
}

bool has_changed_rows(const EState *whole, Oid relid) {
	const StatementWrites *writes = find_writes(whole);
	return writes != nullptr && list_member_oid(writes->changed, relid);
}

void note_changed_rows(const EState *whole, Oid relid) {
	StatementWrites *writes = writes_of(whole);
	MemoryContext old = MemoryContextSwitchTo(whole->es_query_cxt);
	writes->changed = list_append_unique_oid(writes->changed, relid);
	MemoryContextSwitchTo(old);
}

void change_later(const EState *whole, const LateChange &change) {
	StatementWrites *writes = writes_of(whole);
	MemoryContext old = MemoryContextSwitchTo(whole->es_query_cxt);
	writes->late = lappend(writes->late, new (palloc(sizeof(LateChange))) LateChange(change));
	if (!writes->ends) {
		auto *end = static_cast<EndOfStatement *>(palloc0(sizeof(EndOfStatement)));
		NodeSetTag(end, T_ResultState);
		end->node.ps.ExecProcNode = end_statement;
		end->node.ps.state = writes->whole;
		end->writes = writes;
		// The others have been there since the statement began.
		writes->whole->es_auxmodifytables = lappend(writes->whole->es_auxmodifytables, end);
		writes->ends = true;
	}
	MemoryContextSwitchTo(old);
}

} // namespace shardext
