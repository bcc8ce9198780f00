#include <cmath>
#include <memory>
#include <utility>

#include "field_message.hpp"
#include "forwarding_linearisation.hpp"
#include "isochron/composite_field.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// A field, all its parameters, and which of them are free.
struct HeldField {
  ForceFieldPtr field;
  Vector values;
  std::vector<Index> free;
};

class HeldAt final : public ForwardingLinearisation {
 public:
  HeldAt(const HeldField& held, Index points)
      : ForwardingLinearisation(held.field->linearisation(points)),
        free_(held.free),
        dimension_(held.field->dimension()),
        points_(points),
        evaluated_(held.values),
        linearised_(held.values),
        direction_(Vector::Zero(held.values.size())),
        gradient_(held.values.size()) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    set_free(theta, evaluated_);
    at_->force(evaluated_, q, f);
  }
  // Products read the parameters of the last linearisation: no force in between may change them.
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    set_free(theta, linearised_);
    at_->linearise(linearised_, q, f);
  }

  void parameter_product(ConstVectorRef direction, BlockRef out) override {
    set_free(direction, direction_);
    at_->parameter_product(direction_, out);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    gradient_.setZero();
    at_->add_parameter_product(w, gradient_);
    add_free(gradient);
  }
  void parameter_jacobians(BlockRef out) override {
    const Index all = gradient_.size(), count = out.rows() / dimension_;
    if (count == 0) return;
    slopes_.resize(dimension_ * all, points_);
    auto slopes = slopes_.leftCols(out.cols());
    at_->parameter_jacobians(slopes);
    for (Index d = 0; d < dimension_; ++d) {
      for (Index p = 0; p < count; ++p) out.row(d * count + p) = slopes.row(d * all + place(p));
    }
  }

  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    gradient_.setZero();
    at_->add_parameter_products(records, w, gradient_);
    add_free(gradient);
  }
  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    rows_.setZero(rows.rows(), gradient_.size());
    at_->add_parameter_rows(records, w, rows_);
    for (Index row = 0; row < rows.rows(); ++row) {
      for (Index p = 0; p < rows.cols(); ++p) rows(row, p) += rows_(row, place(p));
    }
  }

 private:
  [[nodiscard]] Index place(Index p) const { return free_[static_cast<std::size_t>(p)]; }

  void set_free(ConstVectorRef theta, Vector& all) const {
    for (Index p = 0; p < theta.size(); ++p) all[place(p)] = theta[p];
  }
  void add_free(VectorRef gradient) const {
    for (Index p = 0; p < gradient.size(); ++p) gradient[p] += gradient_[place(p)];
  }

  const std::vector<Index>& free_;
  Index dimension_;
  Index points_;
  Vector evaluated_;   // all parameters, of the last force
  Vector linearised_;  // and of the last linearisation
  Vector direction_;   // zero along those that are held
  Vector gradient_;    // by all parameters, and so are the next two
  Block slopes_;
  RowMatrix rows_;
};

class Held final : public ComposedField {
 public:
  explicit Held(HeldField held) : held_(std::move(held)) {}

  [[nodiscard]] Index dimension() const override { return held_.field->dimension(); }
  [[nodiscard]] Index parameters() const override { return static_cast<Index>(held_.free.size()); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<HeldAt>(held_, points);
  }
  void write(FieldWriter& to) const override {
    to(FieldKind::fixed, held_.field, held_.values, held_.free);
  }

 private:
  HeldField held_;
};

}  // namespace

ForceFieldPtr with_fixed(ForceFieldPtr field, Vector values, std::vector<Index> free) {
  require(field != nullptr, "with_fixed got a null pointer; give a force field");
  const Index count = field->parameters();
  require(values.size() == count,
          "with_fixed got {} values for a force field with {} parameters; give one for each",
          values.size(), count);
  std::vector<bool> is_free(static_cast<std::size_t>(count), false);
  Index last = -1;
  for (const Index place : free) {
    require(place > last && place < count,
            "with_fixed got {} among the indices of free parameters; give increasing ones from 0 "
            "on, all below {}",
            place, count);
    is_free[static_cast<std::size_t>(place)] = true;
    last = place;
  }
  for (Index p = 0; p < count; ++p) {
    require(is_free[static_cast<std::size_t>(p)] || std::isfinite(values[p]),
            "with_fixed got {} as the value of parameter {}; give a finite number", values[p], p);
  }
  return std::make_shared<Held>(HeldField{std::move(field), std::move(values), std::move(free)});
}

}  // namespace isochron
