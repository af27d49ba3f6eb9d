// Snapshots of nodes: reading their text, asking them for a transaction.
#include "shardext/core/node_snapshot.hpp"

#include <algorithm>
#include <charconv>

namespace shardext::core {

namespace {

// Takes a number and the separator behind it (or the end of the text, where `separator` is '\0') off the
// front.
bool take_xid(std::string_view &text, char separator, Xid &xid) {
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), xid);
	if (error != std::errc() || xid == kNoXid)
		return false;
	text.remove_prefix(end - text.data());
	if (separator == '\0')
		return text.empty();
	if (text.empty() || text[0] != separator)
		return false;
	text.remove_prefix(1);
	return true;
}

} // namespace

NodeSnapshot::NodeSnapshot(Xid xmin, Xid xmax, std::vector<Xid> in_progress)
	: xmin_(xmin), xmax_(xmax), in_progress_(std::move(in_progress)) {}

bool NodeSnapshot::parse(std::string_view text) {
	Xid xmin, xmax;
	if (!take_xid(text, ':', xmin) || !take_xid(text, ':', xmax) || xmin > xmax)
		return false;
	std::vector<Xid> in_progress;
	while (!text.empty()) {
		const bool last = text.find(',') == std::string_view::npos;
		Xid xid;
		if (!take_xid(text, last ? '\0' : ',', xid) || (!last && text.empty()))
			return false;
		const Xid least = in_progress.empty() ? xmin : in_progress.back();
		if (xid < least || xid >= xmax)
			return false;
		in_progress.push_back(xid);
	}
	*this = NodeSnapshot(xmin, xmax, std::move(in_progress));
	return true;
}

bool NodeSnapshot::sees(Xid xid) const {
	if (xid < xmin_)
		return true;
	return xid < xmax_ && !std::binary_search(in_progress_.begin(), in_progress_.end(), xid);
}

bool NodeSnapshot::sees_no_more_than(const NodeSnapshot &earlier) const {
	for (const Xid xid : earlier.in_progress_)
		if (sees(xid))
			return false;
	const auto begun = std::lower_bound(in_progress_.begin(), in_progress_.end(), earlier.xmax_);
	return xmax_ <= earlier.xmax_ || static_cast<Xid>(in_progress_.end() - begun) == xmax_ - earlier.xmax_;
}

} // namespace shardext::core
