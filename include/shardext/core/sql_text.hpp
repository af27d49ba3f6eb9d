// Places in SQL text that the deparser has written.
//
// The text is what PostgreSQL prints for a query: quotes inside of quotes are doubled, there are no comments,
// no dollar quotes and no escapes by backslash. So a quote character always opens or closes.
#pragma once
#include <cstddef>
#include <string_view>

namespace shardext::core {

// Length of the identifier that the text starts with, as written: quoted, or up to the next dot or white
// space.
size_t identifier_length(std::string_view text);

// Where a word of plain SQL (outside of names and literals) starts, or npos.
size_t find_outside_quotes(std::string_view text, std::string_view word);

// Makes one line of many, in place: white space outside of quotes becomes one blank, and there is none at the
// start. Returns the new length; the text is terminated there.
size_t fold_white_space(char *text);

// A part of a text that is to be replaced: [begin, end).
struct Cut {
	size_t begin, end;
};

// The identifiers that start at the given locations, in order and each once. Sorts the locations; `cuts` must
// have room for `count` of them. Returns how many there are.
size_t cut_identifiers(std::string_view text, size_t *locations, size_t count, Cut *cuts);

// Calls text(begin, end) for what stays and hole(i) for each cut, in order; empty stretches of text are left
// out.
template <class Text, class Hole>
void walk_pieces(size_t length, const Cut *cuts, size_t count, Text text, Hole hole) {
	size_t done = 0;
	for (size_t i = 0; i < count; i++) {
		if (cuts[i].begin > done)
			text(done, cuts[i].begin);
		hole(i);
		done = cuts[i].end;
	}
	if (length > done)
		text(done, length);
}

} // namespace shardext::core
