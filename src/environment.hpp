#pragma once

#include <map>
#include <string>

namespace isochron {

/// The version of the HDF5 library that runs: "1.10.8".
[[nodiscard]] std::string hdf5_version();

/// What the library that runs was compiled with.
[[nodiscard]] std::string compiler_flags();

/// Name and version of every library.
[[nodiscard]] std::map<std::string, std::string> library_versions();

/// Of this program on this machine: versions, revision, compiler, processor and threads.
[[nodiscard]] std::map<std::string, std::string> environment(int threads);

}  // namespace isochron
