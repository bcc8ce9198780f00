#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace isochron::cli {

/// What `read` makes of a file. A pipe can be read once only, however many runs of a sweep begin
/// from it: what it held is kept by its path and by `key`, which says how it was read.
template <class Value, class Read>
[[nodiscard]] Value read_once(const std::string& path, const std::string& key, const Read& read) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) return read();
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::string>, Value> values;
  const std::lock_guard lock(mutex);
  const auto place = std::pair(path, key);
  if (const auto found = values.find(place); found != values.end()) return found->second;
  return values.emplace(place, read()).first->second;
}

}  // namespace isochron::cli
