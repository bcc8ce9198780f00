#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>

#include "atomic_file.hpp"
#include "cli/benchmark_report.hpp"
#include "cli/figures/drawings.hpp"
#include "cli/json.hpp"
#include "cli/output.hpp"
#include "cli/page.hpp"
#include "cli/print.hpp"
#include "cli/remarks.hpp"
#include "cli/run_report.hpp"
#include "cli/stored_configuration.hpp"
#include "cli/stored_run.hpp"
#include "cli/sweep_report.hpp"
#include "cli/verbs.hpp"
#include "gnuplot.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

struct Meaning {
  const char* kind;  // of a verdict on a page
  const char* words;
};

/// What a verdict says to somebody who has not read the theory (docs/what_the_loss_determines.md).
Meaning meaning(Isochrony verdict) {
  switch (verdict) {
    case Isochrony::harmonic:
      return {"good",
              "Every orbit that was looked at has the same period, whatever its energy, and the "
              "force is that of a harmonic spring."};
    case Isochrony::sheared:
      return {"good",
              "Every orbit that was looked at has the same period, whatever its energy, and the "
              "force is not that of a spring: the well is a harmonic one whose sides are moved "
              "sideways (sheared) at equal width."};
    case Isochrony::at_samples_only:
      return {"bad",
              "The orbits that were trained on close in time, those between them do not: more "
              "trajectories are needed."};
    case Isochrony::several_wells:
      return {"bad",
              "The orbits lie in more than one well; isochrony is a property of a single one."};
    case Isochrony::not_isochronous:
      return {"bad", "The period of an orbit depends on its energy."};
    case Isochrony::not_converged:
      return {"open",
              "Training has not ended at a force all of whose orbits are periodic; what it would "
              "become cannot be said yet."};
    case Isochrony::undecided: return {"open", "A number that decides could not be had."};
  }
  return {"open", ""};
}

void add_verdict(Page& page, const Run& run, const std::string& file) {
  if (run.certificate) {
    const auto [kind, words] = meaning(run.certificate->verdict);
    page.verdict(fmt::format("{}: {}", name(run.certificate->verdict), run.certificate->reason),
                 kind);
    page.paragraph(words);
  } else if (const auto words = prescribed_periods_in_words(run)) {
    page.verdict(*words, "open");
  }
  for (const std::string& remark : remarks(run, file)) page.paragraph(remark);
}

/// A word of a command line, as a shell reads it.
std::string quoted(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_not_of(
                                             "abcdefghijklmnopqrstuvwxyz"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-+=.,/:%@^") == std::string::npos;
  if (is_plain) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// The command that a configuration came from, without what is a default.
std::string command_of(const Json& config) {
  std::string command = "isochron " + stored_text(config, "verb", "train");
  const Json options = stored_object(config, "options");
  const Json origins = stored_object(config, "origin");
  for (const auto& [key, value] : options.items()) {
    const std::string origin = stored_text(origins, key, "default");
    if (value.is_null() || (origin != "command line" && origin != "config file")) continue;
    if (value.is_boolean()) {
      if (value.get<bool>()) command += " --" + key;
    } else {
      command += fmt::format(" --{} {}", key, quoted(text_of(value)));
    }
  }
  return command;
}

void add_configuration(Page& page, const Json& config, const std::string& revision) {
  if (!config.is_object()) return;
  page.heading("How to repeat it");
  page.screen(command_of(config));
  if (!revision.empty()) {
    page.paragraph(
        fmt::format("By isochron {}. Random numbers are the same on every machine.", revision));
  }
  page.heading("Configuration");
  std::vector<std::pair<std::string, std::string>> rows;
  const Json options = stored_object(config, "options");
  const Json origins = stored_object(config, "origin");
  for (const auto& [key, value] : options.items()) {
    if (value.is_null()) continue;
    rows.emplace_back(key,
                      fmt::format("{} ({})", text_of(value), stored_text(origins, key, "default")));
  }
  page.table(rows);
}

std::string revision_of(const std::map<std::string, std::string>& environment) {
  const auto at = [&](const char* key) {
    const auto found = environment.find(key);
    return found == environment.end() ? std::string() : found->second;
  };
  if (at("isochron").empty()) return "";
  return fmt::format("{} ({}), {}, {}", at("isochron"), at("git_revision"), at("compiler"),
                     at("cpu"));
}

void add_figures(Page& page, const std::string& file) {
  const Figures figures = drawings_of(file).figures;
  if (figures.empty()) return;
  page.heading("Figures");
  for (const auto& [name, figure] : figures) {
    page.figure(name, run_gnuplot(gnuplot_script(figure, FigureFormat::svg)));
  }
}

std::string page_of_run(const Run& run, const std::string& file) {
  Page page(run.title);
  add_verdict(page, run, file);
  add_figures(page, file);
  page.heading("Numbers");
  page.table(run_rows(run, file));
  add_configuration(page, parsed_configuration(run.config, file), revision_of(run.environment));
  return page.finished();
}

/// Of a sweep or a benchmark: the text of its screen, and its figures.
template <class Results>
std::string page_of(const Results& results, const std::string& text, const std::string& file) {
  Page page(results.title);
  page.screen(text);
  add_figures(page, file);
  add_configuration(page, parsed_configuration(results.config, file),
                    revision_of(results.environment));
  return page.finished();
}

std::string page_of_file(const std::string& file) {
  const Entries entries = read_entries(file);
  if (entries.sweep) {
    const SweepResults sweep = read_sweep(file);
    return page_of(sweep, sweep_text(sweep, file), file);
  }
  if (entries.run || !entries.benchmark) return page_of_run(read_run(file), file);
  const BenchmarkResults benchmark = read_benchmark(file);
  return page_of(benchmark, benchmark_text(benchmark, file), file);
}

}  // namespace

int report(const Configuration& given) {
  const std::string& file = given.files.front();
  const std::filesystem::path path = given.page;
  require(!path.has_parent_path() || std::filesystem::is_directory(path.parent_path()),
          "the output folder {0} does not exist; create it: mkdir -p {0}",
          shown(path.parent_path().string()));
  require_gnuplot();
  require_replaceable(path);
  try {
    replace_file(path, page_of_file(file));
  } catch (const std::system_error& error) {
    throw OutputError(fmt::format("cannot write '{}': {}", path.string(), error.code().message()));
  }
  put("{}\n", path.string());
  return 0;
}

}  // namespace isochron::cli
