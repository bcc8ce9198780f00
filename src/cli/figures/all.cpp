#include <iterator>

#include "cli/figures/kinds.hpp"

namespace isochron::cli {

Figures figures_of(const ShownRun& shown) {
  Figures all;
  for (const auto kind :
       {portrait_figures, portrait_strip, orbit_figures, plane_figures, force_figures,
        asked_figures, fit_figures, certificate_figures, closure_figures, loss_figures}) {
    Figures more = kind(shown);
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  for (auto& [name, figure] : all) {
    say_below(figure, shown.has_units() ? "In the units of the data."
                                        : "All quantities are dimensionless.");
  }
  return all;
}

}  // namespace isochron::cli
