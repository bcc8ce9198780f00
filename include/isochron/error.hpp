#pragma once

#include <stdexcept>
#include <string>

namespace isochron {

/// Base of everything isochron throws on purpose. The message is one sentence for the user.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The request cannot be met: a value out of range, a file that is missing, foreign or damaged.
/// The sentence names the option or the file, the value and the admissible range.
class InputError : public Error {
 public:
  using Error::Error;
};

/// A solver gave up. The sentence says time, method and tolerance.
class NumericalError : public Error {
 public:
  using Error::Error;
};

/// A result could not be written although the request was sound (full disk, lost folder).
class OutputError : public Error {
 public:
  using Error::Error;
};

/// The caller asked to stop (IntegratorOptions::stop_requested) in the middle of a computation.
class Interrupted : public Error {
 public:
  using Error::Error;
};

}  // namespace isochron
