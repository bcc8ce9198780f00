#pragma once

#include <optional>
#include <vector>

#include "block_solver.hpp"
#include "floating_point.hpp"
#include "lanes.hpp"
#include "one_step/tangent.hpp"

namespace isochron::one_step {

/// One block by an explicit one-step method. It can keep the linearisation of every stage, as the
/// exact derivative of its steps needs them.
///
/// The way can be gone in segments, each with its own length for every trajectory, so that
/// trajectories that are observed at different times reach them together: tau then runs from 0 to 1
/// in every segment.
class OneStepSolver final : public BlockSolver {
 public:
  /// `options` is referred to, not copied.
  OneStepSolver(const Dynamics& dynamics, const IntegratorOptions& options, Index stride);

  /// From the next start on, steps are short enough for the derivatives of the solution, too.
  void control_tangents() { tangents_.emplace(dynamics_, tableau_, stride()); }

  /// Whether the steps from the next start on keep the linearisation of every stage. They are the
  /// same to the last bit with and without.
  void keep_linearisations(bool keep) { keeps_linearisations_ = keep; }

  void start(const double* theta, ConstStatesRef states, ConstVectorRef end_times) override;
  void advance(double tau) override;
  void read(StatesRef states) const override;
  [[nodiscard]] IntegrationCounts counts() const override { return counts_; }

  /// From the next start on the error of a step is to be so many times smaller than the tolerance,
  /// and a step at most so long, in tau.
  void demand(double strictness, double longest_step) {
    strictness_ = strictness;
    longest_demanded_ = longest_step;
  }

  /// Whether the steps from the next start on keep their nodes.
  void keep_nodes(bool keep) { keeps_nodes_ = keep; }
  /// To be called once after the last step: keeps the last node, too, and the linearisation there
  /// in record(step_count(), 0).
  void end_nodes();
  /// Node n = 0 .. step_count(), where step n begins: y, and below it f.
  [[nodiscard]] Eigen::Map<const Block> node(Index n) const;

  /// The first segment; `whole_times`: how long trajectories take in all [B].
  void start_segments(const double* theta, ConstStatesRef states, ConstVectorRef lengths,
                      ConstVectorRef whole_times);
  /// The next one, from where the last one ended.
  void start_segment(ConstVectorRef lengths);

  /// As advance(1), but gives up, and returns false, when the steps will be more than about so
  /// many.
  [[nodiscard]] bool advance_within(Index most_steps);

  /// Instead of `advance`: takes these steps of the segment, whatever their error estimates, and
  /// returns the largest, in units of what is demanded; infinite when a force is not finite, or
  /// there is no estimate and nothing to be said.
  [[nodiscard]] double follow(const std::vector<double>& steps);

  /// The lengths of a segment for each trajectory, padded to the stride, and its accepted steps in
  /// tau.
  struct Segment {
    Vector lengths;
    std::vector<double> steps;
  };
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  /// Accepted steps of all segments.
  [[nodiscard]] Index step_count() const { return static_cast<Index>(counts_.steps); }

  /// Stages whose forces enter a step.
  [[nodiscard]] Index stages() const { return stages_; }
  [[nodiscard]] const Tableau& tableau() const { return tableau_; }
  [[nodiscard]] bool newtonian() const { return dynamics_.motion() == Motion::newtonian; }
  [[nodiscard]] Index stride() const { return state_.cols(); }
  [[nodiscard]] const Dynamics& dynamics() const { return dynamics_; }
  [[nodiscard]] const IntegratorOptions& options() const { return options_; }

  /// The linearisation at each of the stages() stages of each step, one after the other.
  [[nodiscard]] Linearisation& linearisation() { return *at_; }
  [[nodiscard]] double* record(Index step, Index stage);
  /// `count` of them from there on, stage by stage and step by step.
  [[nodiscard]] StridedRecords records(Index step, Index stage, Index count) {
    return {record(step, stage), count, at_->record_size()};
  }
  [[nodiscard]] double stored_bytes() const;

 private:
  void step_towards(double tau);
  [[nodiscard]] double attempt(double h);
  [[nodiscard]] double error_norm(double h) const;
  [[nodiscard]] bool tangents_are_due(double h, double state_error) const;
  [[nodiscard]] double tangent_error(double h);
  /// The step that an error allows which an attempt with h has left.
  [[nodiscard]] double allowed_step(double h, double error) const;
  /// q + c h T v + (h T)^2 sum_j coefficients_j f_j, or its like for first-order motion.
  void place(double h, double c, const std::vector<double>& coefficients, BlockRef q) const;
  void evaluate(Index stage, ConstBlockRef q);
  void accept(double h, double tau);
  void keep_node();
  void make_room(Index steps);
  [[nodiscard]] double first_step();
  [[nodiscard]] const Vector& lengths() const { return segments_.back().lengths; }
  /// block = factor base + h T block, column by column.
  void step_from(double h, double factor, ConstBlockRef base, BlockRef block) const;
  [[noreturn]] void fail(const std::string& reason) const;

  Dynamics dynamics_;
  const IntegratorOptions& options_;
  Tableau tableau_;
  Index stages_;
  bool keeps_linearisations_ = false;
  bool keeps_nodes_ = false;
  double strictness_ = 1;
  double longest_demanded_ = 1;
  std::unique_ptr<Linearisation> at_;
  Eigen::Map<const Vector> theta_{nullptr, 0};
  Vector whole_times_;       // [stride]
  double earlier_time_ = 0;  // of the first trajectory, in the segments before
  Block state_;              // state_dimension x stride, and so are the next two
  Block next_;
  Block error_;
  Block position_;  // of a stage, D x stride
  Block forces_;    // of the stages, one below the other
  bool first_force_known_ = false;
  double tau_ = 0;
  double step_ = 0;  // what the error allows; 0: not yet known
  std::optional<TangentError> tangents_;
  double tangent_step_ = infinity;  // what the tangents allow
  double promised_step_ =
      0;  // and would allow, by their last estimate, if they were to be followed
  double longest_step_ = 1;
  bool has_segments_ = false;  // more than one
  std::vector<Segment> segments_;
  Vector records_;
  std::vector<double, Eigen::aligned_allocator<double>> nodes_;
  IntegrationCounts counts_;
};

}  // namespace isochron::one_step
