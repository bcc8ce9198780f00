// The configuration that a results file holds, as JSON: the first byte of the input says of which
// verb.

#include <iterator>

#include "cli/stored_configuration.hpp"
#include "target.hpp"

using namespace isochron;
using namespace isochron::cli;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Verb verb = verb_names[data[0] % std::size(verb_names)].first;
  const std::string text(fuzz::text_of(data + 1, size - 1));
  fuzz::taken([&] {
    const Configuration stored = stored_configuration(verb, text, "x.h5");
    const Configuration again = stored_configuration(verb, configuration_json(stored), "x.h5");
    for (const std::string& key : reproducing_keys(stored)) {
      fuzz::expect(cli::text_of(again, key) == cli::text_of(stored, key), key.c_str());
    }
  });
  return 0;
}
