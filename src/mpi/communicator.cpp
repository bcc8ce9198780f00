#include "isochron/mpi.hpp"

#include <algorithm>
#include <cstdint>

namespace isochron {
namespace {

// MPI counts bytes by int. A longer message is announced by its length and comes in pieces.
constexpr std::size_t longest_piece = std::size_t{1} << 30;
constexpr int announcements = 16;  // added to the tag of a channel
constexpr int pieces = 32;

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(MPI_Comm ranks) : ranks_(ranks) {
    MPI_Comm_rank(ranks_, &rank_);
    MPI_Comm_size(ranks_, &size_);
  }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }

  void send(int to, Channel channel, const Bytes& bytes) override {
    if (bytes.size() <= longest_piece) return send_piece(to, channel, bytes.data(), bytes.size());
    const std::uint64_t length = bytes.size();
    send_piece(to, channel + announcements, &length, sizeof length);
    for (std::size_t at = 0; at < bytes.size(); at += longest_piece) {
      send_piece(to, channel + pieces, bytes.data() + at,
                 std::min(longest_piece, bytes.size() - at));
    }
  }

  [[nodiscard]] std::optional<Received> take(int from, Channel channel) override {
    const int source = from < 0 ? MPI_ANY_SOURCE : from;
    for (const int tag : {static_cast<int>(channel), channel + announcements}) {
      int has_come = 0;
      MPI_Message message{};
      MPI_Status status{};
      MPI_Improbe(source, tag, ranks_, &has_come, &message, &status);
      if (has_come == 0) continue;
      int count = 0;
      MPI_Get_count(&status, MPI_BYTE, &count);
      Received received{status.MPI_SOURCE, Bytes(static_cast<std::size_t>(count))};
      MPI_Mrecv(received.bytes.data(), count, MPI_BYTE, &message, MPI_STATUS_IGNORE);
      if (tag != channel) received.bytes = announced(received, channel);
      return received;
    }
    return std::nullopt;
  }

 private:
  void send_piece(int to, int tag, const void* data, std::size_t size) {
    MPI_Send(data, static_cast<int>(size), MPI_BYTE, to, tag, ranks_);
  }

  [[nodiscard]] Bytes announced(const Received& announcement, Channel channel) {
    std::uint64_t length = 0;
    std::copy_n(announcement.bytes.data(), sizeof length, reinterpret_cast<char*>(&length));
    Bytes bytes(length);
    for (std::size_t at = 0; at < length; at += longest_piece) {
      const auto size =
          static_cast<int>(std::min(longest_piece, static_cast<std::size_t>(length) - at));
      MPI_Recv(bytes.data() + at, size, MPI_BYTE, announcement.from, channel + pieces, ranks_,
               MPI_STATUS_IGNORE);
    }
    return bytes;
  }

  MPI_Comm ranks_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

CommunicatorPtr mpi_communicator(MPI_Comm ranks) {
  return std::make_shared<MpiCommunicator>(ranks);
}

}  // namespace isochron
