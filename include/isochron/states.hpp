#pragma once

#include <Eigen/Core>
#include <vector>

/// Learns force fields by training neural ODEs on SUNDIALS CVODES.
namespace isochron {

using Eigen::Index;
using Vector = Eigen::VectorXd;
using VectorRef = Eigen::Ref<Vector>;
using ConstVectorRef = const Eigen::Ref<const Vector>&;

/// Points of phase space, one column per trajectory: 2D x N with rows q_1..q_D, v_1..v_D for
/// Newtonian dynamics, D x N for first-order dynamics. Dimensionless, unit mass.
using States = Eigen::MatrixXd;
using StatesRef = Eigen::Ref<States>;
using ConstStatesRef = const Eigen::Ref<const States>&;

/// The same, cut for the vector units: rows x B, one column per point, but each row (one
/// component at all points) contiguous, so that neighbouring points share a SIMD register.
using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using BlockRef = Eigen::Ref<Block, 0, Eigen::OuterStride<>>;
using ConstBlockRef = const Eigen::Ref<const Block, 0, Eigen::OuterStride<>>&;

/// A matrix whose rows are contiguous: a Jacobian with a row for each component that it derives.
using RowMatrix = Block;
using RowMatrixRef = BlockRef;

/// Points per block are padded to a multiple of this many (the widest SIMD register, 8 doubles).
inline constexpr Index block_padding = 8;

inline Index padded(Index points) {
  return (points + block_padding - 1) / block_padding * block_padding;
}

/// A range of positions, dimensionless.
struct Interval {
  double left;
  double right;
};

/// An ensemble of orbits sampled at common fractions tau of each trajectory's end time.
struct Trajectories {
  Vector tau;                  ///< [K] fractions in [0, 1], increasing
  std::vector<States> states;  ///< [K] one States per sample
};

}  // namespace isochron
