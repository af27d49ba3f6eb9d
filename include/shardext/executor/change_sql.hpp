// The statements that lock and change single rows of a shard.
#pragma once
#include "shardext/planner/write_plan.hpp"
#include "shardext/remote/row_stream.hpp"

namespace shardext {

// Rows of the source, in memory for the time of one round of messages.
struct ChangeBatch {
	int rows = 0, columns = 0;
	Datum *values = nullptr; // row by row
	bool *nulls = nullptr;
	int *groups = nullptr;			 // position of each row's shard group now; -1: there is no row yet
	int *new_groups = nullptr;		 // where it is to be afterwards
	ItemPointerData *tids = nullptr; // in its shard
	int *actions = nullptr;			 // position in the plan's list

	Datum value(int row, int column) const { return values[row * columns + column]; }
	bool isnull(int row, int column) const { return nulls[row * columns + column]; }
};

// A new value of a row, by its place in ChangeAction::places.
inline Datum new_value(const ChangePlan &plan, const ChangeBatch &batch, int row, int place, bool *isnull) {
	if (place >= 0) {
		*isnull = batch.isnull(row, place);
		return batch.value(row, place);
	}
	const auto *constant = static_cast<Const *>(list_nth(plan.constants, -1 - place));
	*isnull = constant->constisnull;
	return constant->constvalue;
}

class ChangeSql {
public:
	ChangeSql(const ChangePlan &plan, const ColocationGroup *colocation);

	// Each makes the statement for some rows (numbers in the batch) of one shard group. LOCK returns ctid and
	// xmin; the others return the row's place among `rows` (INSERT: none, rows come in order), then
	// plan.returned.
	StatementRequest lock(const ChangeBatch &batch, int group, const List *rows) const;
	StatementRequest remove(const ChangeBatch &batch, int group, const List *rows) const;
	StatementRequest update(const ChangeBatch &batch, int group, const List *rows,
							const ChangeAction *action) const;
	StatementRequest insert(const ChangeBatch &batch, int group, const List *rows,
							const ChangeAction *action) const;

	// The ctids of rows as $1.
	StatementParams tid_array(const ChangeBatch &batch, const List *rows) const;

	// What is shown by EXPLAIN.
	const char *shown(const ChangeAction *action) const;

	// Types of what the statements return.
	TupleDesc lock_desc = nullptr, result_desc = nullptr, insert_desc = nullptr;

private:
	StatementRequest request(int group, SqlPieces *pieces, TupleDesc result) const;
	void returning(class SqlBuilder *sql, bool numbered) const;
	void set_column(StatementParams *params, int number, AttrNumber column, const ChangeBatch &batch, int row,
					int position) const;
	const ChangePlan &plan_;
	const ColocationGroup *colocation_;
};

} // namespace shardext
