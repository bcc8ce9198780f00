#include <map>
#include <memory>

#include "field_message.hpp"
#include "isochron/error.hpp"
#include "service.hpp"
#include "shared_integration.hpp"
#include "trajectory_function.hpp"

namespace isochron {
namespace {

/// What is kept from one request to the next.
class Service {
 public:
  Service(Communicator& communicator, const Objective* own,
          const std::function<void(const Request&, MessageReader&)>& sweep)
      : communicator_(communicator),
        own_(own),
        sweep_(sweep),
        own_fields_(own == nullptr ? std::vector<ForceFieldPtr>()
                                   : own_fields(own->dynamics().shared_field())) {}

  int run() {
    for (;;) {
      const Bytes bytes = next_request(communicator_);
      MessageReader message(bytes);
      const auto request = message.next<Request>();
      if (request.task == Task::end) return message.next<int>();
      serve(request, message);
    }
  }

 private:
  void serve(const Request& request, MessageReader& message) {
    switch (request.task) {
      case Task::make: {
        const auto name = message.next<std::uint64_t>();
        make(name, message);
        return;
      }
      case Task::forget: functions_.erase(message.next<std::uint64_t>()); return;
      case Task::loss:
      case Task::gradient:
      case Task::jacobian:
      case Task::leaves:
        return answer(communicator_, request.number, [&](const std::function<bool()>& stop) {
          return function(message.next<std::uint64_t>())
              .part(communicator_, request.task, message, stop);
        });
      case Task::integrate:
      case Task::sample:
        return answer(communicator_, request.number, [&](const std::function<bool()>& stop) {
          return part_of_integration(communicator_, request.task, message, own_fields_, stop);
        });
      case Task::sweep: return sweep_(request, message);
      case Task::end: return;
    }
  }

  /// What cannot be made is an answer to those who ask for it.
  void make(std::uint64_t name, MessageReader& message) {
    try {
      functions_[name] = {TrajectoryFunction::read(message, own_), ""};
    } catch (const std::exception& error) {
      functions_[name] = {nullptr, error.what()};
    }
  }

  struct Made {
    std::unique_ptr<TrajectoryFunction> function;
    std::string failure;
  };
  TrajectoryFunction& function(std::uint64_t name) {
    const Made& made = functions_.at(name);
    if (!made.function) throw InputError(made.failure);
    return *made.function;
  }

  Communicator& communicator_;
  const Objective* own_;
  const std::function<void(const Request&, MessageReader&)>& sweep_;
  std::vector<ForceFieldPtr> own_fields_;
  std::map<std::uint64_t, Made> functions_;
};

}  // namespace

int serve(Communicator& communicator, const Objective* own) {
  return serve(communicator, own, [](const Request&, MessageReader&) {});
}

int serve(Communicator& communicator, const Objective* own,
          const std::function<void(const Request&, MessageReader&)>& sweep) {
  return Service(communicator, own, sweep).run();
}

void dismiss(Communicator& communicator, int status) {
  if (communicator.is_broken()) return;
  tell(communicator, Task::end, [&](MessageWriter& to) { to(status); });
}

}  // namespace isochron
