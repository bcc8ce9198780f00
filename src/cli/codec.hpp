#pragma once

#include <fmt/format.h>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/configuration.hpp"

namespace isochron::cli {

/// How values of one type are written: what the text of an option means, where it is admissible,
/// and how a value is written again.
template <class T>
struct Codec {
  std::function<std::optional<T>(const std::string&)> parse;  ///< nothing: not admissible
  std::function<std::string(const T&)> write;
  std::string wanted;  ///< what a sentence asks for: "a whole number from 1 to 64"
  std::string range;   ///< the same in the help: "1 .. 64"
  std::vector<std::string> choices = {};  ///< the texts that have names, for completion
};

/// What stands between separators, without blanks around it.
[[nodiscard]] std::vector<std::string> split(const std::string& text, char separator);

/// The shortest digits that give this number again: 1e-9, 0.1, 100.
[[nodiscard]] std::string shortest(double value);

/// "0:1", "0:", ":1": low:high, an infinite end left out.
[[nodiscard]] std::string range_in_words(double low, double high);

/// A whole text as a number, 1e6 as a whole one, too; nothing when anything is left over.
[[nodiscard]] std::optional<std::int64_t> parse_whole(const std::string& text);

/// "1 .. 10^7".
[[nodiscard]] std::string whole_range(std::int64_t low, std::int64_t high);

[[nodiscard]] Codec<std::string> any_text();
/// One of these names, or the name of a file.
[[nodiscard]] Codec<std::string> name_or_file(std::vector<std::string> names);
/// true or false; a flag that is not set is an empty text.
[[nodiscard]] Codec<bool> flag();
[[nodiscard]] Codec<std::uint64_t> seed();
/// A finite number from low to high; high may be infinity.
[[nodiscard]] Codec<double> number(double low, double high);
/// The same, separated by commas.
[[nodiscard]] Codec<std::vector<double>> numbers(double low, double high);
/// Seconds, or with a unit 90s, 1m, 2h, from low to high s.
[[nodiscard]] Codec<double> duration(double low, double high);
/// A positive time such as 6.28, 2pi, pi/2, 3*pi/4.
[[nodiscard]] Codec<double> time();
/// Two finite numbers in increasing order, separated by a comma.
[[nodiscard]] Codec<Interval> interval();
/// From 1 to `most`, separated by commas.
[[nodiscard]] Codec<std::vector<Index>> widths(Index most);
/// Different names, separated by commas.
[[nodiscard]] Codec<std::vector<std::string>> parameter_names();
/// name=low:high, low < high, separated by commas.
[[nodiscard]] Codec<Configuration::Bounds> bounds();
/// name=number, separated by commas.
[[nodiscard]] Codec<Configuration::Parameters> parameters();
/// i/n, 1 <= i <= n.
[[nodiscard]] Codec<SweepPart> part();

template <class Integer>
[[nodiscard]] Codec<Integer> whole(Integer low, Integer high) {
  return {[=](const std::string& text) -> std::optional<Integer> {
            const auto value = parse_whole(text);
            if (!value || *value < low || *value > high) return std::nullopt;
            return static_cast<Integer>(*value);
          },
          [](Integer value) { return fmt::format("{}", value); },
          fmt::format("a whole number from {} to {}", low, high), whole_range(low, high)};
}

/// Values by their names.
template <class T>
using Names = std::vector<std::pair<std::string, T>>;

/// Enumerators by the names that the library gives them.
template <class Enumerator>
[[nodiscard]] Names<Enumerator> named(std::initializer_list<Enumerator> enumerators) {
  Names<Enumerator> names;
  for (const Enumerator each : enumerators) names.emplace_back(isochron::name(each), each);
  return names;
}

template <class T>
[[nodiscard]] std::optional<T> value_of(const Names<T>& names, const std::string& text) {
  for (const auto& [name, value] : names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

template <class T>
[[nodiscard]] std::string name_of(const Names<T>& names, const T& wanted) {
  for (const auto& [name, value] : names) {
    if (value == wanted) return name;
  }
  return "";
}

template <class T>
[[nodiscard]] std::vector<std::string> texts_of(const Names<T>& names) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : names) texts.push_back(name);
  return texts;
}

template <class T>
[[nodiscard]] std::string listed(const Names<T>& names) {
  return fmt::format("{}", fmt::join(texts_of(names), ", "));
}

template <class T>
[[nodiscard]] Codec<T> one_of(Names<T> names) {
  const std::string wanted = (names.size() == 1 ? "" : "one of ") + listed(names);
  return {[=](const std::string& text) { return value_of(names, text); },
          [=](const T& value) { return name_of(names, value); }, wanted, "", texts_of(names)};
}

/// One or more values, separated by commas. `wanted` names them all: "any of svg, png, pdf".
template <class T>
[[nodiscard]] Codec<std::vector<T>> list_of(Codec<T> codec, const std::string& wanted) {
  return {[=](const std::string& text) -> std::optional<std::vector<T>> {
            std::vector<T> values;
            for (const std::string& part : split(text + ',', ',')) {
              const auto value = codec.parse(part);
              if (!value) return std::nullopt;
              values.push_back(*value);
            }
            return values;
          },
          [=](const std::vector<T>& values) {
            std::vector<std::string> texts;
            for (const T& value : values) texts.push_back(codec.write(value));
            return fmt::format("{}", fmt::join(texts, ","));
          },
          wanted, codec.range, codec.choices};
}

/// Any of these, separated by commas.
template <class T>
[[nodiscard]] Codec<std::vector<T>> any_of(const Names<T>& names) {
  return list_of(one_of(names), "any of " + listed(names));
}

/// A value that may be absent, which `word` says.
template <class T>
[[nodiscard]] Codec<std::optional<T>> or_else(const std::string& word, Codec<T> codec) {
  std::vector<std::string> choices = codec.choices;
  if (!word.empty()) choices.push_back(word);
  return {[=](const std::string& text) -> std::optional<std::optional<T>> {
            if (text == word) return std::optional<T>();
            if (const auto value = codec.parse(text)) return std::optional<std::optional<T>>(value);
            return std::nullopt;
          },
          [=](const std::optional<T>& value) { return value ? codec.write(*value) : word; },
          codec.wanted + (word.empty() ? "" : ", or " + word), codec.range, choices};
}

/// A value that need not be given.
template <class T>
[[nodiscard]] Codec<std::optional<T>> optional(Codec<T> codec) {
  return or_else("", std::move(codec));
}

}  // namespace isochron::cli
