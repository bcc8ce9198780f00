#pragma once

#include <limits>
#include <string>

namespace isochron {

/// One named parameter of a formula and the open interval low < value < high it may come from.
struct NamedParameter {
  std::string name;
  double value;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  [[nodiscard]] bool admits(double number) const { return number > low && number < high; }
};

}  // namespace isochron
