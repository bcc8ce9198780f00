#pragma once

namespace isochron::cli {

/// SIGINT and SIGTERM ask the running verb to stop; the second one kills.
void catch_signals();
[[nodiscard]] bool signalled();
/// Makes signalled() true without a signal: on a rank that rank 0 stops.
void stop_as_if_signalled();
/// 130 or 143.
[[nodiscard]] int signal_status();

}  // namespace isochron::cli
