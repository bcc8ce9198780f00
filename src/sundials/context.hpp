#pragma once

// The one place that knows how SUNDIALS 6 and 7 differ, and how its handles are owned.

#include <cvodes/cvodes.h>
#include <sundials/sundials_config.h>
#include <sundials/sundials_context.h>
#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_matrix.h>
#include <sundials/sundials_nonlinearsolver.h>
#include <sundials/sundials_nvector.h>

#include <memory>
#include <new>
#include <string>
#include <type_traits>

namespace isochron::sundials {

#if SUNDIALS_VERSION_MAJOR >= 7
using Boolean = sunbooleantype;
#else
using Boolean = booleantype;
#endif

struct ContextDeleter {
  void operator()(SUNContext context) const { SUNContext_Free(&context); }
};
using Context = std::unique_ptr<std::remove_pointer_t<SUNContext>, ContextDeleter>;

/// A context whose errors are reported by return codes only: nothing is printed.
[[nodiscard]] Context make_context();

/// Silences a CVODES memory block (SUNDIALS 6 reports errors per block, 7 per context).
void silence(void* cvode_memory);

struct CvodeDeleter {
  void operator()(void* memory) const { CVodeFree(&memory); }
};
using CvodeMemory = std::unique_ptr<void, CvodeDeleter>;

struct VectorDeleter {
  void operator()(N_Vector v) const { N_VDestroy(v); }
};
using VectorHandle = std::unique_ptr<std::remove_pointer_t<N_Vector>, VectorDeleter>;

struct NonlinearSolverDeleter {
  void operator()(SUNNonlinearSolver solver) const { SUNNonlinSolFree(solver); }
};
using NonlinearSolver =
    std::unique_ptr<std::remove_pointer_t<SUNNonlinearSolver>, NonlinearSolverDeleter>;

struct LinearSolverDeleter {
  void operator()(SUNLinearSolver solver) const { SUNLinSolFree(solver); }
};
using LinearSolver = std::unique_ptr<std::remove_pointer_t<SUNLinearSolver>, LinearSolverDeleter>;

struct MatrixDeleter {
  void operator()(SUNMatrix matrix) const { SUNMatDestroy(matrix); }
};
using Matrix = std::unique_ptr<std::remove_pointer_t<SUNMatrix>, MatrixDeleter>;

/// Memory that ran out inside a call of SUNDIALS. It does not always notice, and no exception may
/// cross its frames: the callback notes it and carries on with what there is, and whoever made the
/// call raises it afterwards, on the same thread. What was computed meanwhile is worthless, and so
/// is the solver.
void note_exhaustion() noexcept;
/// Throws std::bad_alloc when exhaustion was noted on this thread, and forgets it.
void raise_exhaustion();

/// Throws std::bad_alloc when the memory ran out, and otherwise Error naming the call
/// and the symbolic flag unless flag >= 0. For set-up calls, which fail only on a programming error
/// or exhausted memory.
void check(int flag, const char* call);

/// Throws std::bad_alloc for a null handle.
template <class T>
T* check_handle(T* handle) {
  if (handle == nullptr) throw std::bad_alloc();
  return handle;
}

/// "CV_TOO_MUCH_WORK" for -1, and so on.
[[nodiscard]] std::string flag_name(int flag);

}  // namespace isochron::sundials
