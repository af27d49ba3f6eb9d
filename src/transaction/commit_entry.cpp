// Writers and the recovery worker at the commit ledger.
#include "shardext/transaction/commit_entry.hpp"

#include "shardext/pg/walk.hpp"
#include "shardext/transaction/ledger.hpp"

namespace shardext {

namespace {

constexpr int kMaxParts = 1025;
constexpr long kRetryMs = 100; // should a wake-up be lost

// Fixed size, because COMMIT and ABORT callbacks may not allocate.
struct Entry {
	core::CommitHandle handle; // number 0: none
	int count = 0;
	int32 node_ids[kMaxParts];
	core::CommitParticipant parts[kMaxParts];
} entry;

template <class F> void change(F &&body) {
	if (entry.handle.number == 0)
		return;
	lock_ledger(LW_EXCLUSIVE);
	body(*commit_ledger());
	unlock_ledger();
	ledger_has_changed();
}

} // namespace

void enter_commit(const PreparedPart *parts, int count, TransactionId coordinators, int64 name) {
	core::CommitLedger *ledger = commit_ledger();
	if (ledger == nullptr)
		return;
	entry.handle = {};
	entry.count = 0;
	for (int i = 0; i < count; i++) {
		entry.node_ids[entry.count] = parts[i].node_id;
		entry.parts[entry.count++] = {ledger_number(parts[i].node_id), parts[i].xid};
	}
	if (TransactionIdIsValid(coordinators)) {
		entry.node_ids[entry.count] = kLocalNode;
		entry.parts[entry.count++] = {core::kCoordinator, full_xid(coordinators)};
	}
	begin_ledger_wait();
	for (;;) {
		const core::Time now = ledger_time();
		lock_ledger(LW_EXCLUSIVE);
		const auto admission =
			ledger->admit({entry.parts, static_cast<size_t>(entry.count)}, name, now, entry.handle);
		const core::Time open = ledger->gate().deadline();
		unlock_ledger();
		if (admission == core::CommitLedger::Admission::kAdmitted)
			break;
		const bool gate = admission == core::CommitLedger::Admission::kGateClosed;
		wait_for_ledger(gate ? static_cast<long>((open - now) / 1000 + 1) : kRetryMs, nullptr);
	}
	end_ledger_wait();
}

void commit_is_decided() {
	change([](core::CommitLedger &ledger) { ledger.decided(entry.handle); });
}

void node_has_committed(int32 node_id) {
	change([&](core::CommitLedger &ledger) {
		for (int i = 0; i < entry.count; i++)
			if (entry.node_ids[i] == node_id && entry.parts[i].node != core::kCoordinator)
				ledger.acknowledged(entry.handle, entry.parts[i].node);
	});
}

void commit_is_handed_over() {
	change([](core::CommitLedger &ledger) { ledger.hand_over(entry.handle); });
	entry.handle = {};
}

void commit_is_rolled_back() {
	change([](core::CommitLedger &ledger) { ledger.rolled_back(entry.handle); });
	entry.handle = {};
}

List *handed_over_commits(int32 node_id) {
	core::CommitLedger *ledger = commit_ledger();
	if (ledger == nullptr)
		return NIL;
	const core::NodeNumber node = ledger_number(node_id);
	List *result = NIL;
	core::Sequence after = 0;
	for (;;) {
		lock_ledger(LW_SHARED);
		const auto commit = ledger->next_handed_over(node, after);
		unlock_ledger();
		if (!commit)
			return result;
		after = commit->commit.number;
		auto *item = static_cast<HandedOver *>(palloc(sizeof(HandedOver)));
		*item = {commit->commit, static_cast<int64>(commit->name), false};
		result = lappend(result, item);
	}
}

void acknowledge_commit(const HandedOver *commit, int32 node_id) {
	const core::NodeNumber node = ledger_number(node_id);
	lock_ledger(LW_EXCLUSIVE);
	commit_ledger()->acknowledged(commit->commit, node);
	unlock_ledger();
	ledger_has_changed();
}

} // namespace shardext
