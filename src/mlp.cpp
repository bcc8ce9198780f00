#include "isochron/mlp.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "activation.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "lanes.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// Where one layer's numbers lie in theta and in the activations of a group of points.
struct Layer {
  Index inputs = 0;
  Index outputs = 0;
  Index weights = 0;     // offset in theta; the biases follow the weights
  Index biases = 0;      // offset in theta, or -1
  Index activation = 0;  // offset of the inputs in a group's activations
};

/// Neighbouring points of one component, from column b on.
Lanes load_points(ConstBlockRef block, Index row, Index b) {
  return load(block.data() + row * block.outerStride() + b, block.cols() - b);
}
void store_points(BlockRef block, Index row, Index b, Lanes values) {
  store(block.data() + row * block.outerStride() + b, values, block.cols() - b);
}

/// Where the parameters of each layer lie, and last those of the linear skip, if there is one.
std::vector<Layer> layers_of(const Mlp& mlp) {
  std::vector<Layer> layers;
  Index parameter = 0;
  const auto add = [&](Index inputs, Index outputs, Index activation) {
    const Index biases = parameter + inputs * outputs;
    layers.push_back({inputs, outputs, parameter, mlp.bias() ? biases : -1, activation});
    parameter = biases + (mlp.bias() ? outputs : 0);
  };
  Index activation = 0;
  const std::vector<Index>& widths = mlp.layers();
  for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
    add(widths[l], widths[l + 1], activation);
    activation += widths[l];
  }
  if (mlp.skip() == Skip::linear) add(mlp.dimension(), mlp.dimension(), 0);
  return layers;
}

Index parameters_of(const Layer& layer) {
  return (layer.inputs + (layer.biases < 0 ? 0 : 1)) * layer.outputs;
}

/// out_o = bias_o + sum_i W(o, i) in_i.
void dense(const Layer& layer, const double* theta, const Lanes* in, Lanes* out) {
  constexpr Index tile = 8;  // independent sums in flight hide the latency of multiply-add
  const Index inputs = layer.inputs;
  const double* weights = theta + layer.weights;
  const auto start = [&](Index o) {
    return layer.biases < 0 ? Lanes{} : broadcast(theta[layer.biases + o]);
  };
  Index o = 0;
  for (; o + tile <= layer.outputs; o += tile) {
    Lanes sums[tile];
    for (Index k = 0; k < tile; ++k) sums[k] = start(o + k);
    const double* row = weights + o * inputs;
    for (Index i = 0; i < inputs; ++i) {
      for (Index k = 0; k < tile; ++k) sums[k] += row[k * inputs + i] * in[i];
    }
    for (Index k = 0; k < tile; ++k) out[o + k] = sums[k];
  }
  for (; o < layer.outputs; ++o) {
    Lanes sum = start(o);
    for (Index i = 0; i < inputs; ++i) sum += weights[o * inputs + i] * in[i];
    out[o] = sum;
  }
}

/// out_i = sum_o W(o, i) delta_o.
void transposed_dense(const Layer& layer, const double* theta, const Lanes* delta, Lanes* out) {
  constexpr Index tile = 8;
  const Index outputs = layer.outputs;
  const double* weights = theta + layer.weights;
  Index i = 0;
  for (; i + tile <= layer.inputs; i += tile) {
    Lanes sums[tile] = {};
    for (Index o = 0; o < outputs; ++o) {
      const double* row = weights + o * layer.inputs + i;
      for (Index k = 0; k < tile; ++k) sums[k] += row[k] * delta[o];
    }
    for (Index k = 0; k < tile; ++k) out[i + k] = sums[k];
  }
  for (; i < layer.inputs; ++i) {
    Lanes sum{};
    for (Index o = 0; o < outputs; ++o) sum += weights[o * layer.inputs + i] * delta[o];
    out[i] = sum;
  }
}

/// A sequence of equally spaced pieces of memory.
struct Strided {
  const Lanes* first = nullptr;
  Index stride = 0;

  [[nodiscard]] Strided from(Index offset) const { return {first + offset, stride}; }
};

/// sums(o, i) = sum_n delta_n,o a_n,i for an R x C tile of weights, or that much more with `add`:
/// registers hold the tile while the `count` terms stream by. The lanes are still to be added up.
template <int R, int C>
void outer_tile(Strided delta, Strided a, Index count, bool add, Lanes* sums, Index row_stride) {
  Lanes tile[R * C] = {};
  for (int r = 0; add && r < R; ++r) {
    for (int c = 0; c < C; ++c) tile[r * C + c] = sums[r * row_stride + c];
  }
  for (Index n = 0; n < count; ++n) {
    const Lanes* left = delta.first + n * delta.stride;
    const Lanes* right = a.first + n * a.stride;
    for (int r = 0; r < R; ++r) {
      for (int c = 0; c < C; ++c) tile[r * C + c] += left[r] * right[c];
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sums[r * row_stride + c] = tile[r * C + c];
  }
}

template <int R>
void outer_rows(Strided delta, Strided a, Index count, bool add, Lanes* sums, Index inputs) {
  Index i = 0;
  for (; i + 4 <= inputs; i += 4) outer_tile<R, 4>(delta, a.from(i), count, add, sums + i, inputs);
  for (; i < inputs; ++i) outer_tile<R, 1>(delta, a.from(i), count, add, sums + i, inputs);
}

using AlignedLanes = std::vector<Lanes, Eigen::aligned_allocator<Lanes>>;

/// The kernel: points side by side in the lanes, groups of lane_count one after the other.
///
/// A record holds for each group its activations (q, a_1, .., a_{L-1}); unless sigma is tanh, whose
/// slope is 1 - a^2, also the slopes of its neurons; with one output also its unit deltas (df/dz,
/// one for each neuron and the output) and its slope df/dq. Then J^T w = J w, and the deltas for a
/// cotangent w are w times the unit deltas: one backward pass per linearisation serves every
/// product.
class MlpLinearisation final : public Linearisation {
 public:
  MlpLinearisation(const Mlp& mlp, Index points)
      : dimension_(mlp.dimension()), activation_(mlp.activation()), layers_(layers_of(mlp)) {
    if (mlp.skip() == Skip::linear) {
      skip_ = layers_.back();
      layers_.pop_back();
    }
    for (const Layer& layer : layers_) size_ += layer.inputs;
    unit_ = size_ + (stores_slopes() ? size_ - dimension_ : 0);
    group_stride_ = unit_ + (scalar() ? size_ + 1 : 0);
    groups_ = padded(points) / lane_count;
    own_record_.resize(static_cast<std::size_t>(groups_ * group_stride_));
    record_ = own_record_.data();
    scratch_.resize(static_cast<std::size_t>(2 * size_ + 3 * dimension_));
    deltas_.resize(static_cast<std::size_t>(groups_ * size_));
    parameters_ = mlp.parameters();
  }

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    for (Index b = 0; b < q.cols(); b += lane_count) {
      forward(theta.data(), q, b, scratch_.data(), nullptr, f);
    }
  }

  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    theta_ = theta.data();
    Lanes* group = record_;
    for (Index b = 0; b < q.cols(); b += lane_count, group += group_stride_) {
      forward(theta_, q, b, group, stores_slopes() ? group + size_ : nullptr, f);
      if (!scalar()) continue;
      Lanes* delta = group + unit_;
      seed_output(0, delta);
      backward(group, delta);
      transposed_dense(layers_.front(), theta_, delta, delta + size_);
      if (skip_) delta[size_] += theta_[skip_->weights];
    }
  }

  void transposed_product(ConstBlockRef w, BlockRef out) override {
    const Lanes* group = record_;
    for (Index b = 0; b < w.cols(); b += lane_count, group += group_stride_) {
      if (scalar()) {
        store_points(out, 0, b, group[group_stride_ - 1] * load_points(w, 0, b));
      } else {
        load_cotangent(w, 0, b, scratch_.data());
        backward(group, scratch_.data());
        store_input_gradient(scratch_.data(), out, 0, b);
      }
    }
  }

  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    Index groups = 0;
    for (Index b = 0; b < w.cols(); b += lane_count, ++groups) {
      cotangent_deltas(record_ + groups * group_stride_, w, 0, b, deltas_.data() + groups * size_);
    }
    sum_layers({deltas_.data(), size_}, {record_, group_stride_}, groups, false);
    add_sums(gradient);
  }

  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    const Index used = (w.cols() + lane_count - 1) / lane_count;
    // Where no group is left out between records, all groups are one sequence; otherwise the first
    // ones of all records are, then the second ones, ..
    const bool gapless = used == groups_ && records.stride == record_size();
    const Index together = gapless ? used : 1;
    const Index record_stride = records.stride / lane_count;
    const Index at_once = std::max<Index>(1, terms_at_once / together);
    make_room(at_once * together);
    const auto* record = reinterpret_cast<const Lanes*>(records.first);
    for (Index g = 0; g < used; g += together) {
      for (Index first = 0; first < records.count; first += at_once) {
        const Index end = std::min(records.count, first + at_once);
        const Lanes* group = record + first * record_stride + g * group_stride_;
        const Strided activations{group, gapless ? group_stride_ : record_stride};
        Lanes* delta = deltas_.data();
        for (Index k = first; k < end; ++k) {
          for (Index h = 0; h < together; ++h, group += activations.stride, delta += size_) {
            cotangent_deltas(group, w, k * dimension_, (g + h) * lane_count, delta);
          }
        }
        sum_layers({deltas_.data(), size_}, activations, (end - first) * together, g + first > 0);
      }
    }
    add_sums(gradient);
  }

  void product(ConstBlockRef u, BlockRef out) override {
    const Lanes* group = record_;
    for (Index b = 0; b < u.cols(); b += lane_count, group += group_stride_) {
      if (scalar()) {
        store_points(out, 0, b, group[group_stride_ - 1] * load_points(u, 0, b));
        continue;
      }
      for (Index d = 0; d < dimension_; ++d)
        scratch_[static_cast<std::size_t>(d)] = load_points(u, d, b);
      store_tangent(group, nullptr, out, b);
    }
  }

  void parameter_product(ConstVectorRef direction, BlockRef out) override {
    const Lanes* group = record_;
    for (Index b = 0; b < out.cols(); b += lane_count, group += group_stride_) {
      if (scalar()) {
        store_points(out, 0, b, scalar_parameter_product(group, direction.data()));
      } else {
        std::fill_n(scratch_.begin(), dimension_, Lanes{});
        store_tangent(group, direction.data(), out, b);
      }
    }
  }

  void jacobians(BlockRef out) override {
    for (Index row = 0; row < dimension_; ++row) {
      const Lanes* group = record_;
      for (Index b = 0; b < out.cols(); b += lane_count, group += group_stride_) {
        if (scalar()) {
          store_points(out, 0, b, group[group_stride_ - 1]);
          continue;
        }
        seed_output(row, scratch_.data());
        backward(group, scratch_.data());
        store_input_gradient(scratch_.data(), out, row * dimension_, b);
      }
    }
  }

  void parameter_jacobians(BlockRef out) override {
    const Index parameters = out.rows() / dimension_;
    for (Index row = 0; row < dimension_; ++row) {
      const Lanes* group = record_;
      for (Index b = 0; b < out.cols(); b += lane_count, group += group_stride_) {
        seed_output(row, deltas_.data());
        backward(group, deltas_.data());
        sum_layers({deltas_.data(), 0}, {group, 0}, 1, false);
        for (Index p = 0; p < parameters; ++p) {
          store_points(out, row * parameters + p, b, sums_[static_cast<std::size_t>(p)]);
        }
      }
    }
  }

  [[nodiscard]] Index record_size() const override { return groups_ * group_stride_ * lane_count; }

  void use_record(double* record) override {
    record_ = record != nullptr ? reinterpret_cast<Lanes*>(record) : own_record_.data();
  }

  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    const Index cotangents = rows.rows() / w.cols();
    const Index record_stride = records.stride / lane_count;
    const auto* first = reinterpret_cast<const Lanes*>(records.first);
    make_room(terms_at_once);
    for (Index b = 0, g = 0; b < w.cols(); b += lane_count, ++g) {
      const Lanes* group = first + g * group_stride_;
      for (Index r = 0; r < cotangents; ++r) {
        for (Index start = 0; start < records.count; start += terms_at_once) {
          const Index terms = std::min(terms_at_once, records.count - start);
          const Strided activations{group + start * record_stride, record_stride};
          for (Index k = 0; k < terms; ++k) {
            cotangent_deltas(activations.first + k * record_stride, w,
                             ((start + k) * cotangents + r) * dimension_, b,
                             deltas_.data() + k * size_);
          }
          sum_layers({deltas_.data(), size_}, activations, terms, start > 0);
        }
        const Index points = std::min(lane_count, w.cols() - b);
        for (Index i = 0; i < points; ++i) {
          double* row = &rows((b + i) * cotangents + r, 0);
          for (Index p = 0; p < rows.cols(); ++p) row[p] += sums_[static_cast<std::size_t>(p)][i];
        }
      }
    }
  }

 private:
  /// Groups whose deltas and activations are summed in one go: they stay in the caches.
  static constexpr Index terms_at_once = 32;

  [[nodiscard]] bool scalar() const { return dimension_ == 1; }

  void make_room(Index groups) {
    deltas_.resize(std::max(deltas_.size(), static_cast<std::size_t>(groups * size_)));
  }

  /// gradient += sums_, lane by lane.
  void add_sums(VectorRef gradient) const {
    const Index count = gradient.size();
    for (Index p = 0; p < count; p += lane_count) {
      const Lanes totals = lane_sums(sums_.data() + p);
      store(gradient.data() + p, load(gradient.data() + p, count - p) + totals, count - p);
    }
  }

  [[nodiscard]] bool stores_slopes() const { return activation_ != Activation::tanh; }

  // values_i *= sigma'(z_i) of the neurons whose activations are the inputs of a layer.
  void multiply_by_slopes(const Lanes* group, const Layer& layer, Lanes* values) const {
    const Lanes* a = group + layer.activation;
    if (!stores_slopes()) {
      for (Index i = 0; i < layer.inputs; ++i) values[i] *= 1.0 - a[i] * a[i];
      return;
    }
    const Lanes* slopes = a + size_ - dimension_;
    for (Index i = 0; i < layer.inputs; ++i) values[i] *= slopes[i];
  }

  // Deltas are those of the outputs of each layer, hidden layers first.
  [[nodiscard]] Index delta_offset(const Layer& layer) const {
    return layer.activation + layer.inputs - layers_.front().inputs;
  }

  // Fills the activations a, and the slopes of the neurons unless they are not wanted (null).
  void forward(const double* theta, ConstBlockRef q, Index b, Lanes* a, Lanes* slopes, BlockRef f) {
    for (Index d = 0; d < dimension_; ++d) a[d] = load_points(q, d, b);
    Lanes* last = scratch_.data() + size_;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      const bool hidden = l + 1 < layers_.size();
      Lanes* out = hidden ? a + layers_[l + 1].activation : last;
      dense(layer, theta, a + layer.activation, out);
      if (!hidden) continue;
      activate(activation_, out, layer.outputs, slopes);
      if (slopes != nullptr) slopes += layer.outputs;
    }
    if (skip_) {
      Lanes* linear = last + dimension_;
      dense(*skip_, theta, a, linear);
      for (Index d = 0; d < dimension_; ++d) last[d] += linear[d];
    }
    for (Index d = 0; d < dimension_; ++d) store_points(f, d, b, last[d]);
  }

  // J u + (df/dtheta) direction (or null) in a group, layer by layer; u lies at the start of
  // scratch_.
  void store_tangent(const Lanes* group, const double* direction, BlockRef out, Index b) {
    Lanes* const u = scratch_.data();
    Lanes* const of_parameters = u + size_ + dimension_;
    const auto apply = [&](const Layer& layer, const Lanes* in, Lanes* result) {
      Layer linear = layer;
      linear.biases = -1;
      dense(linear, theta_, in, result);
      if (direction == nullptr) return;
      dense(layer, direction, group + layer.activation, of_parameters);
      for (Index o = 0; o < layer.outputs; ++o) result[o] += of_parameters[o];
    };
    Lanes* tangent = u;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Lanes* next = tangent + layers_[l].inputs;
      apply(layers_[l], tangent, next);
      tangent = next;
      if (l + 1 == layers_.size()) break;
      multiply_by_slopes(group, layers_[l + 1], next);
    }
    if (skip_) {
      Lanes* linear = of_parameters + dimension_;
      apply(*skip_, u, linear);
      for (Index d = 0; d < dimension_; ++d) tangent[d] += linear[d];
    }
    for (Index d = 0; d < dimension_; ++d) store_points(out, d, b, tangent[d]);
  }

  // (df/dtheta) direction in a group, by its unit deltas: one pass through the layers, not two.
  Lanes scalar_parameter_product(const Lanes* group, const double* direction) {
    const Lanes* delta = group + unit_;
    Lanes* const of_parameters = scratch_.data();
    Lanes sum{};
    for (const Layer& layer : layers_) {
      dense(layer, direction, group + layer.activation, of_parameters);
      for (Index o = 0; o < layer.outputs; ++o)
        sum += delta[delta_offset(layer) + o] * of_parameters[o];
    }
    if (skip_) {
      dense(*skip_, direction, group, of_parameters);
      sum += of_parameters[0];
    }
    return sum;
  }

  void seed_output(Index row, Lanes* delta) const {
    Lanes* last = delta + delta_offset(layers_.back());
    for (Index d = 0; d < dimension_; ++d) last[d] = broadcast(d == row ? 1.0 : 0.0);
  }

  // From the deltas of the first layer to the rows first_row, .. of out.
  void store_input_gradient(const Lanes* delta, BlockRef out, Index first_row, Index b) {
    Lanes* result = scratch_.data() + size_ + dimension_;
    transposed_dense(layers_.front(), theta_, delta, result);
    if (skip_) {
      Lanes* linear = result + dimension_;
      transposed_dense(*skip_, theta_, delta + delta_offset(layers_.back()), linear);
      for (Index d = 0; d < dimension_; ++d) result[d] += linear[d];
    }
    for (Index d = 0; d < dimension_; ++d) store_points(out, first_row + d, b, result[d]);
  }

  void load_cotangent(ConstBlockRef w, Index first_row, Index b, Lanes* delta) const {
    Lanes* last = delta + delta_offset(layers_.back());
    for (Index d = 0; d < dimension_; ++d) last[d] = load_points(w, first_row + d, b);
  }

  // From the deltas of the outputs to those of every hidden layer.
  void backward(const Lanes* group, Lanes* delta) const {
    for (std::size_t l = layers_.size() - 1; l > 0; --l) {
      Lanes* below = delta + delta_offset(layers_[l - 1]);
      transposed_dense(layers_[l], theta_, delta + delta_offset(layers_[l]), below);
      multiply_by_slopes(group, layers_[l], below);
    }
  }

  // The deltas that the cotangents in rows first_row, .. of w cause in a group.
  void cotangent_deltas(const Lanes* group, ConstBlockRef w, Index first_row, Index b,
                        Lanes* delta) const {
    if (scalar()) {
      const Lanes weight = load_points(w, first_row, b);
      const Lanes* unit = group + unit_;
      for (Index i = 0; i < size_; ++i) delta[i] = unit[i] * weight;
    } else {
      load_cotangent(w, first_row, b, delta);
      backward(group, delta);
    }
  }

  // sums_ = (with `add`: +=) sum over `count` pairs of deltas and activations, in the order of
  // theta.
  void sum_layers(Strided deltas, Strided activations, Index count, bool add) {
    // Not before they are needed: forces alone do without, and those of wide networks are large.
    if (sums_.empty()) sums_.resize(static_cast<std::size_t>(padded(parameters_)));
    for (const Layer& layer : layers_) {
      sum_layer(layer, deltas.from(delta_offset(layer)), activations, count, add);
    }
    if (!skip_) return;
    sum_layer(*skip_, deltas.from(delta_offset(layers_.back())), activations, count, add);
  }

  void sum_layer(const Layer& layer, Strided delta, Strided activations, Index count, bool add) {
    const Strided a = activations.from(layer.activation);
    Lanes* weights = sums_.data() + layer.weights;
    Index o = 0;
    for (; o + 4 <= layer.outputs; o += 4) {
      outer_rows<4>(delta.from(o), a, count, add, weights + o * layer.inputs, layer.inputs);
    }
    for (; o < layer.outputs; ++o) {
      outer_rows<1>(delta.from(o), a, count, add, weights + o * layer.inputs, layer.inputs);
    }
    if (layer.biases < 0) return;
    Lanes* biases = sums_.data() + layer.biases;
    for (o = 0; o < layer.outputs; ++o) {
      Lanes sum = add ? biases[o] : Lanes{};
      for (Index n = 0; n < count; ++n) sum += delta.first[n * delta.stride + o];
      biases[o] = sum;
    }
  }

  Index dimension_;
  Activation activation_;
  std::vector<Layer> layers_;
  std::optional<Layer> skip_;  // the linear one, from the inputs to the outputs
  Index parameters_ = 0;
  Index size_ = 0;          // of a group's activations, and of its deltas, in Lanes
  Index unit_ = 0;          // where unit deltas begin in its part of a record
  Index group_stride_ = 0;  // of that part
  Index groups_ = 0;
  const double* theta_ = nullptr;
  Lanes* record_ = nullptr;  // in use
  AlignedLanes own_record_;
  AlignedLanes deltas_;
  AlignedLanes scratch_;
  AlignedLanes sums_;  // one per parameter, padded
};

}  // namespace

const char* name(Symmetry symmetry) { return symmetry == Symmetry::odd ? "odd" : "none"; }
const char* name(Skip skip) { return skip == Skip::linear ? "linear" : "none"; }

Mlp::Mlp(Architecture structure) : structure_(std::move(structure)) {
  const std::vector<Index>& widths = layers();
  require(
      widths.size() >= 2 && widths.front() == widths.back() &&
          std::all_of(widths.begin(), widths.end(), [](Index w) { return w > 0; }),
      "a network needs at least an input and an output layer of the same width, and every width "
      "at least 1");
  require(bias() || is_odd(activation()),
          "a network with the activation {} is not odd; give tanh or sin, or symmetry none",
          name(activation()));
}

Index Mlp::parameters() const {
  Index count = 0;
  for (const Layer& layer : layers_of(*this)) count += parameters_of(layer);
  return count;
}

std::unique_ptr<Linearisation> Mlp::linearisation(Index points) const {
  return std::make_unique<MlpLinearisation>(*this, points);
}

Vector Mlp::initial_parameters(std::uint64_t seed, double output_scale) const {
  Random random(seed);
  Vector theta(parameters());
  const std::vector<Layer> layers = layers_of(*this);
  const std::size_t output = layers.size() - (skip() == Skip::linear ? 2 : 1);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const double bound = 1 / std::sqrt(static_cast<double>(layers[l].inputs));
    const double scale = l == output ? output_scale * bound : bound;
    for (double& x : theta.segment(layers[l].weights, parameters_of(layers[l]))) {
      x = scale * (2 * random.uniform() - 1);
    }
  }
  return theta;
}

}  // namespace isochron
