#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "isochron/states.hpp"

namespace isochron {

/// Node `second` of level `first`, from the left: of the parts second 2^first .. (second + 1)
/// 2^first - 1 as far as there are so many.
using TreeNode = std::pair<int, Index>;

/// Merges parts 0 .. count - 1: two neighbours into one, and so on in a binary tree that is fixed
/// by the number of parts. So the result is the same to the last bit in whatever order they come,
/// on whichever threads, and whichever process has merged a few of them before. Holds about
/// log2(count) of them when they come in order.
template <class Part>
class ReductionTree {
 public:
  using Merge = std::function<Part(Part left, Part right)>;

  ReductionTree(Index count, Merge merge) : count_(count), merge_(std::move(merge)) {}

  [[nodiscard]] Index count() const { return count_; }

  /// Adds a part, and merges as far up as both sides are there; to be called once for each, by
  /// several threads at once if need be. Whatever `merge` throws passes through.
  void add(Index number, Part part) { add(TreeNode{0, number}, std::move(part)); }

  /// Adds a node that another tree has merged.
  void add(TreeNode node, Part part) {
    for (Index width = width_of(node.first); width > 1; width = (width + 1) / 2) {
      const bool has_sibling = (node.second ^ 1) < width;
      if (has_sibling) {
        std::optional<Part> other = meet(node, part);
        if (!other) return;
        const bool is_left = node.second % 2 == 0;
        part = is_left ? merge_(std::move(part), std::move(*other))
                       : merge_(std::move(*other), std::move(part));
      }
      node = {node.first + 1, node.second / 2};
    }
    const std::lock_guard lock(mutex_);
    waiting_.insert_or_assign(node, std::move(part));
  }

  /// The whole, once all have been added.
  [[nodiscard]] Part& root() { return waiting_.begin()->second; }

  /// What has not met its sibling, for another tree to add.
  [[nodiscard]] std::map<TreeNode, Part> take() { return std::exchange(waiting_, {}); }

 private:
  [[nodiscard]] Index width_of(int level) const {
    Index width = count_;
    for (; level > 0; --level) width = (width + 1) / 2;
    return width;
  }

  /// Takes the other side of a node's parent; nothing, and the part waits, when that is not there
  /// yet.
  [[nodiscard]] std::optional<Part> meet(const TreeNode& node, Part& part) {
    const std::lock_guard lock(mutex_);
    const auto sibling = waiting_.find({node.first, node.second ^ 1});
    if (sibling == waiting_.end()) {
      waiting_.insert_or_assign(node, std::move(part));
      return std::nullopt;
    }
    Part other = std::move(sibling->second);
    waiting_.erase(sibling);
    return other;
  }

  Index count_;
  Merge merge_;
  std::mutex mutex_;
  std::map<TreeNode, Part> waiting_;
};

}  // namespace isochron
