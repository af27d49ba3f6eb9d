// Rows that a statement has let pass and not sent to their shards yet, while BEFORE ROW triggers run.
//
// PostgreSQL inserts row by row: a trigger sees the rows before its own. Rows are sent in batches, so a
// statement of a trigger that may look at the table has what is waiting sent first.
#pragma once
#include "shardext/pg/postgres.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace shardext {

struct PendingRows {
	Oid relid;
	void (*send)(void *); // nullptr: they have to wait
	void *argument;
	int rows;	 // that wait
	bool wanted; // some trigger has looked
	// Set while a trigger runs.
	PendingRows *outer;
	int nest_level;
};

// Calls body while statements that it runs may ask for the rows.
bool call_with_pending_rows(PendingRows *rows, bool (*body)(void *), void *argument);

inline PendingRows *pending_rows = nullptr;

// A statement is about to start. True when rows have been sent, which its snapshot does not show.
bool send_rows_for(const QueryDesc *query);
// The same for a utility statement.
void send_all_pending_rows();

} // namespace shardext
