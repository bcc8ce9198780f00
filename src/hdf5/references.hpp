#pragma once

#include <map>
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
/// a file, those of dimension scales among them, lead to its successor. Throws OutputError.
void redirect(const OutputFile& file, const Moves& moves);

}  // namespace isochron::hdf5
