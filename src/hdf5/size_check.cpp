#include "hdf5/size_check.hpp"

#include <algorithm>

#include "sentence.hpp"

namespace isochron::hdf5 {

void SizeCheck::network(const std::string& name, const Architecture& structure,
                        Index parameters) const {
  const std::vector<Index>& layers = structure.layers;
  // No width exceeds P, which also keeps the product of two widths of a damaged file in range.
  const bool widths_fit =
      std::all_of(layers.begin(), layers.end(), [&](Index w) { return w > 0 && w <= parameters; });
  require(layers.size() >= 2 && widths_fit && layers.front() == layers.back(),
          "{0}/layers is no network with the parameters in {0}/theta", name);
  equal(name + "/theta", parameters, Mlp(structure).parameters());
}

void SizeCheck::fail(const std::string& complaint) const {
  throw InputError(fmt::format("sizes in {} do not fit: {}", quoted(file_), complaint));
}

}  // namespace isochron::hdf5
