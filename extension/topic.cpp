// Evaluates live.topic_access() as the current user; live.send().
#include "topic.hpp"

#include "boundary.hpp"
#include "event.hpp"
#include "query.hpp"

namespace pg_live {

namespace {

// One column of live.topic_access(topic), evaluated as the current user.
bool has_access(std::string_view topic, KeptPlan &plan, const char *statement) {
  const Datum value = PointerGetDatum(cstring_to_text_with_len(topic.data(), topic.size()));
  const NullableDatum allowed = query_value(plan, statement, {TEXTOID}, &value, nullptr, Effects::writes);
  return !allowed.isnull && DatumGetBool(allowed.value);
}

[[noreturn]] void deny(const char *action, std::string_view topic) {
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("permission denied to %s topic \"%.*s\"", action, static_cast<int>(topic.size()), topic.data()),
           errhint("Access to a topic of the app comes from a rule made with live.set_topic_rule().")));
  pg_unreachable();
}

Datum send_body(FunctionCallInfo fcinfo) {
  static constinit KeptPlan plan;
  const std::string_view topic = text_argument(fcinfo, 0, "topic");
  check_topic(topic);
  if (!has_access(topic, plan, "select can_send from live.topic_access($1)")) deny("send to", topic);
  PG_RETURN_INT64(emit_arguments(fcinfo, send_limit()));
}

} // namespace

void require_can_receive(std::string_view topic) {
  static constinit KeptPlan plan;
  check_topic(topic);
  if (!has_access(topic, plan, "select can_receive from live.topic_access($1)")) deny("receive", topic);
}

} // namespace pg_live

extern "C" {
PG_FUNCTION_INFO_V1(pg_live_send);
extern PGDLLEXPORT Datum pg_live_send(PG_FUNCTION_ARGS);

Datum pg_live_send(PG_FUNCTION_ARGS) { return pg_live::entry<pg_live::send_body>(fcinfo); }
}
