// Rows of a set-returning function, made of texts.
#include "shardext/monitor/text_rows.hpp"

#include "shardext/pg/walk.hpp"

namespace shardext {

TextRows::TextRows(FunctionCallInfo fcinfo) {
	InitMaterializedSRF(fcinfo, 0);
	info_ = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	input_ = TupleDescGetAttInMetadata(info_->setDesc);
}

void TextRows::add(char **values) {
	tuplestore_puttuple(info_->setResult, BuildTupleFromCStrings(input_, values));
}

char *array_text(List *elements) {
	StringInfoData text;
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	foreach_ptr (char, element, elements) {
		appendStringInfoString(&text, text.len > 1 ? ",\"" : "\"");
		for (const char *p = element; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				appendStringInfoChar(&text, '\\');
			appendStringInfoChar(&text, *p);
		}
		appendStringInfoChar(&text, '"');
	}
	appendStringInfoChar(&text, '}');
	return text.data;
}

} // namespace shardext
