// Values of an app's tables as text and as JSON. Nothing that an app can define or replace is called: no cast, no
// operator, no check of a domain. Values are printed by the output functions of base types, which only superusers can
// define.
#pragma once

#include "postgres.hpp"

namespace pg_live {

// Makes output functions print the same text in every session until restore_formats(), or until an error.
int pin_formats();
void restore_formats(int nest_level);

// The id of the row with this key; null if it has no valid text or is far too long. Formats must be pinned.
text *row_id(Datum key, Oid type);

// Adds a value to the JSON under construction, after WJB_KEY or as an element, according to `token`. Returns false, and
// leaves the JSON unusable, if the value cannot be metadata: too large, too deep, or without a form in jsonb. Formats
// must be pinned.
bool push_value(JsonbParseState **state, JsonbIteratorToken token, NullableDatum value, Oid type, int levels);

} // namespace pg_live
