// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// distillwatch._core: the library in Python's words. The package's modules make it comfortable.

#include "bind.h"

namespace distillwatch::python {
namespace {

// An object whose __init__ has not run would be memory that nobody filled.
void* RefuseUnmade(std::size_t) {
  throw py::type_error("__init__ of this object was not called");
}

// Of all types in a module, or in a type.
void RefuseUnmadeOf(py::handle scope) {
  for (const auto& [name, value] : py::dict(scope.attr("__dict__"))) {
    if (!PyType_Check(value.ptr())) continue;
    py::detail::type_info* type =
        py::detail::get_type_info(reinterpret_cast<PyTypeObject*>(value.ptr()));
    if (type == nullptr || type->operator_new == &RefuseUnmade) continue;
    type->operator_new = &RefuseUnmade;
    RefuseUnmadeOf(value);
  }
}

}  // namespace
}  // namespace distillwatch::python

PYBIND11_MODULE(_core, m) {
  using namespace distillwatch::python;
  m.doc() = "The compiled part of distillwatch.";
  m.attr("__version__") = DISTILLWATCH_VERSION;
  BindColumn(m);
  BindVerdict(m);
  BindSketch(m);
  BindDetect(m);
  BindSimilar(m);
  BindReference(m);
  BindMonitor(m);
  BindSimulate(m);
  BindLooks(m);
  BindFit(m);
  RefuseUnmadeOf(m);
}
