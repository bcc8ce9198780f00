#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/option_table.hpp"
#include "cli/print.hpp"
#include "cli/stored_run.hpp"
#include "cli/sweep_plan.hpp"
#include "cli/sweep_report.hpp"
#include "cli/sweep_table.hpp"
#include "cli/verbs.hpp"
#include "file_lock.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

/// What one of the files holds.
struct StoredPart {
  std::string file;
  SweepResults sweep;
  Configuration configuration;
};

std::vector<StoredPart> read_parts(const std::vector<std::string>& files) {
  std::vector<StoredPart> parts;
  for (const std::string& file : files) {
    SweepResults sweep = read_sweep(file);
    Configuration configuration = stored_configuration(verb_sweep, sweep.config, file);
    parts.push_back({file, std::move(sweep), std::move(configuration)});
  }
  return parts;
}

/// "--rtol 1e-9" or, where nobody asked for it, "no --rtol".
std::string asked_for(const Configuration& configuration, const std::string& key) {
  return configuration.is_default(key) ? "no --" + key : shown(as_typed(configuration, key));
}

void check_same_configuration(const StoredPart& one, const StoredPart& other) {
  for (const std::string& key : reproducing_keys(one.configuration)) {
    const std::string here = asked_for(one.configuration, key);
    const std::string there = asked_for(other.configuration, key);
    const bool same =
        here == there && text_of(one.configuration, key) == text_of(other.configuration, key);
    require(key == "part" || same,
            "{} was made with {}, {} with {}; merge takes the parts of one sweep, with the same "
            "options{}",
            shown(one.file), here, shown(other.file), there,
            key == "runs" ? " (sweep --resume FILE --runs K adds runs to a part)" : "");
  }
  const SweepPart& a = one.sweep.part;
  const SweepPart& b = other.sweep.part;
  require(
      a.of == b.of,
      "{} is part {}/{}, {} part {}/{}; merge takes parts of one sweep, which all have the same "
      "number of parts",
      shown(one.file), a.number, a.of, shown(other.file), b.number, b.of);
}

/// That the parts are of one sweep, each as its configuration says, and hold no run twice.
void check_parts(const std::vector<StoredPart>& parts) {
  std::map<long, std::string> file_of;
  for (const StoredPart& part : parts) {
    check_same_configuration(parts.front(), part);
    SweepPlan(part.configuration).check(part.sweep, part.file, parts.front().sweep.configurations);
    for (const SweepRun& run : part.sweep.runs) {
      const auto [found, is_new] = file_of.emplace(run.run, part.file);
      require(is_new, "run {} is in {} and in {}; give each part once", run.run,
              shown(found->second), shown(part.file));
    }
  }
}

/// A text as a shell takes it for one word.
std::string as_word(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string("._/,:+=@%-").find(static_cast<char>(c)) != std::string::npos;
  });
  if (plain && !text.empty()) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + '\'';
}

/// The command that makes a part from its beginning.
std::string command_for(const Configuration& configuration, const SweepPart& part) {
  std::string command = "isochron sweep";
  for (const std::string& key : reproducing_keys(configuration)) {
    if (key == "part" || configuration.is_default(key)) continue;
    const bool is_flag = option_named(key, verb_sweep).argument == nullptr;
    command += " --" + key + (is_flag ? "" : ' ' + as_word(text_of(configuration, key)));
  }
  return command + fmt::format(" --part {0}/{1} --output part-{0}-of-{1}.h5", part.number, part.of);
}

/// How the rest of a part comes about.
std::string remedy(const std::vector<StoredPart>& parts, long number) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const StoredPart& part) {
    return part.sweep.part.number == number;
  });
  if (found == parts.end()) {
    const StoredPart& any = parts.front();
    return command_for(any.configuration, {number, any.sweep.part.of});
  }
  const Writer writer = writer_of(found->file);
  if (writer.is == Writer::Is::somebody) {
    return fmt::format("wait for {}, which {} still writes", shown(found->file), writer.process);
  }
  return "isochron sweep --resume " + as_word(found->file);
}

/// The first few, separated.
std::string listed(const std::vector<std::string>& words, std::size_t most,
                   const std::string& separator) {
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(std::min(most, words.size()));
  return fmt::format("{}{}", fmt::join(words.begin(), end, separator),
                     words.size() > most ? separator + ".." : "");
}

void check_complete(const std::vector<StoredPart>& parts, const SweepPlan& plan,
                    const SweepTable& table) {
  std::vector<std::string> missing;
  std::vector<std::string> remedies;
  std::map<long, bool> seen;
  for (const long run : plan.runs()) {
    if (table.holds(run)) continue;
    missing.push_back(std::to_string(run));
    const long number = parts.front().sweep.part.number_of(run, plan.configurations());
    if (seen.emplace(number, true).second) remedies.push_back(remedy(parts, number));
  }
  require(missing.empty(), "{} of {} runs are missing ({}): {}", missing.size(), plan.total(),
          listed(missing, 8, ", "), listed(remedies, 3, "; "));
}

/// What the parts say of where they were made, without repetition.
std::map<std::string, std::string> environments(const std::vector<StoredPart>& parts) {
  std::map<std::string, std::vector<std::string>> values;
  for (const StoredPart& part : parts) {
    for (const auto& [key, value] : part.sweep.environment) {
      std::vector<std::string>& known = values[key];
      if (std::find(known.begin(), known.end(), value) == known.end()) known.push_back(value);
    }
  }
  std::map<std::string, std::string> environment;
  for (const auto& [key, known] : values)
    environment[key] = fmt::format("{}", fmt::join(known, "; "));
  return environment;
}

/// What the runs have in common.
SweepResults head_of(const std::vector<StoredPart>& parts, const SweepPlan& plan) {
  const StoredPart& first = parts.front();
  SweepResults head;
  head.title = plan.title();
  head.config = with_default(verb_sweep, "part", first.sweep.config, first.file);
  head.environment = environments(parts);
  for (const SweepConfiguration& configuration : first.sweep.configurations) {
    head.configurations.push_back({configuration.name, configuration.network, {}, {}});
  }
  return head;
}

}  // namespace

int merge(const Configuration& given) {
  Output output = output_of(given);
  const std::vector<StoredPart> parts = read_parts(given.files);
  check_parts(parts);
  Configuration whole = parts.front().configuration;
  whole.part = {};
  const SweepPlan plan(whole);
  SweepTable table(head_of(parts, plan));
  for (const StoredPart& part : parts) table.add(part.sweep, part.file, output.path());
  check_complete(parts, plan, table);
  const SweepResults merged = table.assembled();
  output.save(sweep_image(output.path(), merged));
  put("{}", sweep_text(merged, output.path()));
  return 0;
}

}  // namespace isochron::cli
