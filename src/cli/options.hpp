#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "isochron/states.hpp"

namespace isochron::cli {

/// Where a value came from; later ones win.
enum class Origin { default_value, stored_file, config_file, command_line };

/// The programs' verbs, as bits: an option says which of them take it.
enum Verb : unsigned {
  verb_train = 1,
  verb_simulate = 2,
  verb_show = 4,
  verb_plot = 8,
  verb_check_gradient = 16,
  verb_benchmark = 32,
  verb_analyze = 64,
  verb_sweep = 128,
};

/// What stands between separators, without blanks around it.
[[nodiscard]] std::vector<std::string> split(const std::string& text, char separator);

/// The options of one invocation: text by key, checked and typed when read. Every getter throws
/// InputError with one sentence that names the option, the value and the admissible range.
class Options {
 public:
  using Texts = std::map<std::string, std::string>;

  /// A stored configuration.
  struct Stored {
    std::string file;  ///< that it stands in
    Texts defaults;    ///< what nobody had asked for
    Texts asked_for;
  };

  /// Parses `isochron VERB arguments`. Throws InputError for an unknown option (naming the nearest
  /// one), a missing value, an unreadable or faulty --config file.
  Options(Verb verb, const std::vector<std::string>& arguments);

  /// A stored configuration: what it asked for is above the defaults, below a config file and the
  /// command line; its defaults take the place of today's. Keys that the verb does not take are
  /// passed over; with `group`, those of others too.
  void add_stored(const Stored& stored, const std::string& group = "");

  /// What a value came to, once it is known; its origin stays.
  void settle(const std::string& key, const std::string& text) { values_.at(key).text = text; }

  [[nodiscard]] bool given(const std::string& key) const;  ///< neither default nor stored
  [[nodiscard]] Origin origin(const std::string& key) const { return values_.at(key).origin; }
  /// Whether a seed was not given itself but has the value of --seed.
  [[nodiscard]] bool follows_seed(const std::string& key) const {
    return values_.at(key).follows_seed;
  }
  /// The origin in words; of a value that is not set but follows another one: "as --rtol".
  [[nodiscard]] std::string origin_in_words(const std::string& key) const;

  [[nodiscard]] std::string text(const std::string& key) const;
  [[nodiscard]] bool flag(const std::string& key) const;
  /// `alternative`: a word that the caller takes instead, for the sentence.
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t low, std::int64_t high,
                                     const std::string& alternative = "") const;
  [[nodiscard]] std::uint64_t seed(const std::string& key) const;
  /// The first of so many seeds in a row, all of which must exist.
  [[nodiscard]] std::uint64_t seeds(const std::string& key, std::int64_t count) const;
  /// A finite number from low to high; high may be infinity.
  [[nodiscard]] double number(const std::string& key, double low, double high,
                              const std::string& alternative = "") const;
  /// One or more finite numbers from low to high, separated by commas.
  [[nodiscard]] std::vector<double> numbers(const std::string& key, double low, double high) const;
  /// Seconds, or with a unit 90s, 1m, 2h, from low to high s.
  [[nodiscard]] double duration(const std::string& key, double low, double high) const;
  /// A positive time such as 6.28, 2pi, pi/2, 3*pi/4.
  [[nodiscard]] double time(const std::string& key) const;
  /// Two finite numbers low < high, separated by a comma.
  [[nodiscard]] std::pair<double, double> interval(const std::string& key) const;
  [[nodiscard]] std::vector<Index> widths(const std::string& key) const;
  [[nodiscard]] std::map<std::string, double> parameters(const std::string& key) const;
  /// One of `names`; returns its index.
  [[nodiscard]] std::size_t choice(const std::string& key,
                                   const std::vector<std::string>& names) const;
  /// Any of `names`, separated by commas; returns their indices.
  [[nodiscard]] std::vector<std::size_t> choices(const std::string& key,
                                                 const std::vector<std::string>& names) const;
  [[nodiscard]] const std::vector<std::string>& positional() const { return positional_; }

  /// Options of this verb in the order of the help, that belong to a run's configuration.
  [[nodiscard]] std::vector<std::string> configuration_keys() const;

  /// All values with their origins, a line each.
  [[nodiscard]] std::string echo() const;

 private:
  struct Value {
    std::string text;
    Origin origin = Origin::default_value;
    bool follows_seed = false;
    std::string file;  ///< of a stored value
  };

  [[nodiscard]] Texts read_command_line(const std::vector<std::string>& arguments);
  [[nodiscard]] Texts read_config_file(const std::string& path) const;
  void apply(Texts layer, Origin origin, const std::string& file = "");
  [[noreturn]] void reject(const std::string& key, const std::string& text,
                           const std::string& admissible) const;

  Verb verb_;
  std::map<std::string, Value> values_;
  std::vector<std::string> positional_;
};

/// The candidate with the fewest edits from `word`.
[[nodiscard]] std::string nearest(const std::string& word,
                                  const std::vector<std::string>& candidates);

}  // namespace isochron::cli
