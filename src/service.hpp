#pragma once

#include <functional>

#include "isochron/communicator.hpp"
#include "team.hpp"

namespace isochron {

/// serve(), for a program with a task of its own: `sweep` is done where rank 0 asks for
/// Task::sweep.
int serve(Communicator& communicator, const Objective* own,
          const std::function<void(const Request&, MessageReader&)>& sweep);

}  // namespace isochron
