#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "isochron/communicator.hpp"

namespace isochron {

/// Ranks that are threads of this process.
class LocalRank final : public Communicator {
 public:
  /// The messages between all of them.
  struct Mail {
    std::mutex mutex;
    std::map<std::pair<int, Channel>, std::deque<Received>> boxes;  // of each rank and channel
    std::atomic<long> messages = 0;
    std::atomic<long> bytes = 0;
  };

  LocalRank(int rank, int size, std::shared_ptr<Mail> mail)
      : rank_(rank), size_(size), mail_(std::move(mail)) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void send(int to, Channel channel, const Bytes& bytes) override {
    const std::lock_guard lock(mail_->mutex);
    mail_->boxes[{to, channel}].push_back({rank_, bytes});
    ++mail_->messages;
    mail_->bytes += static_cast<long>(bytes.size());
  }
  [[nodiscard]] std::optional<Received> take(int from, Channel channel) override {
    const std::lock_guard lock(mail_->mutex);
    auto& box = mail_->boxes[{rank_, channel}];
    for (auto message = box.begin(); message != box.end(); ++message) {
      if (from >= 0 && message->from != from) continue;
      Received received = std::move(*message);
      box.erase(message);
      return received;
    }
    return std::nullopt;
  }

 private:
  int rank_;
  int size_;
  std::shared_ptr<Mail> mail_;
};

/// Rank 0 of so many, whose others serve it as long as this lives.
class LocalRanks {
 public:
  explicit LocalRanks(int size, const Objective* own = nullptr)
      : first_(std::make_shared<LocalRank>(0, size, mail_)) {
    for (int rank = 1; rank < size; ++rank) {
      others_.emplace_back([=, this] {
        LocalRank self(rank, size, mail_);
        serve(self, own);
      });
    }
  }
  ~LocalRanks() { dismiss(*first_); }

  [[nodiscard]] const CommunicatorPtr& first() const { return first_; }
  [[nodiscard]] const LocalRank::Mail& mail() const { return *mail_; }

 private:
  std::shared_ptr<LocalRank::Mail> mail_ = std::make_shared<LocalRank::Mail>();
  CommunicatorPtr first_;
  std::vector<std::jthread> others_;
};

}  // namespace isochron
