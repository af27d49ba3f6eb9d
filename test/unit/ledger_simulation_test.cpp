// The commit ledger in thousands of random interleavings: it holds with all its rules, and breaks without any
// one of them.
#include "ledger_simulation.hpp"

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <ostream>

using namespace ledger_simulation;

namespace {

constexpr uint64_t kRuns = 1000;

struct Loss {
	Without rule;
	const char *violation; // what at least must come of it
};
std::ostream &operator<<(std::ostream &out, const Loss &loss) {
	return out << name_of(loss.rule);
}
const char *const kPart = "a read sees a part of a transaction";
const char *const kOwn = "a session misses its own commit";
const char *const kReported = "a read misses a commit that was reported before";
const char *const kStatements = "two statements of a session see parts of a transaction";
const char *const kForever = "a session waits forever";
const char *const kRounds = "rounds: ";
const Loss kLosses[] = {
	{Without::kAdmissionBeforeCommit, kStatements},
	{Without::kAdmissionBeforePhaseTwo, kPart},
	{Without::kCoordinatorsPart, kPart},
	{Without::kCheck, kPart},
	{Without::kEndedCommits, kPart},
	{Without::kOverflow, kPart},
	{Without::kSequenceBeforeSnapshot, kPart},
	{Without::kGate, kRounds},
	{Without::kDrain, kRounds},
	{Without::kAllBehindGate, kRounds},
	{Without::kGateDeadline, kForever},
	{Without::kWaitOfRouterReads, kOwn},
	{Without::kWaitOfReaders, kReported},
	{Without::kWaitForWhatWasSeen, kStatements},
	{Without::kDecisionsInTheMaking, kStatements},
	{Without::kHandedOverCommits, kOwn},
	{Without::kNewsOfHandOver, kForever},
	{Without::kRollbackLeaves, kForever},
	{Without::kWorkerCollectsFirst, kPart},
	{Without::kWorkerBeforeReads, kPart},
	{Without::kDoubt, kPart},
};
static_assert(std::size(kLosses) == static_cast<size_t>(Without::kCount) - 1);

} // namespace

BOOST_AUTO_TEST_SUITE(ledger_simulation)

BOOST_AUTO_TEST_CASE(all_reads_are_consistent) {
	Report sum;
	for (uint64_t seed = 1; seed <= kRuns; seed++) {
		const Report report = simulate(seed, Without::kNothing);
		BOOST_TEST(report.violation == "", "seed " << seed << ": " << report.violation);
		sum.reads += report.reads;
		sum.commits += report.commits;
		sum.repeated_reads += report.repeated_reads;
		sum.gates += report.gates;
		sum.hand_overs += report.hand_overs;
		sum.too_old += report.too_old;
		sum.starts += report.starts - 1;
	}
	BOOST_TEST_MESSAGE(sum.commits << " commits, " << sum.hand_overs << " handed over; " << sum.reads
								   << " reads, " << sum.repeated_reads << " repeated, " << sum.gates
								   << " behind the gate, " << sum.too_old << " too old; " << sum.starts
								   << " new starts");
	// All of it has happened, and often.
	for (const int count :
		 {sum.commits, sum.hand_overs, sum.reads, sum.repeated_reads, sum.gates, sum.starts})
		BOOST_TEST(count > 100);
	BOOST_TEST(sum.too_old > 10);
}

// A gate that is held too short costs rounds, never a wrong read; every further one is held twice as long.
BOOST_AUTO_TEST_CASE(an_impatient_gate_is_only_slower) {
	int rounds = 0;
	for (uint64_t seed = 1; seed <= kRuns / 5; seed++) {
		const Report report = simulate(seed, Without::kNothing, {.patience = 20, .most_rounds = 10});
		BOOST_TEST(report.violation == "", "seed " << seed << ": " << report.violation);
		rounds = std::max(rounds, report.rounds);
	}
	BOOST_TEST(rounds > 3);
}

BOOST_AUTO_TEST_CASE(a_seed_always_gives_the_same_run) {
	for (uint64_t seed = 1; seed <= 5; seed++) {
		const Report one = simulate(seed, Without::kGate), other = simulate(seed, Without::kGate);
		BOOST_TEST(one.reads == other.reads);
		BOOST_TEST(one.rounds == other.rounds);
		BOOST_TEST(one.violation == other.violation);
	}
}

BOOST_DATA_TEST_CASE(every_rule_is_needed, kLosses, loss) {
	uint64_t seed = 1;
	while (seed <= kRuns && !simulate(seed, loss.rule).violation.starts_with(loss.violation))
		seed++;
	BOOST_TEST(seed <= kRuns, "without " << loss << " nothing goes wrong");
}

// How often each rule is missed, for those who change the model: --run_test=ledger_simulation/figures
BOOST_AUTO_TEST_CASE(figures, *boost::unit_test::disabled()) {
	for (const Loss &loss : kLosses) {
		std::map<std::string, int> violations;
		for (uint64_t seed = 1; seed <= kRuns; seed++)
			if (const std::string what = simulate(seed, loss.rule).violation; !what.empty())
				violations[what.substr(0, what.find(':'))]++;
		std::string text;
		int sum = 0;
		for (const auto &[what, count] : violations) {
			text += "\n    " + std::to_string(count) + " " + what;
			sum += count;
		}
		BOOST_TEST_MESSAGE("without " << loss << ": " << sum << " of " << kRuns << " runs" << text);
	}
}

BOOST_AUTO_TEST_SUITE_END()
