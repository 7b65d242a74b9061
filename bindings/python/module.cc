// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// distillwatch._core: the library in Python's words. The package's modules make it comfortable.

#include "bind.h"

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
}
