#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "hdf5/file.hpp"
#include "isochron/results.hpp"

// How a file is written again without losing what is not isochron's: groups, links, references and
// attributes that its user has put there. Isochron's own is, by definition, what it would write for
// what it reads there.

namespace isochron::hdf5 {

/// Writes below the root of a file.
using Compose = std::function<void(const OutputGroup& root)>;

/// The bytes of a file that holds what `compose` writes, and nothing else. `path` is for messages.
[[nodiscard]] std::string file_with(const std::filesystem::path& path, const Compose& compose);

/// The same where the file was `former`, in which isochron had written what `compose_former`
/// writes. When there is nothing else in `former`, the file is made afresh. Otherwise it is a byte
/// copy of `former`, in which the one takes the place of the other. What isochron had written and
/// does not any more goes; if anything foreign is in it or on it, it is kept as "former_NAME".
[[nodiscard]] std::string rewritten_file(const std::filesystem::path& path,
                                         const FormerFile& former, const Compose& compose_former,
                                         const Compose& compose);

}  // namespace isochron::hdf5
