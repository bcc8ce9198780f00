#include "isochron/stoppable_force.hpp"

#include <algorithm>

#include "isochron/error.hpp"

namespace isochron {
namespace {

class StoppableAt final : public Linearisation {
 public:
  StoppableAt(std::unique_ptr<Linearisation> at, const std::function<bool()>& stop_requested)
      : at_(std::move(at)), stop_requested_(stop_requested) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    // Some points at a time: those of a wide network take long.
    constexpr Index at_once = 4 * block_padding;
    for (Index first = 0; first < q.cols(); first += at_once) {
      poll();
      const Index count = std::min(at_once, q.cols() - first);
      at_->force(theta, q.middleCols(first, count), f.middleCols(first, count));
    }
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    poll();
    at_->linearise(theta, q, f);
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    at_->transposed_product(w, out);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    at_->add_parameter_product(w, gradient);
  }
  void product(ConstBlockRef u, BlockRef out) override { at_->product(u, out); }
  void jacobians(BlockRef out) override { at_->jacobians(out); }
  void parameter_jacobians(BlockRef out) override { at_->parameter_jacobians(out); }
  [[nodiscard]] Index record_size() const override { return at_->record_size(); }
  void use_record(double* record) override { at_->use_record(record); }
  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    at_->add_parameter_products(records, w, gradient);
  }
  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    at_->add_parameter_rows(records, w, rows);
  }

 private:
  void poll() const {
    if (stop_requested_()) throw Interrupted("the computation was stopped on request");
  }

  std::unique_ptr<Linearisation> at_;
  const std::function<bool()>& stop_requested_;
};

class StoppableForce final : public ForceField {
 public:
  StoppableForce(ForceFieldPtr field, std::function<bool()> stop_requested)
      : field_(std::move(field)), stop_requested_(std::move(stop_requested)) {}

  [[nodiscard]] Index dimension() const override { return field_->dimension(); }
  [[nodiscard]] Index parameters() const override { return field_->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<StoppableAt>(field_->linearisation(points), stop_requested_);
  }

 private:
  ForceFieldPtr field_;
  std::function<bool()> stop_requested_;
};

}  // namespace

ForceFieldPtr stoppable_force(ForceFieldPtr field, std::function<bool()> stop_requested) {
  return std::make_shared<StoppableForce>(std::move(field), std::move(stop_requested));
}

}  // namespace isochron
