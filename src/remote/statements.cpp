// Statement texts that come again are prepared on the node, the least recently used ones make room.
#include "shardext/remote/connection.hpp"

extern "C" {
#include "common/hashfn.h"
}

namespace shardext {

namespace {

constexpr size_t kLongestText = 32 * 1024;

uint64 hash_statement(const char *sql, size_t length, int count, const Oid *types) {
	const uint64 text = hash_bytes_extended(reinterpret_cast<const unsigned char *>(sql), length, 0);
	const uint64 all =
		hash_bytes_extended(reinterpret_cast<const unsigned char *>(types), sizeof(Oid) * count, text);
	return all != 0 ? all : 1;
}

// The entry of a text, or one that it can take.
KnownStatement *find_entry(Connection *c, uint64 hash, const char *sql, bool *known) {
	KnownStatement *oldest = &c->statements[0];
	for (int i = 0; i < kKnownStatements; i++) {
		KnownStatement *statement = &c->statements[i];
		if (statement->hash == hash && strcmp(statement->text, sql) == 0) {
			*known = true;
			return statement;
		}
		if (statement->last_use < oldest->last_use)
			oldest = statement;
	}
	*known = false;
	return oldest;
}

} // namespace

void send_statement(Connection *c, const char *sql, int count, const Oid *types, const char *const *values,
					const int *lengths, const int *formats, bool binary_result) {
	const size_t length = strlen(sql);
	KnownStatement *statement = nullptr;
	if (length <= kLongestText) {
		const uint64 hash = hash_statement(sql, length, count, types);
		bool known;
		statement = find_entry(c, hash, sql, &known);
		statement->last_use = ++c->use_counter;
		char name[32];
		if (!known) {
			// Seen for the first time: most texts never come again.
			if (statement->prepared) {
				snprintf(name, sizeof name, "DEALLOCATE s%u", statement->number);
				send_control(c, name, nullptr, true);
			}
			free(statement->text);
			*statement = {hash, strdup(sql), ++c->next_statement, c->use_counter, false, 0};
		} else {
			snprintf(name, sizeof name, "s%u", statement->number);
			// Its result may have other types by now, which the node would refuse. The new one gets a new
			// name: a batch that fails may leave the old one there.
			if (statement->prepared && statement->definitions != definition_version()) {
				char deallocate[40];
				snprintf(deallocate, sizeof deallocate, "DEALLOCATE %s", name);
				send_control(c, deallocate, nullptr, true);
				statement->prepared = false;
				statement->number = ++c->next_statement;
				snprintf(name, sizeof name, "s%u", statement->number);
			}
			if (!statement->prepared) {
				statement->definitions = definition_version();
				send_prepare(c, name, sql, count, types, statement);
				statement->prepared = true;
			}
			before_message(c->conn, sql);
			if (!PQsendQueryPrepared(c->conn, name, count, values, lengths, formats, binary_result))
				raise_connection_lost(c);
			return;
		}
	}
	before_message(c->conn, sql);
	if (!PQsendQueryParams(c->conn, sql, count, types, values, lengths, formats, binary_result))
		raise_connection_lost(c);
}

} // namespace shardext
