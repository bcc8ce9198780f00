#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "atomic_file.hpp"
#include "cli/figures/drawings.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "cli/verbs.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

namespace fs = std::filesystem;

/// The file beside the figures that says what they are of, and has their captions as text.
constexpr const char* captions = "captions.txt";

std::string first_line(const Drawings& drawings) { return "Figures of " + drawings.source; }

std::string captions_of(const Drawings& drawings) {
  std::string text = first_line(drawings) + '\n';
  for (const auto& [name, figure] : drawings.figures) {
    text += fmt::format("\n{}: {}\n", name, figure.caption);
  }
  return text;
}

void write_captions(const fs::path& folder, const Drawings& drawings) {
  const fs::path path = folder / captions;
  try {
    replace_file(path, captions_of(drawings));
  } catch (const std::system_error& error) {
    throw OutputError(fmt::format("cannot write '{}': {}", path.string(), error.code().message()));
  }
}

/// Says which figures of something else there were, in the place of these.
void say_replaced(const fs::path& folder, const Drawings& drawings,
                  const std::vector<fs::path>& paths) {
  std::ifstream former(folder / captions);
  std::string line;
  std::getline(former, line);
  if (line == first_line(drawings)) return;
  std::vector<std::string> replaced;
  for (const fs::path& path : paths) {
    std::error_code ignored;
    if (fs::exists(path, ignored)) replaced.push_back(path.filename().string());
  }
  if (replaced.empty()) return;
  say("isochron: {} held figures of another run, which are replaced: {}\n", shown(folder.string()),
      fmt::format("{}", fmt::join(replaced, ", ")));
}

}  // namespace

int plot(const Configuration& given) {
  const Drawings drawings =
      given.files.size() == 1 ? drawings_of(given.files.front()) : drawings_of(given.files);
  require(!drawings.figures.empty(), "{} holds nothing to draw yet",
          shown(fmt::format("{}", fmt::join(given.files, ", "))));
  require_gnuplot();
  const fs::path folder = given.figures;
  require(!folder.empty(), "--output '' is not admissible; give the name of a folder");
  make_output_folder(folder);
  std::vector<fs::path> paths;
  for (const auto& [name, figure] : drawings.figures) {
    for (const FigureFormat format : given.figure_formats) {
      paths.push_back(folder / (name + '.' + extension(format)));
    }
  }
  for (const fs::path& path : paths) require_replaceable(path);
  require_replaceable(folder / captions);
  say_replaced(folder, drawings, paths);
  auto path = paths.begin();
  for (const auto& [name, figure] : drawings.figures) {
    for (const FigureFormat format : given.figure_formats) {
      draw(figure, *path, format);
      put("{}\n", (path++)->string());
    }
  }
  write_captions(folder, drawings);
  return 0;
}

}  // namespace isochron::cli
