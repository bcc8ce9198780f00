#include <fmt/core.h>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "cli/manual.hpp"

// write_manual FOLDER: writes man1/*.1 and completions/isochron there, when isochron is built.

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace isochron::cli;
  if (argc != 2) throw std::runtime_error("usage: write_manual FOLDER");
  const std::filesystem::path folder = argv[1];
  write(folder / "completions" / "isochron", bash_completion());
  for (const auto& [verb, name] : verb_names) {
    write(folder / "man1" / fmt::format("isochron-{}.1", name), manual_page(verb));
  }
  write(folder / "man1" / "isochron.1", manual_page());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
