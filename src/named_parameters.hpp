#pragma once

#include <string>
#include <vector>

#include "isochron/named_parameter.hpp"

namespace isochron {

/// "omega, beta"; "it has none".
[[nodiscard]] std::string listed(const std::vector<NamedParameter>& parameters);

/// "a finite omega > 0", "a finite beta", "-1 < kappa < 1".
[[nodiscard]] std::string admissible_range(const NamedParameter& parameter);

/// Gives the parameter `name` a value. Throws InputError when `owner` ("the well morse") has no
/// such parameter, or the value is out of its range.
void set_parameter(const std::string& owner, std::vector<NamedParameter>& parameters,
                   const std::string& name, double value);

}  // namespace isochron
