#include "sundials/vector.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <new>
#include <vector>

#include "lanes.hpp"

namespace isochron::sundials {
namespace {

/// What as_block promises.
constexpr std::size_t alignment = block_padding * sizeof(double);

constexpr int highest_order = 12;  // of Adams' methods
constexpr std::size_t additions_of_order(std::size_t q) { return q * (q + 1) / 2; }

/// For k = 1 .. q, for j = q .. k: z_{j-1} += sign z_j.
template <int q>
void add_in_registers(Lanes* const* z, double sign, Index lane_blocks) {
  for (Index i = 0; i < lane_blocks; ++i) {
    Lanes v[q + 1];
    for (int j = 0; j <= q; ++j) v[j] = z[j][i];
    for (int k = 1; k <= q; ++k) {
      for (int j = q; j >= k; --j) v[j - 1] += sign * v[j];
    }
    for (int j = 0; j < q; ++j) z[j][i] = v[j];
  }
}

using AddInRegisters = void (*)(Lanes* const*, double, Index);

template <int... k>
AddInRegisters add_in_registers_at(std::size_t order, std::integer_sequence<int, k...>) {
  constexpr AddInRegisters functions[] = {add_in_registers<k + 1>...};
  return functions[order - 1];
}

/// The additions by which CVODES predicts, put off until someone looks at a vector.
///
/// With the history z_0 .. z_q (Nordsieck's array) they are: for k = 1 .. q, for j = q .. k:
/// z_{j-1} += z_j, and -= where a step that failed is taken back. One after the other they go
/// q (q + 1)/2 times through memory, together once: that saves 2% of a gradient with 321 parameters
/// and 10 to 20% with 4,417.
class Prediction {
 public:
  /// target[i] += sign source[i], i < count. The two arrays are CVODES' own and stay.
  void put_off(N_Vector* target, N_Vector* source, int count, double sign) {
    if (additions_ == capacity || count != count_ || sign != sign_) finish();
    count_ = count;
    sign_ = sign;
    addition_[additions_++] = {target, source};
  }

  void finish() {
    if (additions_ > 0) add();
  }

 private:
  static constexpr std::size_t capacity = additions_of_order(highest_order);

  struct Addition {
    N_Vector* target = nullptr;
    N_Vector* source = nullptr;
    bool operator==(const Addition&) const = default;
  };

  void add();
  [[nodiscard]] std::size_t order() const;

  std::size_t additions_ = 0;
  int count_ = 0;
  double sign_ = 1;
  std::array<Addition, capacity> addition_;
};

class Family;

struct Content {
  VectorShape shape;
  std::shared_ptr<Family> family;
  Lanes* lanes = nullptr;  // from family
  N_Vector self = nullptr;
};

/// Whether there is room for the small allocations of SUNDIALS, whose failures it may overlook.
bool has_headroom() {
#ifdef ISOCHRON_SANITIZE
  return true;  // sanitizers end a program without memory, and need the system for each probe
#else
  constexpr std::size_t headroom = 1 << 20;
  void* volatile probe = std::malloc(headroom);  // volatile: or compilers leave it out
  std::free(probe);
  return probe != nullptr;
#endif
}

/// What a vector and its clones share; one thread uses them at a time. Storage of destroyed vectors
/// is kept for the next clones: CVODES makes and destroys a dozen vectors at every checkpoint.
class Family : public std::enable_shared_from_this<Family> {
 public:
  explicit Family(std::size_t bytes) : bytes_(bytes) {}
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family();

  /// Null when the memory is exhausted, or soon would be.
  Lanes* take() {
    if (!free_.empty()) {
      Lanes* lanes = free_.back();
      free_.pop_back();
      return lanes;
    }
    auto* lanes = static_cast<Lanes*>(std::aligned_alloc(alignment, bytes_));
    if (lanes == nullptr || has_headroom()) return lanes;
    std::free(lanes);
    return nullptr;
  }
  void give_back(Lanes* lanes) noexcept {
    try {
      free_.push_back(lanes);
    } catch (const std::bad_alloc&) {
      std::free(lanes);
    }
  }

  /// Of make_vector.
  void keep_spare(N_Vector spare);
  /// The one vector that stands in for every clone that cannot be made.
  N_Vector lend_spare();
  /// False when it is not the spare one.
  bool take_back(N_Vector v);

  Prediction prediction;

 private:
  std::size_t bytes_;
  std::vector<Lanes*> free_;
  N_Vector spare_ = nullptr;
  int lent_ = 0;
};

Content& content(N_Vector v) { return *static_cast<Content*>(v->content); }

/// The numbers of a vector, up to date.
Lanes* lanes(N_Vector v) {
  content(v).family->prediction.finish();
  return content(v).lanes;
}

Index lane_blocks(N_Vector v) {
  return content(v).shape.rows * content(v).shape.stride / lane_count;
}

template <class Op>
void for_each(N_Vector z, Op op) {
  const Index n = lane_blocks(z);
  for (Index i = 0; i < n; ++i) op(i);
}

void Prediction::add() {
  const Index n = lane_blocks(*addition_[0].target);
  const std::size_t q = order();
  for (int i = 0; i < count_; ++i) {
    if (q > 0) {
      std::array<Lanes*, highest_order + 1> z{};
      z[q] = content(addition_[0].source[i]).lanes;
      for (std::size_t j = 0; j < q; ++j) z[j] = content(addition_[q - 1 - j].target[i]).lanes;
      add_in_registers_at(q, std::make_integer_sequence<int, highest_order>{})(z.data(), sign_, n);
      continue;
    }
    for (std::size_t k = 0; k < additions_; ++k) {
      Lanes* target = content(addition_[k].target[i]).lanes;
      const Lanes* source = content(addition_[k].source[i]).lanes;
      for (Index l = 0; l < n; ++l) target[l] += sign_ * source[l];
    }
  }
  additions_ = 0;
}

/// q if the additions are those above, or else 0. Theirs is one descent from z_q to z_0, and then
/// again and again what it began with, one shorter each time.
std::size_t Prediction::order() const {
  std::size_t q = 1;
  while (q < additions_ && addition_[q].source == addition_[q - 1].target) ++q;
  if (additions_ != additions_of_order(q)) return 0;
  for (std::size_t k = 0; k < q; ++k) {  // every z once
    const auto same = [&](const Addition& a) { return a.source == addition_[k].target; };
    if (std::any_of(&addition_[0], &addition_[k + 1], same)) return 0;
  }
  const Addition* again = &addition_[q];
  for (std::size_t length = q - 1; length > 0; again += length--) {
    if (!std::equal(again, again + length, addition_.data())) return 0;
  }
  return q;
}

N_Vector clone(N_Vector v);

void destroy(N_Vector v) {
  if (v == nullptr) return;
  if (v->content != nullptr && content(v).family != nullptr && content(v).family->take_back(v)) {
    return;
  }
  if (v->content != nullptr && lanes(v) != nullptr) content(v).family->give_back(lanes(v));
  delete static_cast<Content*>(v->content);
  v->content = nullptr;
  N_VFreeEmpty(v);
}

sunindextype length(N_Vector v) { return content(v).shape.rows * content(v).shape.columns; }

void report_size(N_Vector v, sunindextype* reals, sunindextype* integers) {
  *reals = content(v).shape.rows * content(v).shape.stride;
  *integers = 1;
}

/// Whether this is z += y or z -= y among relatives: then it can wait until someone looks.
bool can_wait(double a, N_Vector x, double b, N_Vector y, N_Vector z) {
  return x == z && a == 1 && std::abs(b) == 1 && content(y).family == content(z).family;
}

void linear_sum(sunrealtype a, N_Vector x, sunrealtype b, N_Vector y, N_Vector z) {
  if (can_wait(a, x, b, y, z)) {
    content(z).family->prediction.put_off(&content(z).self, &content(y).self, 1, b);
    return;
  }
  const Lanes* px = lanes(x);
  const Lanes* py = lanes(y);
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = a * px[i] + b * py[i]; });
}

int linear_sums(int count, sunrealtype a, N_Vector* x, sunrealtype b, N_Vector* y, N_Vector* z) {
  if (x == z && can_wait(a, x[0], b, y[0], z[0])) {
    content(z[0]).family->prediction.put_off(z, y, count, b);
  } else {
    for (int k = 0; k < count; ++k) linear_sum(a, x[k], b, y[k], z[k]);
  }
  return 0;
}

void set_constant(sunrealtype c, N_Vector z) {
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = broadcast(c); });
}

void multiply(N_Vector x, N_Vector y, N_Vector z) {
  const Lanes* px = lanes(x);
  const Lanes* py = lanes(y);
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = px[i] * py[i]; });
}

void divide(N_Vector x, N_Vector y, N_Vector z) {
  const Lanes* px = lanes(x);
  const Lanes* py = lanes(y);
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = px[i] / py[i]; });
}

void scale(sunrealtype c, N_Vector x, N_Vector z) {
  const Lanes* px = lanes(x);
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = c * px[i]; });
}

Lanes absolute(Lanes x) { return x < 0.0 ? -x : x; }

void absolute_value(N_Vector x, N_Vector z) {
  const Lanes* px = lanes(x);
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = absolute(px[i]); });
}

void inverse(N_Vector x, N_Vector z) {
  const Lanes* px = lanes(x);
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = 1.0 / px[i]; });
}

void add_constant(N_Vector x, sunrealtype b, N_Vector z) {
  const Lanes* px = lanes(x);
  Lanes* pz = lanes(z);
  for_each(z, [=](Index i) { pz[i] = px[i] + b; });
}

double largest(Lanes v) {
  double result = v[0];
  for (int i = 1; i < lane_count; ++i) result = std::max(result, v[i]);
  return result;
}

sunrealtype max_norm(N_Vector x) {
  const Lanes* px = lanes(x);
  Lanes most{};
  for_each(x, [&](Index i) {
    const Lanes a = absolute(px[i]);
    most = a > most ? a : most;
  });
  return largest(most);
}

sunrealtype minimum(N_Vector x) {
  const Lanes* px = lanes(x);
  Lanes least = px[0];
  for_each(x, [&](Index i) { least = px[i] < least ? px[i] : least; });
  return -largest(-least);
}

sunrealtype dot_product(N_Vector x, N_Vector y) {
  const Lanes* px = lanes(x);
  const Lanes* py = lanes(y);
  Lanes sum{};
  for_each(x, [&](Index i) { sum += px[i] * py[i]; });
  return lane_sum(sum);
}

/// Norm::largest_trajectory: max_b sqrt(mean_rows (x w)^2); padding repeats a trajectory or is 0.
double largest_trajectory_norm(const VectorShape& shape, const Lanes* x, const Lanes* w) {
  const Index groups = shape.stride / lane_count;
  Lanes most{};
  for (Index g = 0; g < groups; ++g) {
    Lanes sum{};
    for (Index row = 0; row < shape.rows; ++row) {
      const Lanes weighted = x[row * groups + g] * w[row * groups + g];
      sum += weighted * weighted;
    }
    most = sum > most ? sum : most;
  }
  return std::sqrt(largest(most) / static_cast<double>(shape.rows));
}

sunrealtype weighted_norm(N_Vector x, N_Vector w) {
  if (content(x).shape.norm == Norm::largest_trajectory) {
    return largest_trajectory_norm(content(x).shape, lanes(x), lanes(w));
  }
  const Lanes* px = lanes(x);
  const Lanes* pw = lanes(w);
  Lanes sum{};
  for_each(x, [&](Index i) {
    const Lanes weighted = px[i] * pw[i];
    sum += weighted * weighted;
  });
  return std::sqrt(lane_sum(sum) / static_cast<double>(std::max<sunindextype>(1, length(x))));
}

int linear_combination(int count, sunrealtype* c, N_Vector* x, N_Vector z) {
  // Four vectors per pass, so that sums stay in registers and pointers do too.
  Lanes* pz = lanes(z);
  int k = 0;
  const auto pointer = [&](int j) -> const Lanes* { return lanes(x[j]); };
  if (count == 0) return 0;
  if (x[0] == z) {
    if (c[0] != 1.0) scale(c[0], z, z);
    k = 1;
  } else if (count == 1) {
    scale(c[0], x[0], z);
    return 0;
  } else {
    linear_sum(c[0], x[0], c[1], x[1], z);
    k = 2;
  }
  for (; k + 4 <= count; k += 4) {
    const Lanes* p0 = pointer(k);
    const Lanes* p1 = pointer(k + 1);
    const Lanes* p2 = pointer(k + 2);
    const Lanes* p3 = pointer(k + 3);
    for_each(z, [&](Index i) {
      pz[i] += (c[k] * p0[i] + c[k + 1] * p1[i]) + (c[k + 2] * p2[i] + c[k + 3] * p3[i]);
    });
  }
  for (; k < count; ++k) {
    const Lanes* p = pointer(k);
    for_each(z, [&](Index i) { pz[i] += c[k] * p[i]; });
  }
  return 0;
}

int scale_add_multi(int count, sunrealtype* a, N_Vector x, N_Vector* y, N_Vector* z) {
  for (int k = 0; k < count; ++k) linear_sum(a[k], x, 1, y[k], z[k]);
  return 0;
}

int scale_vector_array(int count, sunrealtype* c, N_Vector* x, N_Vector* z) {
  for (int k = 0; k < count; ++k) scale(c[k], x[k], z[k]);
  return 0;
}

N_Vector allocate(const VectorShape& shape, const std::shared_ptr<Family>& family,
                  SUNContext context) {
  N_Vector v = N_VNewEmpty(context);
  if (v == nullptr) return nullptr;
  v->ops->nvgetvectorid = [](N_Vector) { return SUNDIALS_NVEC_CUSTOM; };
  v->ops->nvclone = clone;
  v->ops->nvdestroy = destroy;
  v->ops->nvspace = report_size;
  v->ops->nvgetlength = length;
  v->ops->nvgetarraypointer = [](N_Vector w) { return reinterpret_cast<double*>(lanes(w)); };
  v->ops->nvlinearsum = linear_sum;
  v->ops->nvconst = set_constant;
  v->ops->nvprod = multiply;
  v->ops->nvdiv = divide;
  v->ops->nvscale = scale;
  v->ops->nvabs = absolute_value;
  v->ops->nvinv = inverse;
  v->ops->nvaddconst = add_constant;
  v->ops->nvdotprod = dot_product;
  v->ops->nvmaxnorm = max_norm;
  v->ops->nvmin = minimum;
  v->ops->nvwrmsnorm = weighted_norm;
  v->ops->nvlinearcombination = linear_combination;
  v->ops->nvscaleaddmulti = scale_add_multi;
  v->ops->nvscalevectorarray = scale_vector_array;
  v->ops->nvlinearsumvectorarray = linear_sums;

  auto* own = new (std::nothrow) Content{shape, family, nullptr, v};
  v->content = own;
  if (own != nullptr) own->lanes = family->take();
  if (own == nullptr || own->lanes == nullptr) {
    destroy(v);
    return nullptr;
  }
  return v;
}

/// Never null: SUNDIALS 6.4 uses some clones without looking.
N_Vector clone(N_Vector v) {
  const Content& like = content(v);
  if (N_Vector made = allocate(like.shape, like.family, v->sunctx)) return made;
  note_exhaustion();
  return like.family->lend_spare();
}

// Only while it is lent does the spare vector keep its family alive.

void Family::keep_spare(N_Vector spare) {
  spare_ = spare;
  content(spare).family.reset();
}

N_Vector Family::lend_spare() {
  ++lent_;
  content(spare_).family = shared_from_this();
  return spare_;
}

bool Family::take_back(N_Vector v) {
  if (v != spare_) return false;
  if (--lent_ == 0) {
    const auto last = std::move(content(v).family);  // outlives what it deletes
    return true;
  }
  return true;
}

Family::~Family() {
  for (Lanes* lanes : free_) std::free(lanes);
  if (spare_ == nullptr) return;
  std::free(content(spare_).lanes);
  delete static_cast<Content*>(spare_->content);
  N_VFreeEmpty(spare_);
}

}  // namespace

VectorHandle make_vector(const VectorShape& shape, SUNContext context) {
  const auto bytes = static_cast<std::size_t>(shape.rows * shape.stride) * sizeof(double);
  const auto family = std::make_shared<Family>(bytes);
  VectorHandle v(check_handle(allocate(shape, family, context)));
  family->keep_spare(check_handle(allocate(shape, family, context)));
  N_VConst(0, v.get());
  return v;
}

Eigen::Map<Block, Eigen::Aligned64, Eigen::OuterStride<>> as_block(N_Vector v) {
  const VectorShape& shape = content(v).shape;
  return {reinterpret_cast<double*>(lanes(v)), shape.rows, shape.stride,
          Eigen::OuterStride<>(shape.stride)};
}

Eigen::Map<Vector, Eigen::Aligned64> as_row(N_Vector v) {
  return {reinterpret_cast<double*>(lanes(v)), content(v).shape.columns};
}

}  // namespace isochron::sundials
