// Two parts of a sweep for `merge`, one behind the other; the first four bytes of the input say how
// long the first is.

#include "cli/configuration.hpp"
#include "cli/verbs.hpp"
#include "hdf5_bytes.hpp"
#include "isochron/results.hpp"
#include "sweep_results.hpp"

using namespace isochron;
using namespace isochron::cli;

namespace {

constexpr std::size_t head = 4;

/// Bytes of the first part.
std::size_t first_part(const std::uint8_t* data, std::size_t size) {
  std::uint32_t length = 0;
  std::memcpy(&length, data, head);
  return std::min<std::size_t>(length, size - head);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < head) return 0;
  const std::size_t first = first_part(data, size);
  Configuration configuration;
  configuration.verb = verb_merge;
  const std::string_view parts = fuzz::text_of(data + head, size - head);
  configuration.files.push_back(fuzz::folder().file("1.h5", parts.substr(0, first)));
  configuration.files.push_back(fuzz::folder().file("2.h5", parts.substr(first)));
  const std::string whole = fuzz::folder() / "whole.h5";
  configuration = layered(std::move(configuration),
                          {Origin::command_line, {{"output", whole}, {"overwrite", "yes"}}, {}});
  const bool merged = fuzz::taken([&] { merge(configuration); });
  if (merged) {
    fuzz::expect(fuzz::taken([&] { static_cast<void>(read_sweep(whole)); }),
                 "what was merged can be read");
  }
  return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                    unsigned seed) {
  std::mt19937 random(seed);
  if (size < head || random() % 20 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::size_t first = first_part(data, size);
  const std::size_t second = size - head - first;
  const bool is_first = random() % 2 == 0;
  const fuzz::Bytes part(data + head + (is_first ? 0 : first), is_first ? first : second);
  if (part.empty()) return LLVMFuzzerMutate(data, size, most);
  fuzz::change_numbers(part, random);
  return size;
}
