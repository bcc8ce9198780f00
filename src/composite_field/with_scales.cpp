#include <memory>
#include <utility>

#include "field_message.hpp"
#include "forwarding_linearisation.hpp"
#include "isochron/composite_field.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// A field and the scales of its parameters.
struct ScaledField {
  ForceFieldPtr field;
  std::vector<ParameterScale> scales;

  [[nodiscard]] Index count() const { return static_cast<Index>(scales.size()); }
  [[nodiscard]] const ParameterScale& scale(Index p) const {
    return scales[static_cast<std::size_t>(p)];
  }
};

/// Every derivative by theta_p is that by the parameter a_p times da_p/dtheta_p.
class ScaledAt final : public ForwardingLinearisation {
 public:
  ScaledAt(const ScaledField& scaled, Index points)
      : ForwardingLinearisation(scaled.field->linearisation(points)),
        scaled_(scaled),
        evaluated_(scaled.count()),
        linearised_(scaled.count()),
        slopes_(scaled.count()),
        direction_(scaled.count()),
        gradient_(scaled.count()) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    set_values(theta, evaluated_);
    at_->force(evaluated_, q, f);
  }
  // Products read the parameters of the last linearisation: no force in between may change them.
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    set_values(theta, linearised_);
    for (Index p = 0; p < scaled_.count(); ++p) slopes_[p] = scaled_.scale(p).slope(theta[p]);
    at_->linearise(linearised_, q, f);
  }

  void parameter_product(ConstVectorRef direction, BlockRef out) override {
    direction_ = direction.cwiseProduct(slopes_);
    at_->parameter_product(direction_, out);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    gradient_.setZero();
    at_->add_parameter_product(w, gradient_);
    gradient += gradient_.cwiseProduct(slopes_);
  }
  void parameter_jacobians(BlockRef out) override {
    at_->parameter_jacobians(out);
    for (Index row = 0; row < out.rows(); ++row) out.row(row) *= slopes_[row % scaled_.count()];
  }

  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    gradient_.setZero();
    at_->add_parameter_products(records, w, gradient_);
    gradient += gradient_.cwiseProduct(slopes_);
  }
  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    rows_.setZero(rows.rows(), rows.cols());
    at_->add_parameter_rows(records, w, rows_);
    rows += rows_ * slopes_.asDiagonal();
  }

 private:
  void set_values(ConstVectorRef theta, Vector& values) const {
    for (Index p = 0; p < scaled_.count(); ++p) values[p] = scaled_.scale(p).value(theta[p]);
  }

  const ScaledField& scaled_;
  Vector evaluated_;   // the parameters of the last force
  Vector linearised_;  // and of the last linearisation
  Vector slopes_;      // of these by theta
  Vector direction_;   // in the parameters, and so are the next two
  Vector gradient_;
  RowMatrix rows_;
};

class Scaled final : public ComposedField {
 public:
  explicit Scaled(ScaledField scaled) : scaled_(std::move(scaled)) {}

  [[nodiscard]] Index dimension() const override { return scaled_.field->dimension(); }
  [[nodiscard]] Index parameters() const override { return scaled_.count(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<ScaledAt>(scaled_, points);
  }
  void write(FieldWriter& to) const override {
    to(FieldKind::scales, scaled_.field, scaled_.scales);
  }

 private:
  ScaledField scaled_;
};

}  // namespace

ForceFieldPtr with_scales(ForceFieldPtr field, std::vector<ParameterScale> scales) {
  require(field != nullptr, "with_scales got a null pointer; give a force field");
  require(static_cast<Index>(scales.size()) == field->parameters(),
          "with_scales got {} scales for a force field with {} parameters; give one for each",
          scales.size(), field->parameters());
  for (const ParameterScale& scale : scales) scale.validate();
  return std::make_shared<Scaled>(ScaledField{std::move(field), std::move(scales)});
}

}  // namespace isochron
