#include "hdf5/size_check.hpp"

#include <algorithm>

#include "sentence.hpp"

namespace isochron::hdf5 {

void SizeCheck::network(const std::string& name, const ModelRecord& model, Index parameters) const {
  const std::vector<Index>& layers = model.layers;
  // No width exceeds P, which also keeps the product of two widths of a damaged file in range.
  const bool widths_fit =
      std::all_of(layers.begin(), layers.end(), [&](Index w) { return w > 0 && w <= parameters; });
  require(layers.size() >= 2 && widths_fit && layers.front() == layers.back(),
          name + "/layers is no network with the parameters in " + name + "/theta");
  equal(name + "/theta", parameters, model.network().parameters());
}

void SizeCheck::fail(const std::string& complaint) const {
  throw InputError("sizes in " + quoted(file_) + " do not fit: " + complaint);
}

}  // namespace isochron::hdf5
