#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>

#include "cli/options.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

// The typed values of options, made of their texts.

namespace isochron::cli {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// A whole text as a number; nothing when anything is left over.
template <class T>
std::optional<T> parse(const std::string& text) {
  T value{};
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const char* begin = text.data() + (plus ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string in_digits(double value) { return sentence("%g", value); }

std::string or_else(const std::string& alternative) {
  return alternative.empty() ? "" : ", or " + alternative;
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(trimmed(part));
  return parts;
}

void Options::reject(const std::string& key, const std::string& text,
                     const std::string& admissible) const {
  const std::string& file = values_.at(key).file;
  const bool plain = !text.empty() && text.find_first_of(" \t") == std::string::npos;
  throw InputError("--" + key + " " + (plain ? shown(text) : quoted(text)) +
                   (file.empty() ? "" : ", stored in " + shown(file) + ',') +
                   " is not admissible; give " + admissible);
}

bool Options::flag(const std::string& key) const {
  const std::string& text = values_.at(key).text;
  if (text.empty() || text == "false" || text == "0" || text == "no") return false;
  if (text == "true" || text == "1" || text == "yes") return true;
  reject(key, text, "true or false");
}

std::int64_t Options::integer(const std::string& key, std::int64_t low, std::int64_t high,
                              const std::string& alternative) const {
  const std::string text = this->text(key);
  auto number = parse<std::int64_t>(text);
  if (!number) {
    // 1e6 is a whole number too.
    const auto real = parse<double>(text);
    if (real && std::abs(*real) < 1e15 && *real == std::floor(*real)) {
      number = static_cast<std::int64_t>(*real);
    }
  }
  if (!number || *number < low || *number > high) {
    reject(key, text,
           "a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
               or_else(alternative));
  }
  return *number;
}

std::uint64_t Options::seed(const std::string& key) const {
  const std::string text = this->text(key);
  const auto number = parse<std::uint64_t>(text);
  if (!number) reject(key, text, "a whole number from 0 to 18446744073709551615");
  return *number;
}

std::uint64_t Options::seeds(const std::string& key, std::int64_t count) const {
  const std::uint64_t first = seed(key);
  const std::uint64_t last_first =
      std::numeric_limits<std::uint64_t>::max() - static_cast<std::uint64_t>(count - 1);
  if (first > last_first) {
    reject(follows_seed(key) ? "seed" : key, text(key),
           "at most " + std::to_string(last_first) + ", for " + std::to_string(count) +
               " seeds begin there and 18446744073709551615 is the last one");
  }
  return first;
}

double Options::number(const std::string& key, double low, double high,
                       const std::string& alternative) const {
  const std::string text = this->text(key);
  const auto number = parse<double>(text);
  if (!number || !std::isfinite(*number) || *number < low || *number > high) {
    const std::string range = std::isfinite(high)
                                  ? "a number from " + in_digits(low) + " to " + in_digits(high)
                                  : "a finite number >= " + in_digits(low);
    reject(key, text, range + or_else(alternative));
  }
  return *number;
}

std::vector<double> Options::numbers(const std::string& key, double low, double high) const {
  const std::string text = this->text(key);
  std::vector<double> result;
  for (const std::string& part : split(text + ',', ',')) {
    const auto number = parse<double>(part);
    if (!number || !std::isfinite(*number) || *number < low || *number > high) {
      reject(key, text,
             "numbers from " + in_digits(low) + " to " + in_digits(high) + ", separated by commas");
    }
    result.push_back(*number);
  }
  return result;
}

double Options::duration(const std::string& key, double low, double high) const {
  const std::string text = this->text(key);
  constexpr std::pair<const char*, double> units[] = {
      {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"m", 60}, {"h", 3600}};
  std::optional<double> seconds = parse<double>(text);
  for (const auto& [unit, factor] : units) {
    const std::string name = unit;
    const bool has_unit = text.size() > name.size() &&
                          text.compare(text.size() - name.size(), name.size(), name) == 0;
    if (seconds || !has_unit) continue;
    seconds = parse<double>(trimmed(text.substr(0, text.size() - name.size())));
    if (seconds) *seconds *= factor;
  }
  if (!seconds || !(*seconds >= low && *seconds <= high)) {
    reject(key, text,
           "a number of s from " + in_digits(low) + " to " + in_digits(high) +
               ", or with a unit: 90s, 1m, 2h");
  }
  return *seconds;
}

double Options::time(const std::string& key) const {
  const std::string text = this->text(key);
  std::optional<double> time = parse<double>(text);
  if (const auto pi = text.find("pi"); pi != std::string::npos) {
    std::string factor = trimmed(text.substr(0, pi));
    if (!factor.empty() && factor.back() == '*')
      factor = trimmed(factor.substr(0, factor.size() - 1));
    const std::string rest = trimmed(text.substr(pi + 2));
    const auto numerator = pi == 0 ? 1.0 : parse<double>(factor);
    const auto denominator = rest.empty()          ? 1.0
                             : rest.front() == '/' ? parse<double>(trimmed(rest.substr(1)))
                                                   : std::nullopt;
    if (numerator && denominator) {
      time = *numerator * boost::math::constants::pi<double>() / *denominator;
    }
  }
  if (!time || !(*time > 0 && *time <= 1e6)) {
    reject(key, text, "a positive time such as 6.28, 2pi or pi/2, at most 1e6");
  }
  return *time;
}

std::pair<double, double> Options::interval(const std::string& key) const {
  const std::string text = this->text(key);
  const std::vector<std::string> parts = split(text + ',', ',');
  const auto low = parse<double>(parts.front());
  const auto high = parse<double>(parts.back());
  if (parts.size() != 2 || !low || !high || !std::isfinite(*high - *low) || !(*low < *high)) {
    reject(key, text, "two numbers in increasing order, separated by a comma");
  }
  return {*low, *high};
}

std::vector<Index> Options::widths(const std::string& key) const {
  const std::string text = this->text(key);
  const std::string admissible = "widths from 1 to 4096, separated by commas, such as 16,16";
  std::vector<Index> result;
  for (const std::string& part : split(text + ',', ',')) {
    const auto width = parse<std::int64_t>(part);
    if (!width || *width < 1 || *width > 4096) reject(key, text, admissible);
    result.push_back(*width);
  }
  return result;
}

std::map<std::string, double> Options::parameters(const std::string& key) const {
  const std::string text = this->text(key);
  const std::string admissible = "name=number pairs of different names, separated by commas";
  std::map<std::string, double> result;
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('=');
    const auto number = equals == std::string::npos
                            ? std::nullopt
                            : parse<double>(trimmed(part.substr(equals + 1)));
    if (!number || !result.emplace(trimmed(part.substr(0, equals)), *number).second) {
      reject(key, text, admissible);
    }
  }
  return result;
}

std::size_t Options::choice(const std::string& key, const std::vector<std::string>& names) const {
  const std::string text = this->text(key);
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) reject(key, text, (names.size() == 1 ? "" : "one of ") + listed(names));
  return static_cast<std::size_t>(found - names.begin());
}

std::vector<std::size_t> Options::choices(const std::string& key,
                                          const std::vector<std::string>& names) const {
  const std::string text = this->text(key);
  std::vector<std::size_t> result;
  for (const std::string& part : split(text + ',', ',')) {
    const auto found = std::find(names.begin(), names.end(), part);
    if (found == names.end()) reject(key, text, "any of " + listed(names));
    result.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  return result;
}

}  // namespace isochron::cli
