// Places in SQL text.
#include "shardext/core/sql_text.hpp"

#include <algorithm>

namespace shardext::core {

namespace {

bool is_blank(char c) {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

// Follows a text and knows whether a character stands inside of quotes.
class QuoteState {
public:
	// True when the character belongs to something quoted, its quotes included.
	bool is_quoted(char c) {
		if (quote_ != '\0') {
			if (c == quote_)
				quote_ = '\0';
			return true;
		}
		if (c == '\'' || c == '"')
			quote_ = c;
		return quote_ != '\0';
	}

private:
	char quote_ = '\0';
};

} // namespace

size_t identifier_length(std::string_view text) {
	size_t n = 0;
	if (text.empty() || text[0] != '"') {
		while (n < text.size() && text[n] != '.' && !is_blank(text[n]))
			n++;
		return n;
	}
	for (n = 1; n < text.size(); n++) {
		if (text[n] != '"')
			continue;
		if (n + 1 == text.size() || text[n + 1] != '"')
			return n + 1;
		n++; // a doubled quote is part of the name
	}
	return n;
}

size_t find_outside_quotes(std::string_view text, std::string_view word) {
	QuoteState state;
	for (size_t i = 0; i < text.size(); i++)
		if (!state.is_quoted(text[i]) && text.substr(i, word.size()) == word)
			return i;
	return std::string_view::npos;
}

size_t fold_white_space(char *text) {
	QuoteState state;
	char *out = text;
	for (const char *in = text; *in != '\0'; in++) {
		if (state.is_quoted(*in) || !is_blank(*in)) {
			*out++ = *in;
			continue;
		}
		while (is_blank(in[1]))
			in++;
		if (out != text)
			*out++ = ' ';
	}
	*out = '\0';
	return out - text;
}

size_t cut_identifiers(std::string_view text, size_t *locations, size_t count, Cut *cuts) {
	std::sort(locations, locations + count);
	const size_t distinct = std::unique(locations, locations + count) - locations;
	for (size_t i = 0; i < distinct; i++)
		cuts[i] = {locations[i], locations[i] + identifier_length(text.substr(locations[i]))};
	return distinct;
}

} // namespace shardext::core
