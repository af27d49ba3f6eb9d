// Rows of a set-returning function, made of texts.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

class TextRows {
public:
	// Begins the result of the function that was called.
	explicit TextRows(FunctionCallInfo fcinfo);
	// Adds a row: one text for each column, NULL is nullptr.
	void add(char **values);

private:
	ReturnSetInfo *info_;
	AttInMetadata *input_;
};

// The text of an array of texts; the list's elements are char *.
char *array_text(List *elements);

} // namespace shardext
