// Taking snapshots of several nodes until they belong together.
#include "shardext/transaction/consistent_reads.hpp"

#include "shardext/pg/border.hpp"
#include "shardext/pg/statement_snapshot.hpp"
#include "shardext/pg/walk.hpp"
#include "shardext/transaction/ledger.hpp"
#include "shardext/transaction/remote_transaction.hpp"
#include "shardext/transaction/shared_state.hpp"
#include "shardext/transaction/two_phase.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/snapmgr.h"
}

namespace shardext {

bool consistent_reads = true;

namespace {

constexpr core::Time kPatienceUs = 20000; // how long the gate is held the first time
constexpr long kLookMs = 1000;			  // at the connection of a node that is waited for

// The coordinator's snapshot in the statement that holds snapshots.
struct CoordinatorSnapshot {
	core::NodeSnapshot snapshot;
	core::Sequence since;
};
std::optional<CoordinatorSnapshot> coordinator_kept;

struct Waiting {
	core::PendingCommit commit;
	char node_name[NAMEDATALEN];
};

// Says what a wait that is cancelled was for.
void describe_wait(void *argument) {
	const auto *waiting = static_cast<const Waiting *>(argument);
	if (waiting->commit.commit.number == 0)
		errcontext("waiting for the recovery of transactions on node \"%s\"", waiting->node_name);
	else
		errcontext("waiting for transaction \"shardext_" INT64_FORMAT "_" INT64_FORMAT "_" INT64_FORMAT
				   "\" to be committed on node \"%s\"",
				   cluster_id(), current_incarnation(), static_cast<int64>(waiting->commit.name),
				   waiting->node_name);
}

Connection *connection_of(core::NodeNumber number) {
	struct Search {
		core::NodeNumber number;
		Connection *found;
	} search{number, nullptr};
	for_each_connection(
		[](Connection *c, void *argument) {
			auto *s = static_cast<Search *>(argument);
			if (ledger_number(c->node_id) == s->number)
				s->found = c;
		},
		&search);
	return search.found;
}

// Waits until `find` has nothing (left) to wait for. find(commit, deadline) returns true while it has.
template <class F> void wait_while(F &&find) {
	std::optional<core::PendingCommit> commit;
	core::Time deadline = 0;
	if (!find(commit, deadline))
		return;
	Waiting waiting{};
	ErrorContextCallback callback = {error_context_stack, describe_wait, &waiting};
	error_context_stack = &callback;
	begin_ledger_wait();
	bool asked = false;
	while (find(commit, deadline)) {
		Connection *c = commit ? connection_of(commit->node) : nullptr;
		if (commit) {
			waiting.commit = *commit;
			strlcpy(waiting.node_name, c != nullptr ? c->node_name : "local", NAMEDATALEN);
		}
		if (commit && commit->commit.number == 0 && !asked) {
			asked = true;
			end_ledger_wait();
			ensure_incarnation_recorded();
			request_recovery();
			begin_ledger_wait();
			continue;
		}
		long milliseconds = kLookMs;
		if (deadline != 0)
			milliseconds = std::clamp(static_cast<long>(deadline - ledger_time()) / 1000 + 1, 1L, kLookMs);
		wait_for_ledger(milliseconds, c);
	}
	end_ledger_wait();
	error_context_stack = callback.previous;
}

// A node transaction that keeps a snapshot which has been told.
bool keeps_snapshot(const Connection *c) {
	return c->depth > 0 && c->kept_snapshot != nullptr;
}

core::NodeSnapshot parsed(const Connection *c, const char *text) {
	core::NodeSnapshot snapshot;
	if (!snapshot.parse(text))
		throw Error(ERRCODE_PROTOCOL_VIOLATION,
					std::string("node \"") + c->node_name + "\" sent an invalid snapshot");
	return snapshot;
}

// In READ COMMITTED, snapshots that cannot be taken again are those of other scans of the statement.
[[noreturn]] void raise_too_old() {
	ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("could not serialize access due to a concurrent commit on several nodes"),
			errdetail("A part of it is visible to this transaction, another one is not."),
			errhint("The transaction might succeed if retried."));
}

std::vector<core::NodeNumber> numbers_of(const SnapshotReading::Part *parts, size_t count) {
	std::vector<core::NodeNumber> numbers;
	for (size_t i = 0; i < count; i++)
		numbers.push_back(parts[i].number);
	return numbers;
}

// Adds a part in its place.
void insert_part(SnapshotReading::Part *parts, size_t *count, SnapshotReading::Part part) {
	size_t at = (*count)++;
	for (; at > 0 && parts[at - 1].number > part.number; at--)
		parts[at] = parts[at - 1];
	parts[at] = part;
}

} // namespace

bool reads_are_compared() {
	return (consistent_reads || IsolationIsSerializable()) && commit_ledger() != nullptr;
}

void wait_for_commits_on(Connection *c) {
	core::CommitLedger *ledger = commit_ledger();
	if (ledger == nullptr)
		return;
	const core::NodeNumber number = ledger_number(c->node_id);
	if (ledger->pending(number) == 0)
		return;
	wait_while([&](std::optional<core::PendingCommit> &commit, core::Time &) {
		lock_ledger(LW_SHARED);
		commit = ledger->must_wait({&number, 1}, seen_sequence(), coordinator_still_runs);
		unlock_ledger();
		return commit.has_value();
	});
}

SnapshotReading *SnapshotReading::make(const List *asked, const List *keeping, bool coordinator) {
	struct Parts {
		Part *list;
		size_t count;
	} parts{};
	int connections = 0;
	for_each_connection([](Connection *, void *count) { (*static_cast<int *>(count))++; }, &connections);
	parts.list = static_cast<Part *>(
		palloc0(sizeof(Part) * (list_length(asked) + list_length(keeping) + connections + 1)));
	const ListCell *cell;
	foreach (cell, asked)
		insert_part(parts.list, &parts.count,
					{ledger_number(lfirst_int(cell)), lfirst_int(cell), Part::kAsked});
	foreach (cell, keeping)
		insert_part(parts.list, &parts.count,
					{ledger_number(lfirst_int(cell)), lfirst_int(cell), Part::kKeeping});
	for_each_connection(
		[](Connection *c, void *argument) {
			auto *all = static_cast<Parts *>(argument);
			if (keeps_snapshot(c))
				insert_part(all->list, &all->count, {ledger_number(c->node_id), c->node_id, Part::kKept});
		},
		&parts);
	if (coordinator || IsolationUsesXactSnapshot() || coordinator_kept)
		insert_part(parts.list, &parts.count,
					{core::kCoordinator, kLocalNode, coordinator ? Part::kKeeping : Part::kKept});
	if (IsolationUsesXactSnapshot())
		GetTransactionSnapshot(); // there is one from now on
	return own<SnapshotReading>(CurrentMemoryContext, parts.list, parts.count);
}

SnapshotReading::SnapshotReading(const Part *parts, size_t count)
	: parts_(parts, parts + count),
	  rounds_(*commit_ledger(), numbers_of(parts, count), seen_sequence(), kPatienceUs) {
	for (const Part &part : parts_) {
		if (part.kind != Part::kKept)
			continue;
		const Connection *c = existing_connection(part.node_id);
		if (part.number != core::kCoordinator)
			rounds_.fix(part.number, parsed(c, c->kept_snapshot), c->kept_since);
		else if (IsolationUsesXactSnapshot())
			rounds_.fix(part.number, node_snapshot_of(GetTransactionSnapshot()),
						sequence_before_transaction());
		else
			rounds_.fix(part.number, coordinator_kept->snapshot, coordinator_kept->since);
	}
}

SnapshotReading::~SnapshotReading() {
	if (accepted_ || !rounds_.may_change_gate())
		return;
	lock_ledger(LW_EXCLUSIVE);
	rounds_.cancel();
	unlock_ledger();
	ledger_has_changed();
}

bool SnapshotReading::wants(int32 node_id) const {
	for (size_t i = 0; i < parts_.size(); i++)
		if (parts_[i].node_id == node_id)
			return parts_[i].kind == Part::kAsked && rounds_.wanted(i);
	return false;
}

core::ReadStep SnapshotReading::step() {
	// Only who has failed before changes the gate.
	lock_ledger(rounds_.may_change_gate() ? LW_EXCLUSIVE : LW_SHARED);
	const core::ReadStep step = rounds_.next(ledger_time(), coordinator_still_runs);
	unlock_ledger();
	return step;
}

bool SnapshotReading::next_round() {
	if (sent_)
		receive();
	const bool had_gate = rounds_.may_change_gate();
	core::ReadStep result = core::ReadStep::kWait;
	wait_while([&](std::optional<core::PendingCommit> &commit, core::Time &deadline) {
		result = step();
		commit = rounds_.waits_for();
		deadline = rounds_.deadline();
		return result == core::ReadStep::kWait;
	});
	if (had_gate)
		ledger_has_changed(); // it may be open again
	if (result == core::ReadStep::kTooOld && IsolationUsesXactSnapshot())
		raise_too_old();
	sent_ = result == core::ReadStep::kTake;
	if (sent_)
		begin_on_nodes();
	else
		accept();
	return sent_;
}

void SnapshotReading::begin_on_nodes() {
	for (size_t i = 0; i < parts_.size(); i++) {
		if (!rounds_.wanted(i) || parts_[i].kind != Part::kKeeping || parts_[i].number == core::kCoordinator)
			continue;
		Connection *c = existing_connection(parts_[i].node_id);
		if (c->depth > 0)
			drop_kept_snapshot(c);
		begin_kept_snapshot(c);
		send_sync(c);
	}
}

void SnapshotReading::accept() {
	accepted_ = true;
	for (const Part &part : parts_) {
		if (part.kind != Part::kKeeping)
			continue;
		if (part.number == core::kCoordinator) {
			if (IsolationUsesXactSnapshot())
				note_renewed_snapshot(rounds_.since());
			else
				coordinator_kept = {node_snapshot_of(coordinator_), rounds_.since()};
			continue;
		}
		Connection *c = existing_connection(part.node_id);
		c->kept_snapshot = strdup(c->answers[0]);
		c->kept_since = rounds_.since();
	}
}

void SnapshotReading::receive() {
	auto **asked = static_cast<Connection **>(palloc(sizeof(Connection *) * (parts_.size() + 1)));
	int count = 0;
	for (size_t i = 0; i < parts_.size(); i++)
		if (rounds_.wanted(i) && parts_[i].number != core::kCoordinator)
			if (Connection *c = existing_connection(parts_[i].node_id))
				asked[count++] = c;
	await_answers(asked, count);
	pfree(asked);
	for (size_t i = 0; i < parts_.size(); i++)
		if (rounds_.wanted(i))
			take_over(i);
}

void SnapshotReading::take_over(size_t i) {
	if (parts_[i].number == core::kCoordinator && IsolationUsesXactSnapshot()) {
		renew_transaction_snapshot();
		rounds_.taken(i, node_snapshot_of(GetTransactionSnapshot()));
		return;
	}
	if (parts_[i].number == core::kCoordinator) {
		if (coordinator_ != nullptr)
			UnregisterSnapshot(coordinator_);
		coordinator_ = RegisterSnapshot(GetTransactionSnapshot());
		rounds_.taken(i, node_snapshot_of(coordinator_));
		return;
	}
	const Connection *c = existing_connection(parts_[i].node_id);
	if (c == nullptr || c->answer_count == 0)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("node \"%s\" has not told its snapshot", find_node(parts_[i].node_id)->name));
	if (c->answer_count > 1)
		// Each statement stands between two answers.
		rounds_.taken(i, parsed(c, c->answers[0]), parsed(c, c->answers[1]), c->answers_taken > 2);
	else
		rounds_.taken(i, parsed(c, c->answers[0]));
}

namespace {

bool can_be_reached(const NodeInfo *node) {
	MemoryContext memory = CurrentMemoryContext;
	PG_TRY();
	{ connect_to_node(node); }
	PG_CATCH();
	{
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_CONNECTION_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(memory);
		FlushErrorState();
	}
	PG_END_TRY();
	return existing_connection(node->id) != nullptr;
}

} // namespace

void keep_snapshots(const List *node_ids, bool coordinator) {
	List *ids = NIL;
	const ListCell *cell;
	foreach (cell, node_ids)
		if (lfirst_int(cell) != kLocalNode && connect_to_node(find_node(lfirst_int(cell)))->depth == 0)
			ids = lappend_int(ids, lfirst_int(cell));
	if (ids == NIL)
		return;
	if (!reads_are_compared()) {
		foreach (cell, ids) {
			Connection *c = existing_connection(lfirst_int(cell));
			wait_for_commits_on(c);
			begin_kept_snapshot(c);
		}
		return;
	}
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "shardext snapshots", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SnapshotReading *reading = SnapshotReading::make(NIL, ids, coordinator);
	MemoryContextSwitchTo(old);
	while (reading->next_round()) {
	}
	MemoryContextDelete(context);
}

SnapshotReading *start_reading(const List *node_ids) {
	if (!reads_are_compared() || IsolationUsesXactSnapshot())
		return nullptr; // there, enter_transaction() has all nodes keep theirs
	if (statement_snapshot_held())
		keep_snapshots(node_ids);
	List *ids = NIL;
	const ListCell *cell;
	foreach (cell, node_ids) {
		const Connection *c = existing_connection(lfirst_int(cell));
		if (lfirst_int(cell) != kLocalNode && (c == nullptr || !keeps_snapshot(c)))
			ids = lappend_int(ids, lfirst_int(cell));
	}
	int kept = coordinator_kept ? 1 : 0;
	for_each_connection([](Connection *c, void *count) { *static_cast<int *>(count) += keeps_snapshot(c); },
						&kept);
	if (ids == NIL || list_length(ids) + kept < 2)
		return nullptr;
	// They are all there before the first statement travels.
	foreach (cell, ids)
		connect_to_node(find_node(lfirst_int(cell)));
	return SnapshotReading::make(ids);
}

void forget_coordinator_snapshot() {
	coordinator_kept.reset();
}

void keep_snapshots_of_transaction(int32 node_id, bool coordinator) {
	// Nodes that cannot be reached now may join later, as long as nothing has happened there that others
	// show.
	List *ids = list_make1_int(node_id);
	foreach_ptr (NodeInfo, node, all_nodes())
		if (!node->is_local() && node->id != node_id && reads_are_compared() && can_be_reached(node))
			ids = lappend_int(ids, node->id);
	keep_snapshots(ids, coordinator);
	list_free(ids);
}

} // namespace shardext
