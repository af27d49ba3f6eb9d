// Processes of a simulation: coroutines on a clock that only events move.
#pragma once
#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <random>
#include <utility>
#include <vector>

namespace ledger_simulation {

using Moment = uint64_t; // microseconds

// A coroutine that runs on its own or is awaited by another one. Destroying it ends what it awaits, too.
class Process {
public:
	struct promise_type;
	using Handle = std::coroutine_handle<promise_type>;

	struct Return {
		bool await_ready() noexcept { return false; }
		std::coroutine_handle<> await_suspend(Handle self) noexcept;
		void await_resume() noexcept {}
	};
	struct promise_type {
		std::coroutine_handle<> caller = std::noop_coroutine();
		Process get_return_object() { return Process(Handle::from_promise(*this)); }
		std::suspend_always initial_suspend() noexcept { return {}; }
		Return final_suspend() noexcept { return {}; }
		void return_void() {}
		void unhandled_exception() { std::terminate(); }
	};

	Process(Process &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
	Process(const Process &) = delete;
	~Process() {
		if (handle_)
			handle_.destroy();
	}

	void start() { handle_.resume(); }
	bool done() const { return handle_.done(); }

	bool await_ready() { return false; }
	Handle await_suspend(std::coroutine_handle<> caller) {
		handle_.promise().caller = caller;
		return handle_;
	}
	void await_resume() {}

private:
	explicit Process(Handle handle) : handle_(handle) {}
	Handle handle_;
};

inline std::coroutine_handle<> Process::Return::await_suspend(Handle self) noexcept {
	return self.promise().caller;
}

// The clock, the events to come, and the processes that wait.
class Scheduler {
public:
	explicit Scheduler(uint64_t seed) : random_(seed) {}

	Moment now() const { return now_; }
	uint64_t step() const { return step_; } // the event that happens now

	uint64_t random(uint64_t low, uint64_t high) { return low + random_() % (high - low + 1); }
	bool chance(unsigned percent) { return random_() % 100 < percent; }

	void after(Moment delay, std::function<void()> event) { push(delay, std::move(event), nullptr); }

	struct Wait {
		Scheduler &scheduler;
		std::function<bool()> ready;
		Moment deadline; // 0: none
		bool await_ready() { return false; }
		void await_suspend(std::coroutine_handle<> process) {
			if (deadline > scheduler.now_)
				scheduler.push(deadline - scheduler.now_, nullptr, nullptr); // something to wake up for
			scheduler.waits_.push_back({process, std::move(ready), deadline});
		}
		void await_resume() {}
	};
	// Goes on some time after `ready` has become true. It may be false again by then.
	Wait until(std::function<bool()> ready, Moment deadline = 0) {
		return {*this, std::move(ready), deadline};
	}
	Wait pause(Moment low, Moment high) {
		return {*this, [] { return false; }, now_ + random(low, high)};
	}

	// Ends all waits: their processes are gone.
	void forget_processes() {
		waits_.clear();
		epoch_++;
	}

	// Runs until nothing can happen any more, or until the time is over.
	void run(Moment end) {
		while (!events_.empty() && now_ < end) {
			std::pop_heap(events_.begin(), events_.end());
			const Event event = std::move(events_.back());
			events_.pop_back();
			now_ = event.when;
			step_++;
			if (event.happen)
				event.happen();
			else if (event.process && event.epoch == epoch_)
				event.process.resume();
			wake();
		}
	}

private:
	struct Event {
		Moment when;
		uint64_t number;
		std::function<void()> happen;
		std::coroutine_handle<> process; // to go on, where nothing else happens
		uint64_t epoch;
		bool operator<(const Event &other) const {
			return when != other.when ? when > other.when : number > other.number;
		}
	};
	struct Waiting {
		std::coroutine_handle<> process;
		std::function<bool()> ready;
		Moment deadline;
	};

	void push(Moment delay, std::function<void()> happen, std::coroutine_handle<> process) {
		events_.push_back({now_ + delay, next_event_++, std::move(happen), process, epoch_});
		std::push_heap(events_.begin(), events_.end());
	}

	void wake() {
		for (size_t i = 0; i < waits_.size();) {
			Waiting &wait = waits_[i];
			if (!(wait.deadline != 0 && now_ >= wait.deadline) && !wait.ready()) {
				i++;
				continue;
			}
			push(random(0, 3), nullptr, wait.process);
			waits_.erase(waits_.begin() + static_cast<std::ptrdiff_t>(i));
		}
	}

	std::mt19937_64 random_;
	std::vector<Event> events_; // a heap, the next one on top
	std::vector<Waiting> waits_;
	Moment now_ = 0;
	uint64_t step_ = 1, next_event_ = 0, epoch_ = 0;
};

} // namespace ledger_simulation
