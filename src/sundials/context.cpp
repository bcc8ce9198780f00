#include "sundials/context.hpp"

#include <fmt/core.h>
#include <cstdlib>

#include "isochron/error.hpp"
#include "isochron/integrator.hpp"

namespace isochron {

std::string sundials_version() {
  return fmt::format("{}.{}.{}", SUNDIALS_VERSION_MAJOR, SUNDIALS_VERSION_MINOR,
                     SUNDIALS_VERSION_PATCH);
}

}  // namespace isochron

namespace isochron::sundials {

Context make_context() {
  SUNContext context = nullptr;
#if SUNDIALS_VERSION_MAJOR >= 7
  const int flag = SUNContext_Create(SUN_COMM_NULL, &context);
  if (context != nullptr) SUNContext_ClearErrHandlers(context);
#else
  const int flag = SUNContext_Create(nullptr, &context);
#endif
  check(flag, "SUNContext_Create");
  return Context(context);
}

#if SUNDIALS_VERSION_MAJOR >= 7
void silence(void*) {}
#else
void silence(void* cvode_memory) {
  const auto ignore = [](int, const char*, const char*, char*, void*) {};
  check(CVodeSetErrHandlerFn(cvode_memory, ignore, nullptr), "CVodeSetErrHandlerFn");
}
#endif

std::string flag_name(int flag) {
  char* name = CVodeGetReturnFlagName(flag);
  std::string text = name == nullptr ? "unknown flag" : name;
  std::free(name);
  return text;
}

namespace {
thread_local bool exhausted = false;
}

void note_exhaustion() noexcept { exhausted = true; }

void raise_exhaustion() {
  if (exhausted) {
    exhausted = false;
    throw std::bad_alloc();
  }
}

void check(int flag, const char* call) {
  if (flag == CV_MEM_FAIL) note_exhaustion();
  raise_exhaustion();
  if (flag < 0) {
    throw Error(fmt::format("SUNDIALS: {} returned {} ({})", call, flag, flag_name(flag)));
  }
}

}  // namespace isochron::sundials
