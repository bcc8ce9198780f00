#pragma once

#include <string>
#include <utility>

namespace isochron::cli {

/// What the program does, as bits: an option says which verbs take it.
enum Verb : unsigned {
  verb_train = 1,
  verb_simulate = 2,
  verb_show = 4,
  verb_plot = 8,
  verb_check_gradient = 16,
  verb_benchmark = 32,
  verb_analyze = 64,
  verb_sweep = 128,
  verb_merge = 256,
  verb_abel = 512,
  verb_complete = 1024,
  verb_report = 2048,
};

inline constexpr std::pair<Verb, const char*> verb_names[] = {
    {verb_train, "train"},
    {verb_simulate, "simulate"},
    {verb_check_gradient, "check-gradient"},
    {verb_benchmark, "benchmark"},
    {verb_analyze, "analyze"},
    {verb_abel, "abel"},
    {verb_complete, "complete"},
    {verb_sweep, "sweep"},
    {verb_show, "show"},
    {verb_plot, "plot"},
    {verb_report, "report"},
    {verb_merge, "merge"}};

[[nodiscard]] inline std::string name_of(Verb verb) {
  for (const auto& [each, name] : verb_names) {
    if (each == verb) return name;
  }
  return "";
}

}  // namespace isochron::cli
