#pragma once

#include <string>
#include <vector>

namespace isochron::cli {

/// A line `key = value` of a configuration file.
struct IniEntry {
  std::string key;
  std::string value;
  std::string where;  ///< "in run.ini, line 3"
};

/// The entries of an ini file in their order.
///
/// A line that begins with # or ; is a comment; so is what follows a # or ; after a blank. A value
/// in single or double quotes is taken as it stands between them, so that it may hold those marks
/// and blanks. The values of the key `lists` are lists with ; between them: there only # begins a
/// comment.
///
/// (Boost.Program_options has a reader, but to that every # begins a comment, so that the name
/// batch#1.h5 is cut, quotes are part of a value, and a failure to read is the end of the file.)
///
/// Throws InputError for a line of another form, a section, an empty value without quotes, and when
/// the file cannot be read, has no end, or is no text.
[[nodiscard]] std::vector<IniEntry> read_ini(const std::string& path, const std::string& lists);

}  // namespace isochron::cli
