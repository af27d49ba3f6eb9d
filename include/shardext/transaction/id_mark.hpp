// The durable side of unique ids: the sequence shardext.id_mark, whose value is the highest id that may have
// been given out.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// The sequence of this database, InvalidOid where the extension does not exist. Cached.
Oid id_mark();

// Called once per process.
void initialize_id_mark();

// The mark, open to be moved by one process at a time. May raise errors, but not between read_id_mark() and
// the end of write_id_mark().
struct OpenIdMark {
	Relation relation;
	Buffer buffer;
};
OpenIdMark open_id_mark(Oid mark);
int64 lock_id_mark(const OpenIdMark &mark);							// returns its value
void write_and_unlock_id_mark(const OpenIdMark &mark, int64 value); // durable when it returns
void close_id_mark(const OpenIdMark &mark);

} // namespace shardext
