// A node's snapshot, as pg_current_snapshot() prints it: which transactions had ended on the node.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace shardext::core {

using Xid = uint64_t; // with epoch, as pg_current_xact_id() gives it; never handed out twice
inline constexpr Xid kNoXid = 0;

class NodeSnapshot {
public:
	NodeSnapshot() = default;
	// `in_progress` is sorted and lies in [xmin, xmax).
	NodeSnapshot(Xid xmin, Xid xmax, std::vector<Xid> in_progress);

	// Reads "xmin:xmax:xip,xip". Returns false, and changes nothing, when the text is something else.
	bool parse(std::string_view text);

	// True when the transaction had ended before the snapshot was taken. Whether by COMMIT or by ROLLBACK
	// cannot be told from a snapshot; rows of one that was rolled back are not seen, of course.
	bool sees(Xid xid) const;

	// True when nothing has ended between an earlier snapshot and this one. (Sub-transactions, which
	// snapshots do not list, count as ended.)
	bool sees_no_more_than(const NodeSnapshot &earlier) const;

	Xid xmin() const { return xmin_; }
	Xid xmax() const { return xmax_; }

private:
	Xid xmin_ = 1;
	Xid xmax_ = 1;
	std::vector<Xid> in_progress_;
};

} // namespace shardext::core
