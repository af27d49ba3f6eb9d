// The border between PostgreSQL (errors are siglongjmp) and C++ (errors are throw).
//
// Each kind of error is deadly in the other's frames, so four tools stand here and nobody else writes
// try, sigsetjmp or extern "C":
//   gate(body)     first thing in every function that PostgreSQL calls: a C++ exception becomes an ERROR
//   pg_call(f)     a PostgreSQL call made while C++ objects live on this stack: an ERROR becomes a PgError
//   own<T>(cxt)    a C++ object that lives exactly as long as a memory context
//   Error          an error of our own, raised in code that may throw
#pragma once
#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "shardext/pg/postgres.hpp"

namespace shardext {

// An error of our own, thrown only by code that may throw (room core and code behind gate()).
struct Error : std::exception {
	int sqlstate;
	std::string message, detail, hint;
	Error(int state, std::string text, std::string more = {}, std::string advice = {})
		: sqlstate(state), message(std::move(text)), detail(std::move(more)), hint(std::move(advice)) {}
	const char *what() const noexcept override { return message.c_str(); }
};

// A PostgreSQL ERROR caught by pg_call() on its way through C++ frames.
struct PgError : std::exception {
	ErrorData *data;
	explicit PgError(ErrorData *d) : data(d) {}
	const char *what() const noexcept override { return data->message; }
};

namespace detail {

// Built before sigsetjmp, so that a longjmp never skips its destructor.
struct KeepErrorStack {
	sigjmp_buf *stack = PG_exception_stack;
	ErrorContextCallback *context = error_context_stack;
	MemoryContext memory = CurrentMemoryContext;
	void restore() noexcept {
		PG_exception_stack = stack;
		error_context_stack = context;
	}
	~KeepErrorStack() { restore(); }
};

using Thunk = void (*)(void *);

// Runs fn(arg); an ERROR comes back as a copy instead of a jump, NULL when all went well.
ErrorData *guarded(Thunk fn, void *arg);

// What a catch block remembers; trivially destructible, because it is alive when we longjmp.
struct Caught {
	ErrorData *pg;
	int sqlstate;
	char message[1024];
	char detail[512];
	char hint[512];
};
static_assert(std::is_trivial_v<Caught>);

void describe(Caught &caught) noexcept; // called inside a catch block
[[noreturn]] void raise(const Caught &caught);

} // namespace detail

// Calls f and turns an ERROR inside it into a PgError. The closure and its result must be trivially
// destructible, because a longjmp skips them.
template <class F> auto pg_call(F &&f) {
	using Function = std::remove_reference_t<F>;
	using Result = std::invoke_result_t<F &>;
	static_assert(std::is_trivially_destructible_v<Function>, "the closure is skipped by longjmp");
	if constexpr (std::is_void_v<Result>) {
		if (ErrorData *e = detail::guarded([](void *p) { (*static_cast<Function *>(p))(); }, &f))
			throw PgError(e);
	} else {
		static_assert(std::is_trivially_destructible_v<Result>, "the result would leak on longjmp");
		struct Slot {
			Function *f;
			Result result;
		} slot{&f, {}};
		if (ErrorData *e = detail::guarded(
				[](void *p) {
					auto *s = static_cast<Slot *>(p);
					s->result = (*s->f)();
				},
				&slot))
			throw PgError(e);
		return slot.result;
	}
}

// Runs body; a C++ exception that leaves it is raised as an ERROR with everything kept.
template <class F> auto gate(F &&body) -> std::invoke_result_t<F &> {
	detail::Caught caught;
	try {
		return body();
	} catch (...) {
		detail::describe(caught);
	}
	detail::raise(caught); // out of the handler: no exception object is alive any more
}

// Runs body; an ERROR inside it goes on after `change` has had a look at its copy.
template <class F> void with_changed_errors(void (*change)(ErrorData *), F &&body) {
	MemoryContext memory = CurrentMemoryContext;
	PG_TRY();
	{ body(); }
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		ErrorData *error = CopyErrorData();
		FlushErrorState();
		change(error);
		ReThrowError(error);
	}
	PG_END_TRY();
}

// Makes a T that is destroyed with the memory context, also after an error.
template <class T, class... A> T *own(MemoryContext context, A &&...args) {
	static_assert(std::is_nothrow_destructible_v<T>);
	struct Box {
		MemoryContextCallback callback;
		alignas(T) char raw[sizeof(T)];
	};
	auto *box = static_cast<Box *>(MemoryContextAllocZero(context, sizeof(Box)));
	T *object = new (box->raw) T(std::forward<A>(args)...);
	box->callback.func = [](void *p) { static_cast<T *>(p)->~T(); };
	box->callback.arg = object;
	MemoryContextRegisterResetCallback(context, &box->callback);
	return object;
}

} // namespace shardext

// Defines a function that SQL can call; its body runs behind the gate.
#define SHARDEXT_SQL_FUNCTION(name)                                                                          \
	static Datum name##_body(FunctionCallInfo fcinfo);                                                       \
	extern "C" {                                                                                             \
	PGDLLEXPORT PG_FUNCTION_INFO_V1(name);                                                                   \
	Datum name(PG_FUNCTION_ARGS) {                                                                           \
		return shardext::gate([&] { return name##_body(fcinfo); });                                          \
	}                                                                                                        \
	}                                                                                                        \
	static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
