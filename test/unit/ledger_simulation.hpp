// A model of the coordinator, its nodes and the wires between them, to try the commit ledger in.
//
// One run is one interleaving: sessions commit on several nodes and read, every step and message takes a
// random time, messages and nodes get lost, the coordinator may start again. All of it follows from a seed.
// The model knows when each part of a transaction became visible on its node, and judges every read by that
// alone; the ledger sees no more than what real snapshots say.
#pragma once
#include <cstdint>
#include <string>

namespace ledger_simulation {

// The rules of the algorithm, each of which a run can do without.
enum class Without {
	kNothing,
	kAdmissionBeforeCommit,	  // admitted between the coordinator's commit and COMMIT PREPARED
	kAdmissionBeforePhaseTwo, // admitted after COMMIT PREPARED was sent
	kCoordinatorsPart,		  // the coordinator is no participant
	kCheck,					  // snapshots are taken as they come
	kEndedCommits,			  // commits leave with their last acknowledgement
	kOverflow,				  // what has left is not missed
	kSequenceBeforeSnapshot,  // that of a fixed snapshot is read after it was taken
	kGate,					  // retries until it matches
	kDrain,					  // behind the gate, does not wait for those that have passed it
	kAllBehindGate,			  // behind the gate, takes new snapshots on some nodes only
	kGateDeadline,			  // a reader that is gone keeps the gate closed
	kWaitOfRouterReads,		  // reads of one node do not look for pending commits
	kWaitOfReaders,			  // reads of several nodes do not
	kWaitForWhatWasSeen,	  // only commits that were handed over are waited for
	kDecisionsInTheMaking,	  // nobody asks whether a transaction still runs on the coordinator
	kHandedOverCommits,		  // a commit is forgotten when it is handed over
	kNewsOfHandOver,		  // the ledger is not told of a hand-over
	kRollbackLeaves,		  // a commit that was rolled back stays admitted
	kWorkerCollectsFirst,	  // the worker lists a node before it collects what was handed over
	kWorkerBeforeReads,		  // nodes are read at once when the coordinator has started again
	kDoubt,					  // of two snapshots around a statement's own, only the first counts
	kCount
};
const char *name_of(Without rule);

struct Report {
	int reads = 0; // accepted, of several nodes
	int commits = 0;
	int rounds = 0; // most of any read
	int repeated_reads = 0, gates = 0, hand_overs = 0, too_old = 0, starts = 0;
	std::string violation; // the first one
};

// What the runs are about; a run's seed chooses the rest.
struct Scenario {
	uint64_t patience = 20000; // how long a reader holds the gate
	int most_rounds = 3;	   // more of them are a violation
};

Report simulate(uint64_t seed, Without rule, const Scenario &scenario = {});

} // namespace ledger_simulation
