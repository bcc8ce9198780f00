#include "environment.hpp"

#include <fmt/core.h>

#include <boost/version.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "build_info.hpp"
#include "isochron/integrator.hpp"

namespace isochron {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

std::string compiler_flags() {
  std::string flags = build_info::flags;
#ifdef ISOCHRON_LEVEL  // a copy for newer processors, as cmake/shared_library.cmake makes
  flags += " -march=" ISOCHRON_LEVEL;
#endif
  return flags;
}

std::map<std::string, std::string> library_versions() {
  return {
      {"sundials", sundials_version()},
      {"hdf5", hdf5_version()},
      {"eigen",
       fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
      {"boost", fmt::format("{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000)},
      {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                    NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
  };
}

std::map<std::string, std::string> environment(int threads) {
  std::map<std::string, std::string> found = library_versions();
  found["isochron"] = build_info::version;
  found["git_revision"] = build_info::git_revision;
  found["compiler"] = build_info::compiler;
  found["flags"] = compiler_flags();
  found["cpu"] = processor();
  found["threads"] = std::to_string(threads);
  return found;
}

}  // namespace isochron
