// Names and kinds; values are for the database to judge.
#include "api/command_arguments.hpp"

#include "base/sqlstate.hpp"

#include <algorithm>

namespace pg_live {

namespace {

constexpr std::size_t kMaxNameBytes = 64; // bytes of a name in an error

// What realtime-js puts beside the arguments.
bool is_of_envelope(std::string_view name) { return name == "type" || name == "event"; }

bool is_text(json::Value value) { return value.kind == json::Kind::string || value.kind == json::Kind::null; }

bool are_texts(json::Value value) {
  for (const json::Value &each : json::elements(value))
    if (!is_text(each)) return false;
  return true;
}

// Whether nothing narrows the command, though something could.
bool is_wide(const CommandEntry &entry, json::Value arguments) {
  bool could_be_narrower = false;
  for (const Parameter &each : entry.parameters) {
    if (each.effect != ArgumentEffect::narrows) continue;
    const auto value = json::member(arguments, each.name);
    if (value && value->kind != json::Kind::null) return false;
    could_be_narrower = true;
  }
  return could_be_narrower;
}

std::string names_of(std::span<const Parameter> parameters) {
  std::string names;
  for (const Parameter &each : parameters)
    names.append(names.empty() ? "" : ", ").append(each.name);
  return names;
}

DatabaseError unknown_argument(const CommandEntry &entry, std::string_view name) {
  return {sqlstate::kInvalidParameterValue,
          std::string("unknown argument \"").append(name.substr(0, kMaxNameBytes)).append("\""),
          "the command takes " + names_of(entry.parameters)};
}

DatabaseError wrong_kind(const Parameter &parameter) {
  return {sqlstate::kInvalidParameterValue,
          std::string(parameter.name)
              .append(parameter.kind == ArgumentKind::texts ? " must be a list of texts" : " must be a text"),
          ""};
}

} // namespace

std::optional<DatabaseError> argument_error(const CommandEntry &entry, json::Value arguments, ArgumentSource source) {
  const bool is_push = source == ArgumentSource::push;
  const bool may_have_more = is_push && !is_wide(entry, arguments);
  std::string name;
  for (const json::Member &member : json::members(arguments)) {
    json::unescape({json::Kind::string, member.key}, name);
    const auto parameter = std::find_if(entry.parameters.begin(), entry.parameters.end(),
                                        [&](const Parameter &each) { return each.name == name; });
    if (parameter == entry.parameters.end()) {
      if (may_have_more || (is_push && is_of_envelope(name))) continue;
      return unknown_argument(entry, name);
    }
    if (parameter->kind == ArgumentKind::text && !is_text(member.value)) return wrong_kind(*parameter);
    if (parameter->kind == ArgumentKind::texts && !are_texts(member.value)) return wrong_kind(*parameter);
  }
  return std::nullopt;
}

} // namespace pg_live
