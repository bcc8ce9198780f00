#include "one_step/node_rows.hpp"

#include <array>

#include "lanes.hpp"

namespace isochron::one_step {
namespace {

/// out[p] = sum_i weights[i] x_i[p] for each of the sums: for `width` registers of columns from p
/// on, of which `remaining` columns are to be written.
template <std::size_t width, std::size_t count>
void combine_columns(const std::vector<const double*>& x, const RowSum* sums, Index p,
                     Index remaining) {
  std::array<std::array<Lanes, width>, count> totals;
  const auto column = [p](std::size_t k) { return p + static_cast<Index>(k) * lane_count; };
  for (std::size_t o = 0; o < count; ++o) {
    for (std::size_t k = 0; k < width; ++k) {
      totals[o][k] = sums[o].weights[0] * load(x.front() + column(k));
    }
  }
  for (std::size_t i = 1; i < x.size(); ++i) {
    std::array<Lanes, width> term;
    for (std::size_t k = 0; k < width; ++k) term[k] = load(x[i] + column(k));
    for (std::size_t o = 0; o < count; ++o) {
      for (std::size_t k = 0; k < width; ++k) totals[o][k] += sums[o].weights[i] * term[k];
    }
  }
  for (std::size_t o = 0; o < count; ++o) {
    for (std::size_t k = 0; k + 1 < width; ++k) store(sums[o].out + column(k), totals[o][k]);
    store(sums[o].out + column(width - 1), totals[o].back(), remaining - column(width - 1) + p);
  }
}

/// The same for all sums.
template <std::size_t width>
void combine_sums(const std::vector<const double*>& x, const std::vector<RowSum>& sums, Index p,
                  Index remaining) {
  std::size_t o = 0;
  for (; o + 4 <= sums.size(); o += 4) combine_columns<width, 4>(x, &sums[o], p, remaining);
  for (; o + 2 <= sums.size(); o += 2) combine_columns<width, 2>(x, &sums[o], p, remaining);
  if (o < sums.size()) combine_columns<width, 1>(x, &sums[o], p, remaining);
}

/// The same for all columns. The rows x_i are padded to full registers.
void combine_rows(const std::vector<const double*>& x, const std::vector<RowSum>& sums,
                  Index columns) {
  // Four sums of three terms and a weight: as many registers as most machines have.
  constexpr std::size_t width = 3;
  constexpr Index at_once = width * lane_count;
  // Few columns at a time for all sums: the terms stay in the first cache.
  Index p = 0;
  for (; p + at_once <= in_lanes(columns); p += at_once) {
    combine_sums<width>(x, sums, p, columns - p);
  }
  for (; p < columns; p += lane_count) combine_sums<1>(x, sums, p, columns - p);
}

}  // namespace

NodeRows::NodeRows(const Interpolant& interpolant, const Dynamics& dynamics, Index trajectories,
                   Index columns)
    : interpolant_(interpolant),
      dimension_(dynamics.dimension()),
      state_dimension_(dynamics.state_dimension()),
      trajectories_(trajectories),
      columns_(columns),
      seen_(static_cast<std::size_t>(trajectories), 0),
      states_(static_cast<std::size_t>(interpolant.count())),
      forces_(states_.size()) {
  // An odd number of cache lines from row to row: at distances of powers of two few would stay.
  const Index stride = padded(columns) | block_padding;
  for (Block& states : states_) states.resize(trajectories * state_dimension_, stride);
  for (Block& forces : forces_) forces.resize(trajectories * dimension_, stride);
}

void NodeRows::start() {
  ++node_;
  of_states().setZero();
}

void NodeRows::advance(const Block& a) {
  ++node_;
  multiply(a, states_[slot(node_ - 1)], states_[slot(node_)]);
}

void NodeRows::take_slopes(const Block& slopes) {
  multiply(slopes, states_[slot(node_)], forces_[slot(node_)]);
}

void NodeRows::multiply(const Block& factors, const Block& x, Block& rows) {
  if (trajectories_ == 0) return;
  const Index of_x = x.rows() / trajectories_, each = rows.rows() / trajectories_;
  const Index terms = factors.rows() / each;
  for (Index b = 0; b < trajectories_; ++b) {
    weights_.assign(factors.col(b).begin(), factors.col(b).end());
    terms_.clear();
    sums_.clear();
    for (Index i = 0; i < terms; ++i) terms_.push_back(x.row(b * of_x + i).data());
    for (Index r = 0; r < each; ++r) {
      sums_.push_back({weights_.data() + r * terms, rows.row(b * each + r).data()});
    }
    combine_rows(terms_, sums_, columns_);
  }
}

void NodeRows::observe(RowMatrixRef rows) {
  const Index last = node_ + 1 - interpolant_.count();  // the first node of what can be written
  for (Index b = 0; b < trajectories_; ++b) {
    Index& seen = seen_[static_cast<std::size_t>(b)];
    while (seen < interpolant_.observations() && interpolant_.first_node(b, seen) <= last) {
      // All those with the same nodes.
      const Index first = interpolant_.first_node(b, seen);
      Index end = seen + 1;
      while (end < interpolant_.observations() && interpolant_.first_node(b, end) == first) ++end;
      observe(b, seen, end, rows);
      seen = end;
    }
  }
}

void NodeRows::observe(Index b, Index begin, Index end, RowMatrixRef rows) {
  const Index first = interpolant_.first_node(b, begin);
  for (Index d = 0; d < dimension_; ++d) {
    terms_.clear();
    for (Index n = first; n < first + interpolant_.count(); ++n) {
      for (Index i = d; i < state_dimension_; i += dimension_) {
        terms_.push_back(states_[slot(n)].row(b * state_dimension_ + i).data());
      }
      terms_.push_back(forces_[slot(n)].row(b * dimension_ + d).data());
    }
    sums_.clear();
    for (Index k = begin; k < end; ++k) {
      const Index at = (b * interpolant_.observations() + k) * state_dimension_ + d;
      sums_.push_back({interpolant_.position_weights(b, k), rows.row(at).data()});
      if (state_dimension_ == dimension_) continue;
      sums_.push_back({interpolant_.velocity_weights(b, k), rows.row(at + dimension_).data()});
    }
    combine_rows(terms_, sums_, columns_);
  }
}

}  // namespace isochron::one_step
