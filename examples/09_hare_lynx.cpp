// Rates of a model without a network, from few noisy data: the pelts of snowshoe hares u_1 and
// lynxes u_2 that the Hudson's Bay Company collected from 1900 to 1920, by Lotka and Volterra's
//
//   u_1' = (alpha - beta u_2) u_1,   u_2' = (-gamma + delta u_1) u_2.
//
// Maximum likelihood, with lognormal errors of one sigma; where both populations stood in 1900 is
// fitted, too. Rates are positive, so their logarithms are the parameters.
//
//   09_hare_lynx [FILE]     (default: examples/data/hare_lynx.csv, looked for upwards from the
//   program)
//
// Expect the means of the posterior distribution in B. Carpenter's case study for Stan (2018,
// posteriordb hudson_lynx_hare-lotka_volterra), within half of its standard deviations.

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "isochron/analytic_force.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/observed_data.hpp"

namespace {

using namespace isochron;

/// All four rates fitted, on a logarithmic scale, from a start of the right order.
std::shared_ptr<const AnalyticForce> lotka_volterra() {
  AnalyticTerm term = analytic_term("lotka-volterra", 2,
                                    {{"alpha", 1}, {"beta", 0.02}, {"gamma", 1}, {"delta", 0.02}});
  for (AnalyticParameter& rate : term.parameters) {
    rate.is_fitted = true;
    rate.scale.logarithmic = true;
  }
  return std::make_shared<AnalyticForce>(std::move(term));
}

std::filesystem::path data_file(const char* program) {
  auto folder = std::filesystem::absolute(program).parent_path();
  while (!exists(folder / "examples/data/hare_lynx.csv") && folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  return folder / "examples/data/hare_lynx.csv";
}

ObservedData read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::array<double, 3>> rows;
  for (std::string line; std::getline(file, line);) {
    std::array<double, 3> row{};
    if (std::sscanf(line.c_str(), "%lf,%lf,%lf", &row[0], &row[1], &row[2]) == 3) {
      rows.push_back(row);
    }
  }
  const auto count = static_cast<Index>(rows.size());
  const Eigen::Map<Eigen::MatrixXd> columns(rows.empty() ? nullptr : rows[0].data(), 3, count);
  ObservedTrajectory pelts;
  pelts.name = "pelts";
  pelts.time = columns.row(0);
  pelts.value = columns.bottomRows(2);
  return {Motion::first_order, 2, {pelts}};
}

}  // namespace

int main(int argc, char** argv) {
  const ObservedData data = read(argc > 1 ? argv[1] : data_file(argv[0]));
  ObservedEnsemble observed = with_start(data, starting_states(data), Vector::Ones(2));
  observed.observations.error_model = ErrorModel::lognormal;
  const auto force = lotka_volterra();
  const Objective objective =
      Objective(Dynamics(force, Motion::first_order), observed.ensemble, observed.observations)
          .fitting_initial_states();
  const ObservationFit fit = fit_observations(objective, force->start());

  // Errors of 1 were assumed; what they are says nothing about where the minimum is.
  const double sigma = std::sqrt(fit.chi_squared / fit.degrees_of_freedom);
  const Vector rates = force->values(fit.training.state.theta);
  const Vector slopes = force->slopes(fit.training.state.theta);
  const double published[] = {0.547, 0.0277, 0.801, 0.0241};
  const double deviation[] = {0.064, 0.0042, 0.092, 0.0036};
  bool agrees = true;
  std::printf("rate (per year)   standard error   published\n");
  for (Index p = 0; p < 4; ++p) {
    const double error = sigma * fit.posterior->standard_error(slopes[p] * Vector::Unit(4, p));
    std::printf("%-6s %.6f   %.6f         %.4f +- %.4f\n",
                force->term().parameters[static_cast<std::size_t>(p)].name.c_str(), rates[p], error,
                published[p], deviation[p]);
    agrees = agrees && std::abs(rates[p] - published[p]) <= 0.5 * deviation[p];
  }
  const States& first = fit.training.state.initial_states;
  std::printf("in 1900 %.2f thousand hares, %.2f thousand lynxes; errors of a factor exp(%.3f)\n",
              first(0, 0), first(1, 0), sigma);
  return agrees ? 0 : 1;
}
