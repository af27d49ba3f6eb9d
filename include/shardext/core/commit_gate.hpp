// The gate before phase two: a reader that has failed twice holds new multi-node commits back for one round
// of snapshots.
//
// Statements and PREPARE go on while it is closed. Several readers may hold it closed at the same time; it
// opens with the last of them, or at the latest of their deadlines: a reader that is slow, or gone, cannot
// stop commits for good.
#pragma once
#include <algorithm>
#include <cstdint>

namespace shardext::core {

using Time = uint64_t; // of the caller's clock, in microseconds

class CommitGate {
public:
	using Ticket = uint64_t; // 0: none

	Ticket close(Time now, Time deadline) {
		if (!closed(now)) { // those that never opened it are forgotten with their round
			round_++;
			holders_ = 0;
			until_ = 0;
		}
		holders_++;
		until_ = std::max(until_, deadline);
		return round_;
	}

	// A ticket of a round that has passed its deadline opens nothing: others may have closed the gate since.
	void open(Ticket ticket) {
		if (ticket == round_ && holders_ > 0)
			holders_--;
	}

	bool closed(Time now) const { return holders_ > 0 && now < until_; }
	Time deadline() const { return until_; }

private:
	Ticket round_ = 0;
	uint32_t holders_ = 0;
	Time until_ = 0;
};

} // namespace shardext::core
