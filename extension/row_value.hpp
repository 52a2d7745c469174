// Values of an app's tables as text and as JSON. Nothing that an app can define or replace runs for it: no cast, no
// operator, no check of a domain. What is printed is printed by the output function of a base type, which a superuser
// made.
#pragma once

#include "postgres.hpp"

namespace pg_live {

// Makes output functions print the same text in every session, until restore_formats(). An error restores them too.
int pin_formats();
void restore_formats(int nest_level);

// The id of the row that has this key; null if it has no text, or one that is far too long. The formats are pinned.
text *row_id(Datum key, Oid type);

// Adds a value to the JSON that is being built: after WJB_KEY or in an array, as `token` says. False, and what was
// built is of no use any more, if the value cannot be metadata: it is too large or too deep, or jsonb has no form for
// it. The formats are pinned.
bool push_value(JsonbParseState **state, JsonbIteratorToken token, NullableDatum value, Oid type, int levels);

} // namespace pg_live
