// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Reviews and campaigns, between Python's words and the library's.
//
// Tested by  tests/python/test_campaigns.py

#ifndef DISTILLWATCH_BINDINGS_PYTHON_REVIEW_H_
#define DISTILLWATCH_BINDINGS_PYTHON_REVIEW_H_

#include "bind.h"
#include "distillwatch/monitor.h"

namespace distillwatch::python {

// Of a distillwatch.CampaignOptions; None is the default.
CampaignOptions ToCampaignOptions(py::handle campaigns);

// A distillwatch.Review. `stop` is None, or a callable that is asked now and then whether to stop;
// an interrupt stops, too.
py::object ReviewNow(Monitor& self, py::handle now, const py::object& stop,
                     const py::object& most_steps);

// Of distillwatch.Campaign.
py::list Campaigns(const Monitor& self);

}  // namespace distillwatch::python

#endif  // DISTILLWATCH_BINDINGS_PYTHON_REVIEW_H_
