// Values on the wire: which types travel in binary, results to Datums.
#include "shardext/remote/row_stream.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/typcache.h"
}

namespace shardext {

bool type_travels_in_binary(Oid type) {
	type = getBaseType(type);
	if (type >= FirstGenbkiObjectId)
		return type < FirstNormalObjectId ? false : type_is_enum(type); // an enum travels as its label
	switch (type) {
	case REGPROCOID:
	case REGPROCEDUREOID:
	case REGOPEROID:
	case REGOPERATOROID:
	case REGCLASSOID:
	case REGTYPEOID:
	case REGROLEOID:
	case REGNAMESPACEOID:
	case REGCONFIGOID:
	case REGDICTIONARYOID:
	case REGCOLLATIONOID:
	case REGCLASSARRAYOID:
	case REGTYPEARRAYOID:
		return false; // an OID means something else on another server
	case RECORDOID:
	case RECORDARRAYOID:
		return false; // may hold user types
	}
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return false;
	const auto *form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
	const bool yes = OidIsValid(form->typsend) && OidIsValid(form->typreceive) &&
					 form->typtype != TYPTYPE_PSEUDO && form->typtype != TYPTYPE_COMPOSITE;
	ReleaseSysCache(tuple);
	return yes;
}

RowDecoder *make_row_decoder(TupleDesc desc) {
	auto *decoder = static_cast<RowDecoder *>(palloc0(sizeof(RowDecoder)));
	const int n = desc->natts;
	decoder->natts = n;
	decoder->functions = static_cast<FmgrInfo *>(palloc0(sizeof(FmgrInfo) * (n + 1)));
	decoder->io_params = static_cast<Oid *>(palloc0(sizeof(Oid) * (n + 1)));
	decoder->typmods = static_cast<int32 *>(palloc0(sizeof(int32) * (n + 1)));
	decoder->binary = true;
	for (int i = 0; i < n; i++)
		decoder->binary = decoder->binary && type_travels_in_binary(TupleDescAttr(desc, i)->atttypid);
	for (int i = 0; i < n; i++) {
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		// A value that is read has passed its domain's checks when it was written.
		int32 typmod = attribute->atttypmod;
		const Oid type = getBaseTypeAndTypmod(attribute->atttypid, &typmod);
		Oid function;
		if (decoder->binary)
			getTypeBinaryInputInfo(type, &function, &decoder->io_params[i]);
		else
			getTypeInputInfo(type, &function, &decoder->io_params[i]);
		fmgr_info(function, &decoder->functions[i]);
		decoder->typmods[i] = typmod;
	}
	return decoder;
}

} // namespace shardext
