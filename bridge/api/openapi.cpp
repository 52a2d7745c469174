// Writing the document, see openapi.hpp.
#include "api/openapi.hpp"

#include "api/commands.hpp"
#include "text/json_writer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <vector>

namespace pg_live {

namespace {

using json::append_member;
using json::append_raw_member;

struct NamedSchema {
  std::string_view name;
  std::string_view schema;
};

// What the database expects of the parameters that may be any JSON to the bridge.
constexpr auto kSchemas = std::to_array<NamedSchema>({
    {"active", R"({"type":"boolean"})"},
    {"after_version", R"({"type":"integer","minimum":0})"},
    {"base_version", R"({"type":"integer","minimum":0})"},
    {"connection_id", R"({"type":"string","format":"uuid"})"},
    {"create_if_missing", R"({"type":"boolean"})"},
    {"device_type", R"({"enum":["desktop","mobile","tablet","web","other"]})"},
    {"direction", R"({"enum":["forwards","backwards"]})"},
    {"id", R"({"type":"integer"})"},
    {"ids", R"({"type":"array","items":{"type":"integer"}})"},
    {"is_public", R"({"type":"boolean"})"},
    {"limit", R"({"type":"integer","minimum":1})"},
    {"metadata", R"({"type":"object"})"},
    {"mine", R"({"type":"boolean"})"},
    {"mode", R"({"enum":["auto","away","busy","invisible"]})"},
    {"operations", R"({"type":"array"})"},
    {"session_id", R"({"type":"string","format":"uuid"})"},
    {"since", R"({"type":"string","format":"date-time"})"},
    {"status", R"({"type":"string"})"},
    {"until", R"({"type":"string","format":"date-time"})"},
    {"up_to", R"({"type":"integer"})"},
    {"user_id", R"({"type":"string"})"},
    {"version", R"({"type":"integer","minimum":0})"},
    {"visibility", R"({"enum":["public","followers","session","users","private"]})"},
});

std::string_view schema_of(const Parameter &parameter) {
  if (parameter.kind == ArgumentKind::text) return R"({"type":"string"})";
  if (parameter.kind == ArgumentKind::texts) return R"({"type":"array","items":{"type":"string"}})";
  const auto *known = std::find_if(kSchemas.begin(), kSchemas.end(),
                                   [&](const NamedSchema &each) { return each.name == parameter.name; });
  return known == kSchemas.end() ? "{}" : known->schema;
}

struct Answer {
  std::string_view status;
  std::string_view description;
};

// Of every command; each has the body of the schema Error.
constexpr auto kRefusals = std::to_array<Answer>({
    {"400", "the request is malformed, or names an argument that the command does not take"},
    {"401", "no token, one that is not accepted, or nobody is signed in"},
    {"403", "the user has no right to it, or the page's origin is not allowed"},
    {"404", "there is none"},
    {"409", "it is there already and is another, or is not in the state for it"},
    {"413", "more than the limits allow"},
    {"422", "the arguments make no sense"},
    {"429", "over a limit: try again later"},
    {"500", "the command failed; the log of the bridge knows more by the code"},
    {"503", "the database is not available: try again"},
    {"504", "the command took too long, and changed nothing"},
});

constexpr std::string_view kAnyBody = R"("content":{"application/json":{"schema":{}}})";

void append_answer(std::string &answers, std::string_view status, std::string_view description, std::string_view rest) {
  std::string answer = "{";
  append_member(answer, "description", description);
  if (!rest.empty()) answer.append(",").append(rest);
  append_raw_member(answers, status, answer.append("}"));
}

std::string refusals() {
  std::string answers;
  for (const auto &[status, description] : kRefusals) {
    answers.append(answers.empty() ? "" : ",");
    std::string one = "{";
    append_raw_member(one, status, std::string(R"({"$ref":"#/components/responses/)").append(status).append("\"}"));
    answers.append(one.substr(1));
  }
  return answers;
}

bool is_read(const CommandEntry &entry) { return entry.kind == CommandKind::read || entry.kind == CommandKind::page; }

std::string answers_of(const CommandEntry &entry) {
  const bool is_created = entry.kind == CommandKind::create;
  std::string headers;
  if (is_read(entry) || !entry.state.empty())
    append_raw_member(headers = "{", "Live-Position", R"({"$ref":"#/components/headers/Live-Position"})");
  if (entry.kind == CommandKind::page) append_raw_member(headers, "Link", R"({"$ref":"#/components/headers/Link"})");
  std::string rest(kAnyBody);
  if (!headers.empty()) rest.append(R"(,"headers":)").append(headers).append("}");
  std::string answers = "{";
  append_answer(answers, is_created ? "201" : "200", is_created ? "it is made" : "done", rest);
  if (!is_created && !is_read(entry)) append_answer(answers, "204", "done, and there is nothing to tell", "");
  if (!is_read(entry) && entry.method != "DELETE")
    append_raw_member(answers, "415", R"({"$ref":"#/components/responses/415"})");
  return answers.append(",").append(refusals()).append("}");
}

void append_query(std::string &operation, const CommandEntry &entry) {
  std::string parameters = "[";
  for (const Parameter &each : entry.parameters) {
    std::string parameter = "{";
    append_member(parameter, "name", each.name);
    append_member(parameter, "in", "query");
    append_raw_member(parameter, "schema", schema_of(each));
    json::append_raw_element(parameters, parameter.append("}"));
  }
  append_raw_member(operation, "parameters", parameters.append("]"));
}

void append_body(std::string &operation, const CommandEntry &entry) {
  std::string properties = "{";
  for (const Parameter &each : entry.parameters)
    append_raw_member(properties, each.name, schema_of(each));
  std::string schema = R"({"type":"object","additionalProperties":false)";
  append_raw_member(schema, "properties", properties.append("}"));
  append_raw_member(operation, "requestBody",
                    std::string(R"({"content":{"application/json":{"schema":)").append(schema).append("}}}}"));
}

std::string operation_id(const CommandEntry &entry) {
  std::string id(entry.method);
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  id.append(entry.path);
  std::replace(id.begin(), id.end(), '/', '_');
  return id;
}

std::string operation_of(const CommandEntry &entry) {
  std::string operation = "{";
  append_member(operation, "operationId", operation_id(entry));
  append_member(operation, "summary", entry.summary);
  if (entry.method == "GET" || entry.method == "DELETE")
    append_query(operation, entry);
  else
    append_body(operation, entry);
  append_raw_member(operation, "responses", answers_of(entry));
  return operation.append("}");
}

// Beside the commands. A broadcast's own answers differ from theirs.
constexpr std::string_view kOtherPaths = R"("/api/broadcast":{"post":{"operationId":"post_api_broadcast",
"summary":"sends broadcasts, all of them or none","requestBody":{"required":true,"content":{"application/json":{"schema":
{"type":"object","required":["messages"],"properties":{"messages":{"type":"array","maxItems":100,"items":{"type":"object",
"required":["topic","event","payload"],"properties":{"topic":{"type":"string"},"event":{"type":"string"},"payload":{},
"private":{"type":"boolean"},"persist":{}}}}}}}}},"responses":{"202":{"description":"sent"},REFUSALS}}},
"/api/broadcast/{topic}/events/{event}":{"post":{"operationId":"post_api_broadcast_event",
"summary":"sends one broadcast, whose payload is the body","parameters":[
{"name":"topic","in":"path","required":true,"schema":{"type":"string"}},
{"name":"event","in":"path","required":true,"schema":{"type":"string"}},
{"name":"private","in":"query","schema":{"type":"boolean"}},{"name":"persist","in":"query","schema":{"type":"boolean"}}],
"requestBody":{"required":true,"content":{"application/json":{"schema":{}},
"application/octet-stream":{"schema":{}}}},"responses":{"202":{"description":"sent"},
"415":{"$ref":"#/components/responses/415"},REFUSALS}}},
"/healthz":{"get":{"operationId":"get_healthz","summary":"tells whether the process lives","security":[],
"responses":{"200":{"description":"it lives",BODY}}}},
"/readyz":{"get":{"operationId":"get_readyz","summary":"tells whether events flow and commands are carried out",
"security":[],"responses":{"200":{"description":"they do",BODY},"503":{"description":"they do not",BODY}}}},
"/openapi.json":{"get":{"operationId":"get_openapi","summary":"is this document","security":[],
"responses":{"200":{"description":"the document",BODY}}}})";

constexpr std::string_view kHead = R"({"openapi":"3.1.0","info":{"title":"pg_live","version":")" PG_LIVE_VERSION
                                   R"(","description":"Every path also stands under /realtime/v1, but for those of )"
                                   R"(health and of this document."},"servers":[{"url":"/"}],)"
                                   R"("security":[{"bearer":[]},{"apikey":[]},{"query":[]}],"paths":{)";

constexpr std::string_view kSecuritySchemes =
    R"("securitySchemes":{"bearer":{"type":"http","scheme":"bearer","bearerFormat":"JWT"},)"
    R"("apikey":{"type":"apiKey","in":"header","name":"apikey"},"query":{"type":"apiKey","in":"query","name":"apikey"}},)"
    R"("schemas":{"Error":{"type":"object","required":["error"],"properties":{"error":{"type":"string"},)"
    R"("code":{"type":"string","description":"SQLSTATE"},"hint":{"type":"string"}}}},)"
    R"("headers":{"Live-Position":{"description":"a join that resumes from it gets what this state lacks",)"
    R"("schema":{"type":"string"}},"Link":{"description":"the next and the previous page","schema":{"type":"string"}}})";

void replace_all(std::string &text, std::string_view word, std::string_view replacement) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + replacement.size()))
    text.replace(at, word.size(), replacement);
}

std::string error_responses() {
  constexpr std::string_view kError =
      R"("content":{"application/json":{"schema":{"$ref":"#/components/schemas/Error"}}})";
  std::string responses = "{";
  for (const auto &[status, description] : kRefusals)
    append_answer(responses, status, description, kError);
  append_answer(responses, "415", "the body is of a type that is not taken", kError);
  return responses.append("}");
}

} // namespace

std::string openapi_document() {
  std::map<std::string_view, std::string> paths; // their operations
  for (const CommandEntry &entry : commands()) {
    if (entry.method.empty()) continue;
    std::string &operations = paths.try_emplace(entry.path, "{").first->second;
    std::string method(entry.method);
    std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::tolower(c); });
    append_raw_member(operations, method, operation_of(entry));
  }
  std::string document(kHead);
  for (auto &[path, operations] : paths)
    append_raw_member(document, path, operations.append("}"));
  std::string others(kOtherPaths);
  replace_all(others, "REFUSALS", refusals());
  replace_all(others, "BODY", kAnyBody);
  document.append(",").append(others).append("},\"components\":{").append(kSecuritySchemes);
  append_raw_member(document, "responses", error_responses());
  return document.append("}}");
}

} // namespace pg_live
