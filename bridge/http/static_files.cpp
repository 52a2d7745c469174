// Reading files of one folder.
#include "http/static_files.hpp"

#include "http/url_query.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <utility>

namespace pg_live {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxFileBytes = 16 << 20;

std::string content_type_of(const fs::path &file) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kTypes = {{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".txt", "text/plain; charset=utf-8"},
  }};
  for (const auto &[extension, type] : kTypes)
    if (file.extension() == extension) return std::string(type);
  return "application/octet-stream";
}

} // namespace

StaticFiles::StaticFiles(const std::string &folder) {
  if (!folder.empty()) folder_ = fs::canonical(folder);
}

std::optional<HttpResponse> StaticFiles::get(std::string_view path) const {
  const auto decoded = percent_decode(path);
  if (folder_.empty() || !decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
  if (decoded->find("/.") != std::string::npos) return std::nullopt; // hidden, or upwards
  std::string relative = decoded->substr(decoded->find_first_not_of('/') == std::string::npos ? decoded->size() : 1);
  if (relative.empty() || relative.back() == '/') relative.append("index.html");
  std::error_code error;
  const fs::path file = fs::canonical(folder_ / relative, error);
  if (error || !fs::is_regular_file(file, error) || fs::file_size(file, error) > kMaxFileBytes) return std::nullopt;
  // A symbolic link may lead out of the folder.
  if (const auto inside = file.lexically_relative(folder_); inside.empty() || *inside.begin() == "..")
    return std::nullopt;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  HttpResponse response;
  response.content_type = content_type_of(file);
  response.body.assign(std::istreambuf_iterator<char>(stream), {});
  response.headers = {{"Cache-Control", "no-cache"}};
  return response;
}

} // namespace pg_live
