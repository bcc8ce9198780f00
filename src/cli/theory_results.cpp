#include "cli/theory_results.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "cli/configuration.hpp"
#include "cli/run_report.hpp"
#include "cli/stored_configuration.hpp"
#include "clock.hpp"
#include "environment.hpp"

namespace isochron::cli {

Run theory_run(const Configuration& configuration, const std::string& title) {
  Run run;
  run.title = title;
  run.start_time = time_of_day();
  run.environment = environment(1);
  run.config = configuration_json(configuration);
  return run;
}

void add_curves(Run& run, const FoundWell& well) {
  const double stiffness = std::pow(2 * std::numbers::pi / well.period, 2);
  const Vector distance = well.position.array() - well.bottom;
  const double left = well.position[0];
  const double right = well.position[well.position.size() - 1];
  run.force = {well.position, well.force, -stiffness * distance, left, right, well.force_error};
  run.potential = {well.position, well.potential, stiffness / 2 * distance.cwiseAbs2(),
                   left,          right,          {}};
}

double largest_period_error(const std::vector<WellOrbit>& orbits,
                            const std::vector<double>& periods) {
  double largest = 0;
  for (std::size_t k = 0; k < orbits.size(); ++k) {
    largest = std::max(largest, std::abs(orbits[k].period / periods[k] - 1));
  }
  return largest;
}

void write_theory(Output& output, const Run& run) {
  if (is_table(output.path())) {
    std::string text = "x,f\n";
    for (Index k = 0; k < run.force->position.size(); ++k) {
      text += fmt::format("{},{}\n", run.force->position[k], run.force->value[k]);
    }
    output.save(text);
  } else {
    output.save(results_image(output.path(), run));
  }
  print_run(run, output.path());
}

}  // namespace isochron::cli
