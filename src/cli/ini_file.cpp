#include "cli/ini_file.hpp"

#include <string_view>

#include "sentence.hpp"
#include "text_file.hpp"

namespace isochron::cli {
namespace {

constexpr TextLimits ini_limits{std::size_t{1} << 20U, std::size_t{1} << 16U};
constexpr std::string_view blanks = " \t\v\f";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

/// Up to a mark at the beginning or after a blank.
std::string_view without_comment(std::string_view text, std::string_view marks) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_one_of(text[i], marks) && (i == 0 || is_one_of(text[i - 1], blanks))) {
      return trimmed(text.substr(0, i));
    }
  }
  return text;
}

/// The value in `text`, which begins with a quote.
std::string_view quoted_value(std::string_view text, const std::string& where) {
  const auto end = text.find(text.front(), 1);
  require(end != std::string_view::npos, "{}, the quote {} does not end", where,
          shown(std::string(text)));
  const std::string_view rest = trimmed(text.substr(end + 1));
  require(rest.empty() || is_one_of(rest.front(), "#;"), "{}, {} follows the quoted value {}",
          where, quoted(std::string(rest)), shown(std::string(text.substr(0, end + 1))));
  return text.substr(1, end - 1);
}

IniEntry read_entry(std::string_view line, const std::string& where, const std::string& lists) {
  require(line.front() != '[', "{}: sections such as {} are not supported; leave the line out",
          where, shown(std::string(line)));
  const auto equals = line.find('=');
  const std::string key(trimmed(line.substr(0, equals)));
  require(equals != std::string_view::npos && !key.empty(), "{}, {} is not of the form key = value",
          where, quoted(std::string(line)));
  const std::string_view text = trimmed(line.substr(equals + 1));
  if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
    return {key, std::string(quoted_value(text, where)), where};
  }
  const std::string_view value = without_comment(text, key == lists ? "#" : "#;");
  require(!value.empty(), "{}, key {} has no value; give one, in quotes if it begins with # or ;",
          where, quoted(key));
  return {key, std::string(value), where};
}

}  // namespace

std::vector<IniEntry> read_ini(const std::string& path, const std::string& lists) {
  TextFile file(path, "the configuration", ini_limits);
  std::vector<IniEntry> entries;
  for (std::string line; file.next(line);) {
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    entries.push_back(read_entry(content, file.where(), lists));
  }
  return entries;
}

}  // namespace isochron::cli
