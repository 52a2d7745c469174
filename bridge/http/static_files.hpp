// The files of the demo. Small, read when asked for; an app serves its pages from elsewhere.
// Invariant: nothing outside the folder is ever read, nor a hidden file in it.
#pragma once

#include "http/http_message.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace pg_live {

class StaticFiles {
 public:
  // An empty path serves nothing. Throws std::filesystem::filesystem_error if the folder does not exist.
  explicit StaticFiles(const std::string &folder);

  // Nothing when there is no such file.
  std::optional<HttpResponse> get(std::string_view path) const;

 private:
  std::filesystem::path folder_; // canonical; empty: none
};

} // namespace pg_live
