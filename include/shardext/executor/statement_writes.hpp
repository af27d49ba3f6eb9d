// What the parts of one statement change together.
//
// A row that two parts want is changed by the first of them. And where parts may see each other's changes, or
// foreign keys tie them together, rows are read and locked when PostgreSQL would change them, and changed
// when the statement ends.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "nodes/execnodes.h"
#include "storage/itemptr.h"
}

namespace shardext {

// Takes a row (its ctid, with the shard group) for a part; false when another one has it.
bool take_row(const EState *whole, Oid relid, ItemPointer row_id, const CustomScanState *part);

// A part that has taken rows of a table has changed some already.
bool has_changed_rows(const EState *whole, Oid relid);
void note_changed_rows(const EState *whole, Oid relid);

struct LateChange {
	Oid relid;
	bool inserts, removes;
	void (*apply)(CustomScanState *);
	CustomScanState *node;
};

// Calls `apply` at the end of the statement: in the order in which the parts came, but rows go before those
// that they refer to, and come after them.
void change_later(const EState *whole, const LateChange &change);

} // namespace shardext
