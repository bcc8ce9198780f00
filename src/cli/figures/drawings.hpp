#pragma once

#include <string>
#include <vector>

#include "cli/figures/common.hpp"

namespace isochron::cli {

/// What is drawn, and in one line what it is of.
struct Drawings {
  std::string source;
  Figures figures;
};

/// Of a file with a run, a benchmark beside it or alone, or a sweep. Throws InputError for what a
/// figure cannot show.
[[nodiscard]] Drawings drawings_of(const std::string& file);

/// Of several runs, which are laid over each other. Throws InputError for a file without one, and
/// for what a figure cannot show.
[[nodiscard]] Drawings drawings_of(const std::vector<std::string>& files);

/// Throws InputError unless gnuplot is installed: drawing would only find out later.
void require_gnuplot();

}  // namespace isochron::cli
