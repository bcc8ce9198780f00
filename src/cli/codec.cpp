#include "cli/codec.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <sstream>

#include "floating_point.hpp"

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

std::optional<double> number_between(const std::string& text, double low, double high) {
  const auto value = parse<double>(text);
  if (!value || !std::isfinite(*value) || *value < low || *value > high) return std::nullopt;
  return value;
}

std::string from_to(double low, double high) { return fmt::format("from {:g} to {:g}", low, high); }

std::string number_range(double low, double high) {
  return std::isfinite(high) ? fmt::format("{} .. {}", shortest(low), shortest(high))
                             : ">= " + shortest(low);
}

/// s, of a number alone or with a unit.
std::optional<double> parse_seconds(const std::string& text) {
  constexpr std::pair<const char*, double> units[] = {{"", 1},     {"ms", 1e-3}, {"s", 1},
                                                      {"min", 60}, {"m", 60},    {"h", 3600}};
  for (const auto& [unit, factor] : units) {
    const std::string name = unit;
    if (text.size() <= name.size() || !text.ends_with(name)) continue;
    std::string digits = text.substr(0, text.size() - name.size());
    if (!name.empty()) digits = trimmed(digits);
    if (const auto value = parse<double>(digits)) return *value * factor;
  }
  return std::nullopt;
}

/// Of a number, or of a multiple or a fraction of pi.
std::optional<double> parse_time(const std::string& text) {
  const auto pi = text.find("pi");
  if (pi == std::string::npos) return parse<double>(text);
  std::string factor = trimmed(text.substr(0, pi));
  if (factor.ends_with('*')) factor = trimmed(factor.substr(0, factor.size() - 1));
  const std::string rest = trimmed(text.substr(pi + 2));
  const auto numerator = pi == 0 ? 1.0 : parse<double>(factor);
  const auto denominator = rest.empty()            ? 1.0
                           : rest.starts_with('/') ? parse<double>(trimmed(rest.substr(1)))
                                                   : std::nullopt;
  if (!numerator || !denominator) return std::nullopt;
  return *numerator * std::numbers::pi / *denominator;
}

/// As a multiple or a fraction of pi where it is one of small numbers.
std::string write_time(double value) {
  constexpr int largest = 12;
  for (int denominator = 1; denominator <= largest; ++denominator) {
    const double numerator = std::round(value * denominator / std::numbers::pi);
    const bool exact = numerator * std::numbers::pi / denominator == value;
    if (!exact || numerator < 1 || numerator > 1000) continue;
    const bool product = numerator > 1 && denominator > 1;
    return fmt::format("{}{}{}", numerator > 1 ? shortest(numerator) : "", product ? "*pi" : "pi",
                       denominator > 1 ? fmt::format("/{}", denominator) : "");
  }
  return shortest(value);
}

/// name=value pairs of different names, separated by commas; nothing unless all values can be
/// parsed.
template <class Value, class Parse>
std::optional<std::map<std::string, Value>> parse_pairs(const std::string& text,
                                                        const Parse& parse_value) {
  std::map<std::string, Value> pairs;
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('=');
    if (equals == std::string::npos) return std::nullopt;
    const std::optional<Value> value = parse_value(trimmed(part.substr(equals + 1)));
    const bool is_new = value && pairs.emplace(trimmed(part.substr(0, equals)), *value).second;
    if (!is_new) return std::nullopt;
  }
  return pairs;
}

template <class Value, class Write>
std::string write_pairs(const std::map<std::string, Value>& pairs, const Write& write_value) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : pairs) texts.push_back(name + '=' + write_value(value));
  return fmt::format("{}", fmt::join(texts, ","));
}

/// low:high, of which one may be absent: infinite.
std::optional<std::pair<double, double>> parse_range(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto end = [](const std::string& number, double absent) {
    return number.empty() ? std::optional(absent) : number_between(number, -infinity, infinity);
  };
  const auto low = end(trimmed(text.substr(0, colon)), -infinity);
  const auto high = end(trimmed(text.substr(colon + 1)), infinity);
  const bool is_range =
      low && high && *low < *high && (std::isfinite(*low) || std::isfinite(*high));
  return is_range ? std::optional(std::pair(*low, *high)) : std::nullopt;
}

}  // namespace

std::string range_in_words(double low, double high) {
  const auto end = [](double number) { return std::isinf(number) ? "" : shortest(number); };
  return end(low) + ':' + end(high);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(trimmed(part));
  return parts;
}

std::string shortest(double value) {
  char text[40];
  constexpr double largest_in_digits = 1e6;
  const bool in_digits = value == std::floor(value) && std::abs(value) < largest_in_digits;
  const auto end = in_digits
                       ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
                       : std::to_chars(text, text + sizeof text, value);
  std::string digits(text, end.ptr);
  // 1e-9 is how people write 1e-09, and 1e6 is 1e+06.
  const auto exponent = digits.find('e');
  if (exponent == std::string::npos) return digits;
  const bool negative = digits[exponent + 1] == '-';
  const auto first = digits.find_first_not_of("+-0", exponent + 1);
  return digits.substr(0, exponent + 1) + (negative ? "-" : "") + digits.substr(first);
}

std::optional<std::int64_t> parse_whole(const std::string& text) {
  if (const auto value = parse<std::int64_t>(text)) return value;
  const auto real = parse<double>(text);
  if (!real || !(std::abs(*real) < 1e15) || *real != std::floor(*real)) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

std::string whole_range(std::int64_t low, std::int64_t high) {
  std::string top = fmt::format("{}", high);
  const bool power_of_ten = top.find_first_not_of('0', 1) == std::string::npos && top[0] == '1';
  if (power_of_ten && top.size() > 6) top = fmt::format("10^{}", top.size() - 1);
  return fmt::format("{} .. {}", low, top);
}

Codec<std::string> any_text() {
  return {[](const std::string& text) { return std::optional(text); },
          [](const std::string& value) { return value; }, "", ""};
}

Codec<std::string> name_or_file(std::vector<std::string> names) {
  Codec<std::string> codec = any_text();
  codec.choices = std::move(names);
  return codec;
}

Codec<bool> flag() {
  const Names<bool> words = {{"true", true},   {"1", true},  {"yes", true}, {"", false},
                             {"false", false}, {"0", false}, {"no", false}};
  return {[=](const std::string& text) { return value_of(words, text); },
          [](bool value) { return std::string(value ? "true" : ""); }, "true or false", ""};
}

Codec<std::uint64_t> seed() {
  return {parse<std::uint64_t>, [](std::uint64_t value) { return fmt::format("{}", value); },
          fmt::format("a whole number from 0 to {}", std::numeric_limits<std::uint64_t>::max()),
          "0 .. 2^64 - 1"};
}

Codec<double> number(double low, double high) {
  return {[=](const std::string& text) { return number_between(text, low, high); }, shortest,
          std::isfinite(high) ? "a number " + from_to(low, high)
                              : fmt::format("a finite number >= {:g}", low),
          number_range(low, high)};
}

Codec<std::vector<double>> numbers(double low, double high) {
  return list_of(number(low, high), "numbers " + from_to(low, high) + ", separated by commas");
}

Codec<double> duration(double low, double high) {
  return {[=](const std::string& text) {
            const auto seconds = parse_seconds(text);
            const bool fits = seconds && *seconds >= low && *seconds <= high;
            return fits ? seconds : std::nullopt;
          },
          shortest, "a number of s " + from_to(low, high) + ", or with a unit: 90s, 1m, 2h",
          number_range(low, high)};
}

Codec<double> time() {
  constexpr double longest = 1e6;
  return {[](const std::string& text) {
            const auto value = parse_time(text);
            return value && *value > 0 && *value <= longest ? value : std::nullopt;
          },
          write_time, "a positive time such as 6.28, 2pi or pi/2, at most " + shortest(longest),
          "> 0"};
}

Codec<Interval> interval() {
  const Codec<std::vector<double>> pair = numbers(-infinity, infinity);
  return {[=](const std::string& text) -> std::optional<Interval> {
            const auto ends = pair.parse(text);
            if (!ends || ends->size() != 2) return std::nullopt;
            const Interval interval{ends->front(), ends->back()};
            const bool increasing = interval.left < interval.right;
            if (!increasing || !std::isfinite(interval.right - interval.left)) return std::nullopt;
            return interval;
          },
          [=](const Interval& value) {
            return pair.write({value.left, value.right});
          },
          "two numbers in increasing order, separated by a comma", ""};
}

Codec<std::vector<Index>> widths(Index most) {
  return list_of(whole<Index>(1, most),
                 fmt::format("widths from 1 to {}, separated by commas, such as 16,16", most));
}

Codec<std::vector<std::string>> parameter_names() {
  return {[](const std::string& text) -> std::optional<std::vector<std::string>> {
            std::vector<std::string> names = split(text, ',');
            const std::set<std::string> different(names.begin(), names.end());
            if (different.size() != names.size() || different.count("") != 0) return std::nullopt;
            return names;
          },
          [](const std::vector<std::string>& names) {
            return fmt::format("{}", fmt::join(names, ","));
          },
          "different names, separated by commas", ""};
}

Codec<Configuration::Bounds> bounds() {
  return {[](const std::string& text) {
            return parse_pairs<std::pair<double, double>>(text, parse_range);
          },
          [](const Configuration::Bounds& values) {
            return write_pairs(
                values, [](const auto& ends) { return range_in_words(ends.first, ends.second); });
          },
          "name=low:high pairs of different names and numbers low < high, of which one may be "
          "absent, separated by commas",
          ""};
}

Codec<Configuration::Parameters> parameters() {
  return {[](const std::string& text) { return parse_pairs<double>(text, parse<double>); },
          [](const Configuration::Parameters& values) { return write_pairs(values, shortest); },
          "name=number pairs of different names, separated by commas", ""};
}

Codec<SweepPart> part() {
  return {[](const std::string& text) -> std::optional<SweepPart> {
            const auto slash = text.find('/');
            if (slash == std::string::npos) return std::nullopt;
            const auto number = parse_whole(text.substr(0, slash));
            const auto of = parse_whole(text.substr(slash + 1));
            if (!number || !of || *number < 1 || *number > *of || *of > most_parts) {
              return std::nullopt;
            }
            return SweepPart{static_cast<long>(*number), static_cast<long>(*of)};
          },
          [](const SweepPart& value) { return fmt::format("{}/{}", value.number, value.of); },
          fmt::format("i/n, whole numbers with 1 <= i <= n <= {}, such as 2/8", most_parts),
          "i/n with 1 <= i <= n"};
}

}  // namespace isochron::cli
