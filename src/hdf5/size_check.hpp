#pragma once

#include <fmt/core.h>
#include <filesystem>
#include <string>

#include "isochron/error.hpp"
#include "isochron/results.hpp"

namespace isochron::hdf5 {

/// Compares sizes of what belongs together, of results in memory that are to be written or were
/// read; the first that does not fit is an InputError that names the file.
class SizeCheck {
 public:
  explicit SizeCheck(const std::filesystem::path& file) : file_(file.string()) {}

  template <class Found, class Expected>
  void equal(const std::string& what, Found found, Expected expected) const {
    require(static_cast<Index>(found) == static_cast<Index>(expected),
            "{} has size {} instead of {}", what, found, expected);
  }

  template <class... Values>
  void require(bool fits, fmt::format_string<const Values&...> complaint,
               const Values&... values) const {
    if (!fits) fail(fmt::format(complaint, values...));
  }

  /// That the network in the group `name` exists and has as many parameters.
  void network(const std::string& name, const Architecture& structure, Index parameters) const;

 private:
  [[noreturn]] void fail(const std::string& complaint) const;

  std::string file_;
};

}  // namespace isochron::hdf5
