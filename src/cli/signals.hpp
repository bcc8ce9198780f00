#pragma once

namespace isochron::cli {

/// SIGINT and SIGTERM ask the running verb to stop; the second one kills.
void catch_signals();
[[nodiscard]] bool signalled();
/// 130 or 143.
[[nodiscard]] int signal_status();

}  // namespace isochron::cli
