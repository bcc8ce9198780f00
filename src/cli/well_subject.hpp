#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/configuration.hpp"
#include "isochron/certificate.hpp"
#include "isochron/results.hpp"

namespace isochron::cli {

/// A force of one dimension whose well is looked at, and what is known of it.
struct WellSubject {
  ForceFieldPtr field;
  Vector theta;
  std::string title;
  std::optional<Run> run;  ///< that it was learned in
  Interval range{-1, 1};   ///< where its stable equilibrium is looked for; of a table all of it
  bool is_table = false;
  CertificateOptions certificate;
};

/// The force of the results file that stands beside the options, or the one that --force names: an
/// analytic one, or a table in a text file. Throws InputError.
[[nodiscard]] WellSubject well_subject(const Configuration& configuration);

/// The bottom of its well. Throws InputError when it has none.
[[nodiscard]] double bottom_of(const WellSubject& subject);

/// The energies that a screen lists: even steps in the amplitude sqrt(E), from `low` (left out when
/// 0) to `high`.
[[nodiscard]] std::vector<double> even_energies(double low, double high);

}  // namespace isochron::cli
