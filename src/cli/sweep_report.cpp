#include "cli/sweep_report.hpp"

#include <fmt/core.h>
#include <cmath>

#include "cli/json.hpp"
#include "cli/print.hpp"
#include "cli/stored_configuration.hpp"

namespace isochron::cli {
namespace {

/// Whether a run of this configuration ended in an isochronous well.
auto isochronous(std::size_t configuration) {
  return [=](const SweepRun& run) {
    return run.configuration == static_cast<long>(configuration) && run.isochronous();
  };
}

void print_spread(const char* what, const std::vector<double>& values) {
  if (values.empty()) return;
  put("  {:<34} {:.3g} .. {:.3g}, median {:.3g}\n", what, values.front(), values.back(),
      values[values.size() / 2]);
}

void print_configuration(const SweepResults& sweep, std::size_t index) {
  const auto of_this = [&](const SweepRun& run) {
    return run.configuration == static_cast<long>(index);
  };
  const long runs = std::count_if(sweep.runs.begin(), sweep.runs.end(), of_this);
  put("\n{}: {} runs\n", sweep.configurations[index].name, runs);
  for (const SweepCount& count : count_verdicts(sweep.runs)) {
    if (count.configuration != static_cast<long>(index)) continue;
    const std::string n = count.n > 0 ? fmt::format(", n = {}", count.n) : "";
    put("  {:<34} {:6}  {:5.1f} %\n", count.verdict + n, count.runs,
        100 * static_cast<double>(count.runs) / static_cast<double>(runs));
  }
  const auto values = [&](double SweepRun::*field) {
    return sorted_values(sweep.runs, field, isochronous(index));
  };
  print_spread("isochronous: centre x0", values(&SweepRun::x0));
  print_spread("  max |S|/A", values(&SweepRun::shear_max));
  print_spread("  shear S at A = 2", values(&SweepRun::shear_at_2));
  print_spread("  max |R - 1|", values(&SweepRun::width_deviation));
  print_spread("  max |f + (2 pi n/T)^2 x|", values(&SweepRun::deviation));
  print_spread("all: loss verified", sorted_values(sweep.runs, &SweepRun::loss_verified, of_this));
  print_spread("  wall time (s)", sorted_values(sweep.runs, &SweepRun::wall_time, of_this));
}

Figure wells_figure(const SweepResults& sweep) {
  Panel panel;
  panel.title = "isochronous wells";
  panel.x_label = "centre x0 (1)";
  panel.y_label = "shear S at amplitude A = 2 (1)";
  Panel shear;
  shear.title = "distribution of the shear";
  shear.x_label = "max |S|/A (1)";
  shear.y_label = "share of the isochronous runs (1)";
  shear.log_x = true;
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    Curve points{sweep.configurations[i].name, {}, {}, {}, Curve::Style::points};
    for (const SweepRun& run : sweep.runs) {
      if (!isochronous(i)(run) || !std::isfinite(run.shear_at_2)) continue;
      points.x.push_back(run.x0);
      points.y.push_back(run.shear_at_2);
    }
    if (!points.x.empty()) panel.curves.push_back(points);
    Curve share{sweep.configurations[i].name,
                sorted_values(sweep.runs, &SweepRun::shear_max, isochronous(i)),
                {},
                {},
                Curve::Style::line};
    for (std::size_t k = 1; k <= share.x.size(); ++k) {
      share.y.push_back(static_cast<double>(k) / static_cast<double>(share.x.size()));
    }
    // On a logarithmic axis there is no place for wells without shear.
    if (!share.x.empty() && share.x.back() > 0) shear.curves.push_back(share);
  }
  return {{panel, shear}};
}

}  // namespace

void print_sweep(const SweepResults& sweep, const std::filesystem::path& file) {
  put("{}: {}\n", file.string(), sweep.title);
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) print_configuration(sweep, i);
}

nlohmann::ordered_json sweep_json(const SweepResults& sweep, const std::string& file) {
  nlohmann::ordered_json json;
  json["title"] = sweep.title;
  json["config"] = parsed_configuration(sweep.config, file);
  json["environment"] = sweep.environment;
  for (const SweepConfiguration& configuration : sweep.configurations) {
    json["configurations"].push_back(configuration.name);
  }
  for (const SweepCount& count : count_verdicts(sweep.runs)) {
    json["counts"].push_back({{"configuration", count.configuration},
                              {"verdict", count.verdict},
                              {"n", count.n},
                              {"runs", count.runs}});
  }
  for (const SweepRun& run : sweep.runs) {
    json["runs"].push_back(record_json(run, sweep_fields));
  }
  return json;
}

std::vector<std::pair<std::string, Figure>> sweep_figures(const SweepResults& sweep) {
  Figure figure = wells_figure(sweep);
  std::erase_if(figure.panels, [](const Panel& panel) { return panel.curves.empty(); });
  if (figure.panels.empty()) return {};
  return {{"sweep", figure}};
}

}  // namespace isochron::cli
