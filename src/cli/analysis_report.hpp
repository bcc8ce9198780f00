#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "isochron/certificate.hpp"

namespace isochron::cli {

/// The verdict and the numbers behind it, as rows "  name value" for people. Where periods are
/// prescribed, isochrony is not what the verdict is about.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> certificate_rows(
    const Certificate& certificate, bool periods_are_prescribed = false);

/// The same for programs, under the names of the file.
[[nodiscard]] nlohmann::ordered_json certificate_json(const Certificate& certificate);

}  // namespace isochron::cli
