#pragma once

#include <optional>

#include "hdf5/file.hpp"
#include "isochron/certificate.hpp"

namespace isochron::hdf5 {

/// The group `analysis` of an entry: the verdict, the numbers behind it, and curves over the
/// visited energies.
void write_analysis(const OutputGroup& entry, const Certificate& certificate);

/// Nothing when there is no such group.
[[nodiscard]] std::optional<Certificate> read_analysis(const InputGroup& entry);

}  // namespace isochron::hdf5
