// Reading and moving the mark of unique ids.
//
// nextval() and setval() would do, but for three things: they give the calling transaction an xid, so that a
// transaction with an id in it would count as one that writes here (and commit in two phases); they are
// refused in read-only transactions; and what they write is durable only when the transaction commits, while
// an id is seen at once. So the sequence's page is changed by a generic WAL record of its own and flushed.
// Standbys, archives and pg_dump treat it as the sequence that it is.
#include "shardext/transaction/id_mark.hpp"

#include "shardext/catalog/metadata.hpp"

extern "C" {
#include "access/generic_xlog.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "commands/sequence.h"
#include "storage/bufmgr.h"
#include "utils/inval.h"
}

namespace shardext {

namespace {

Oid cached_mark = InvalidOid;

void on_relcache_invalidation(Datum, Oid relid) {
	if (!OidIsValid(relid) || relid == cached_mark)
		cached_mark = InvalidOid;
}

// The sequence's only row, on its only page.
Form_pg_sequence_data sequence_data(Page page) {
	const ItemId item = PageGetItemId(page, FirstOffsetNumber);
	auto header = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
	return reinterpret_cast<Form_pg_sequence_data>(reinterpret_cast<char *>(header) + header->t_hoff);
}

} // namespace

void initialize_id_mark() {
	CacheRegisterRelcacheCallback(on_relcache_invalidation, 0);
}

Oid id_mark() {
	if (!OidIsValid(cached_mark) && extension_exists())
		cached_mark = shardext_table("id_mark");
	return cached_mark;
}

OpenIdMark open_id_mark(Oid oid) {
	Relation relation = relation_open(oid, AccessShareLock);
	if (relation->rd_rel->relkind != RELKIND_SEQUENCE)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a sequence", RelationGetRelationName(relation)));
	return {relation, ReadBuffer(relation, 0)};
}

int64 lock_id_mark(const OpenIdMark &mark) {
	LockBuffer(mark.buffer, BUFFER_LOCK_EXCLUSIVE);
	return sequence_data(BufferGetPage(mark.buffer))->last_value;
}

void write_and_unlock_id_mark(const OpenIdMark &mark, int64 value) {
	GenericXLogState *record = GenericXLogStart(mark.relation);
	Form_pg_sequence_data data = sequence_data(GenericXLogRegisterBuffer(record, mark.buffer, 0));
	data->last_value = value;
	data->log_cnt = 0;
	data->is_called = true;
	const XLogRecPtr end = GenericXLogFinish(record);
	LockBuffer(mark.buffer, BUFFER_LOCK_UNLOCK);
	XLogFlush(end);
}

void close_id_mark(const OpenIdMark &mark) {
	ReleaseBuffer(mark.buffer);
	relation_close(mark.relation, AccessShareLock);
}

} // namespace shardext
