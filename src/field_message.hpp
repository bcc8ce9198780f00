#pragma once

#include <vector>

#include "isochron/force_field.hpp"
#include "isochron/parameter_scale.hpp"
#include "message.hpp"

namespace isochron {

template <class Archive, Is<Interval> T>
void transfer(Archive& archive, T& range) {
  archive(range.left, range.right);
}
template <class Archive, Is<ParameterScale> T>
void transfer(Archive& archive, T& scale) {
  archive(scale.logarithmic, scale.bounds);
}
/// What a message says first of a field.
enum class FieldKind { own, network, analytic, sum, fixed, components, scales, units };

/// Writes fields to a message: networks and analytic forces by their structure, fields that are
/// made of other ones by their parts. Of any other field, one of the user's own, the number stands
/// for it.
class FieldWriter {
 public:
  explicit FieldWriter(MessageWriter& to) : to_(to) {}

  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }

  /// The user's own fields that were written, by their numbers.
  [[nodiscard]] const std::vector<ForceFieldPtr>& own() const { return own_; }

 private:
  template <class T>
  void put(const T& value) {
    to_(value);
  }
  void put(const ForceFieldPtr& field);

  MessageWriter& to_;
  std::vector<ForceFieldPtr> own_;
};

/// A field that is made of other ones, and can be made again of them elsewhere.
class ComposedField : public ForceField {
 public:
  /// Its kind, its parts and what else they are put together by, as read_field takes them.
  virtual void write(FieldWriter& to) const = 0;
};

/// The field that the message has. Throws InputError for one of the user's that `own` lacks.
[[nodiscard]] ForceFieldPtr read_field(MessageReader& from, const std::vector<ForceFieldPtr>& own);

/// The user's own fields that a field is made of, numbered as in a message.
[[nodiscard]] std::vector<ForceFieldPtr> own_fields(const ForceFieldPtr& field);

}  // namespace isochron
