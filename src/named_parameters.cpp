#include "named_parameters.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "sentence.hpp"

namespace isochron {

std::string listed(const std::vector<NamedParameter>& parameters) {
  std::vector<std::string> names;
  for (const NamedParameter& parameter : parameters) names.push_back(parameter.name);
  return names.empty() ? "it has none" : fmt::format("{}", fmt::join(names, ", "));
}

std::string admissible_range(const NamedParameter& parameter) {
  const auto& [name, value, low, high] = parameter;
  if (std::isfinite(high)) return fmt::format("{:g} < {} < {:g}", low, name, high);
  return "a finite " + name + (std::isfinite(low) ? fmt::format(" > {:g}", low) : "");
}

void set_parameter(const std::string& owner, std::vector<NamedParameter>& parameters,
                   const std::string& name, double value) {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const NamedParameter& p) { return p.name == name; });
  require(found != parameters.end(), "{} has no parameter '{}': {}{}", owner, name,
          parameters.empty() ? "" : "admissible are ", listed(parameters));
  found->value = value;
  require(found->admits(value), "{} needs {}, not {} = {:g}", owner, admissible_range(*found), name,
          value);
}

}  // namespace isochron
