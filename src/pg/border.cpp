// The parts of the border that need not be inlined.
#include "shardext/pg/border.hpp"

namespace shardext::detail {

ErrorData *guarded(Thunk fn, void *arg) {
	KeepErrorStack keep;
	sigjmp_buf here;
	if (sigsetjmp(here, 0) == 0) {
		PG_exception_stack = &here;
		fn(arg);
		return nullptr;
	}
	keep.restore();
	MemoryContextSwitchTo(keep.memory); // CopyErrorData must not run in ErrorContext
	ErrorData *copy = CopyErrorData();
	FlushErrorState();
	return copy;
}

void describe(Caught &caught) noexcept {
	caught.pg = nullptr;
	caught.sqlstate = ERRCODE_INTERNAL_ERROR;
	strlcpy(caught.message, "unknown C++ exception", sizeof caught.message);
	caught.detail[0] = caught.hint[0] = 0;
	try {
		throw;
	} catch (const PgError &e) {
		caught.pg = e.data;
	} catch (const Error &e) {
		caught.sqlstate = e.sqlstate;
		strlcpy(caught.message, e.message.c_str(), sizeof caught.message);
		strlcpy(caught.detail, e.detail.c_str(), sizeof caught.detail);
		strlcpy(caught.hint, e.hint.c_str(), sizeof caught.hint);
	} catch (const std::bad_alloc &) {
		caught.sqlstate = ERRCODE_OUT_OF_MEMORY;
		strlcpy(caught.message, "out of memory", sizeof caught.message);
	} catch (const std::exception &e) {
		strlcpy(caught.message, e.what(), sizeof caught.message);
	} catch (...) {
	}
}

void raise(const Caught &caught) {
	if (caught.pg)
		ReThrowError(caught.pg);
	ereport(ERROR, errcode(caught.sqlstate), errmsg_internal("%s", caught.message),
			caught.detail[0] ? errdetail_internal("%s", caught.detail) : 0,
			caught.hint[0] ? errhint("%s", caught.hint) : 0);
	pg_unreachable();
}

} // namespace shardext::detail
