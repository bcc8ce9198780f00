#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace isochron {

/// A member of a record that stands in a row of its own: a column of the table in a file, and a key
/// for programs.
template <class Record>
struct RecordField {
  const char* name;
  std::variant<std::string Record::*, long Record::*, std::uint64_t Record::*, double Record::*>
      value;
  const char* label;
  const char* units = "1";  ///< of a number; "1": dimensionless
  bool is_long = false;     ///< a text that is too long for a table that people look at
};

}  // namespace isochron
