#include "sundials/butcher.hpp"

#include <arkode/arkode_butcher_erk.h>

#include <memory>
#include <new>

namespace isochron::sundials {

one_step::Tableau fehlberg_8() {
  struct Free {
    void operator()(ARKodeButcherTable table) const { ARKodeButcherTable_Free(table); }
  };
  const std::unique_ptr<ARKodeButcherTableMem, Free> table(
      ARKodeButcherTable_LoadERK(ARKODE_FEHLBERG_13_7_8));
  if (!table) throw std::bad_alloc();
  const auto stages = static_cast<std::size_t>(table->stages);
  one_step::Tableau result;
  result.order = table->q;
  result.embedded_order = table->p;
  result.c.assign(table->c, table->c + stages);
  result.b.assign(table->b, table->b + stages);
  for (std::size_t i = 0; i < stages; ++i) {
    result.a.emplace_back(table->A[i], table->A[i] + i);
    result.e.push_back(table->b[i] - table->d[i]);
  }
  return result;
}

}  // namespace isochron::sundials
