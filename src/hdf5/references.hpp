#pragma once

#include <map>

#include "hdf5/file.hpp"

namespace isochron::hdf5 {

/// Where objects of a file have gone: a reference to the first one is to lead to the second one,
/// or, where that is 0, nowhere.
using Moves = std::map<hobj_ref_t, hobj_ref_t>;

/// Lets all object references in the datasets and attributes of a file, those of dimension scales
/// among them, follow the moves. Throws OutputError.
void redirect_references(const OutputFile& file, const Moves& moves);

}  // namespace isochron::hdf5
