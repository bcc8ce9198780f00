#include <algorithm>
#include <memory>
#include <utility>

#include "field_message.hpp"
#include "isochron/composite_field.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// A record holds the records of the parts one after the other.
class SumAt final : public Linearisation {
 public:
  SumAt(const std::vector<ForceFieldPtr>& fields, Index points)
      : dimension_(fields.front()->dimension()),
        points_(points),
        addend_(dimension_ * dimension_, padded(points)) {
    for (const ForceFieldPtr& field : fields) {
      Part part{field->linearisation(points), parameters_, field->parameters(), record_size_};
      parameters_ += part.parameters;
      record_size_ += part.at->record_size();
      parts_.push_back(std::move(part));
    }
  }

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    add_up(f, [&](const Part& part, BlockRef out) { part.at->force(part.of(theta), q, out); });
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    add_up(f, [&](const Part& part, BlockRef out) { part.at->linearise(part.of(theta), q, out); });
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    add_up(out, [&](const Part& part, BlockRef own) { part.at->transposed_product(w, own); });
  }
  void product(ConstBlockRef u, BlockRef out) override {
    add_up(out, [&](const Part& part, BlockRef own) { part.at->product(u, own); });
  }
  void jacobians(BlockRef out) override {
    add_up(out, [](const Part& part, BlockRef own) { part.at->jacobians(own); });
  }

  void parameter_product(ConstVectorRef direction, BlockRef out) override {
    out.setZero();
    auto addend = addend_.topLeftCorner(out.rows(), out.cols());
    for_parameters([&](const Part& part) {
      part.at->parameter_product(part.of(direction), addend);
      out += addend;
    });
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    for_parameters([&](const Part& part) {
      part.at->add_parameter_product(w, gradient.segment(part.parameter, part.parameters));
    });
  }
  void parameter_jacobians(BlockRef out) override {
    for_parameters([&](const Part& part) { put_parameter_jacobians(part, out); });
  }

  [[nodiscard]] Index record_size() const override { return record_size_; }
  void use_record(double* record) override {
    for (const Part& part : parts_) {
      part.at->use_record(record != nullptr ? record + part.record : nullptr);
    }
  }

  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    for_parameters([&](const Part& part) {
      part.at->add_parameter_products(part.of(records), w,
                                      gradient.segment(part.parameter, part.parameters));
    });
  }
  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    for_parameters([&](const Part& part) {
      part.at->add_parameter_rows(part.of(records), w,
                                  rows.middleCols(part.parameter, part.parameters));
    });
  }

 private:
  struct Part {
    std::unique_ptr<Linearisation> at;
    Index parameter;   // the first, in theta
    Index parameters;  // so many
    Index record;      // offset in a record

    [[nodiscard]] Eigen::Ref<const Vector> of(ConstVectorRef theta) const {
      return theta.segment(parameter, parameters);
    }
    [[nodiscard]] StridedRecords of(const StridedRecords& records) const {
      return {records.first + record, records.count, records.stride};
    }
  };

  /// out = the sum of what `evaluate` gives for each part.
  template <class Evaluate>
  void add_up(BlockRef out, const Evaluate& evaluate) {
    evaluate(parts_.front(), out);
    auto addend = addend_.topLeftCorner(out.rows(), out.cols());
    for (auto part = parts_.begin() + 1; part != parts_.end(); ++part) {
      evaluate(*part, addend);
      out += addend;
    }
  }

  /// Parts without parameters have no derivatives by them.
  template <class Visit>
  void for_parameters(const Visit& visit) const {
    for (const Part& part : parts_) {
      if (part.parameters > 0) visit(part);
    }
  }

  void put_parameter_jacobians(const Part& part, BlockRef out) {
    if (dimension_ == 1) {
      part.at->parameter_jacobians(out.middleRows(part.parameter, part.parameters));
      return;
    }
    // Not before it is needed: for wide networks it is large.
    if (slopes_.size() == 0) slopes_.resize(dimension_ * most_parameters(), points_);
    auto slopes = slopes_.topLeftCorner(dimension_ * part.parameters, out.cols());
    part.at->parameter_jacobians(slopes);
    for (Index d = 0; d < dimension_; ++d) {
      out.middleRows(d * parameters_ + part.parameter, part.parameters) =
          slopes.middleRows(d * part.parameters, part.parameters);
    }
  }

  [[nodiscard]] Index most_parameters() const {
    return std::max_element(
               parts_.begin(), parts_.end(),
               [](const Part& a, const Part& b) { return a.parameters < b.parameters; })
        ->parameters;
  }

  Index dimension_;
  Index points_;
  Index parameters_ = 0;
  Index record_size_ = 0;
  std::vector<Part> parts_;
  Block addend_;  // of one part: a force, a product or Jacobians
  Block slopes_;  // of one part, as parameter_jacobians lays them out
};

class Sum final : public ComposedField {
 public:
  explicit Sum(std::vector<ForceFieldPtr> parts) : parts_(std::move(parts)) {
    for (const ForceFieldPtr& part : parts_) parameters_ += part->parameters();
  }

  [[nodiscard]] Index dimension() const override { return parts_.front()->dimension(); }
  [[nodiscard]] Index parameters() const override { return parameters_; }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<SumAt>(parts_, points);
  }
  void write(FieldWriter& to) const override {
    to(FieldKind::sum, parts_.size());
    for (const ForceFieldPtr& part : parts_) to(part);
  }
  [[nodiscard]] const std::vector<ForceFieldPtr>& parts() const { return parts_; }

 private:
  std::vector<ForceFieldPtr> parts_;
  Index parameters_ = 0;
};

}  // namespace

ForceFieldPtr sum_of(std::vector<ForceFieldPtr> parts) {
  require(!parts.empty(), "sum_of got no force field; give at least one");
  for (std::size_t k = 0; k < parts.size(); ++k) {
    require(parts[k] != nullptr, "part {} of sum_of is a null pointer; give a force field", k + 1);
    require(parts[k]->dimension() == parts.front()->dimension(),
            "part {} of sum_of has dimension {} and part 1 has dimension {}; they must be equal",
            k + 1, parts[k]->dimension(), parts.front()->dimension());
  }
  return std::make_shared<Sum>(std::move(parts));
}

std::vector<ForceFieldPtr> parts_of(const ForceField& field) {
  const auto* sum = dynamic_cast<const Sum*>(&field);
  return sum != nullptr ? sum->parts() : std::vector<ForceFieldPtr>();
}

}  // namespace isochron
