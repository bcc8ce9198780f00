#pragma once

#include <map>
#include <set>
#include <string>

#include "hdf5/file.hpp"

namespace isochron::hdf5 {

/// What has taken the place of an object.
struct Successor {
  hobj_ref_t address = 0;  ///< 0: nothing
  std::string path;
  bool is_linked = false;  ///< whether the object that it follows has other hard links
};

/// By the address of the object.
using Moves = std::map<hobj_ref_t, Successor>;

/// Lets other hard links to an object, and all object references in the datasets and attributes of
/// a file lead to its successor; of arrays' references to the scales of their axes, those of the
/// `attached` arrays. Throws OutputError.
void redirect(const OutputFile& file, const Moves& moves, const std::set<hobj_ref_t>& attached);

}  // namespace isochron::hdf5
