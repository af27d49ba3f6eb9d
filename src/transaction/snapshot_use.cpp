// Whether the transaction's snapshot may still be replaced.
#include "shardext/transaction/snapshot_use.hpp"

#include "shardext/pg/walk.hpp"

extern "C" {
#include "access/xact.h"
}

namespace shardext {

namespace {

bool used = false;

// Those that read nothing, and those that start a statement of their own to do so.
bool reads_nothing(const Node *statement) {
	switch (nodeTag(statement)) {
	case T_VariableSetStmt: // SET TRANSACTION SNAPSHOT brings one that others use
		return reinterpret_cast<const VariableSetStmt *>(statement)->kind != VAR_SET_MULTI ||
			   strcmp(reinterpret_cast<const VariableSetStmt *>(statement)->name, "TRANSACTION SNAPSHOT") !=
				   0;
	case T_TransactionStmt:
	case T_VariableShowStmt:
	case T_LockStmt:
	case T_PrepareStmt:
	case T_ExecuteStmt:
	case T_ExplainStmt:
	case T_DeclareCursorStmt:
	case T_FetchStmt:
		return true;
	default:
		return false;
	}
}

void on_transaction_event(XactEvent event, void *) {
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		used = false;
}

} // namespace

bool transaction_snapshot_is_unused() {
	return !used;
}

void note_statement_with_snapshot() {
	used = true;
}

void note_utility_with_snapshot(const Node *statement) {
	used = used || !reads_nothing(statement);
}

void initialize_snapshot_use() {
	RegisterXactCallback(on_transaction_event, nullptr);
}

} // namespace shardext
