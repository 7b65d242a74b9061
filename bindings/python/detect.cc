// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cmath>

#include "bind.h"
#include "distillwatch/coverage.h"
#include "distillwatch/observation.h"
#include "distillwatch/rate_shape.h"
#include "distillwatch/similarity.h"

namespace distillwatch::python {
namespace {

// An Observation with terms of its own.
struct OwnedObservation {
  Observation seen;
  std::vector<std::uint64_t> terms;
};

template <typename D>
void BindDetector(py::module_& m, const char* name, const char* doc) {
  py::class_<D> detector(m, name, doc);
  py::class_<typename D::State>(detector, "State", "One account as this detector sees it.")
      .def(py::init<>())
      .def("__copy__", [](const typename D::State& s) { return typename D::State(s); })
      .def(
          "__deepcopy__",
          [](const typename D::State& s, py::handle) { return typename D::State(s); },
          py::arg("memo"));
  detector
      .def(py::init([](py::handle half_life) { return D(ToSeconds(half_life, "half_life")); }),
           py::arg("half_life") = 7 * 24 * 3600)
      .def(
          "update",
          [](const D& self, const OwnedObservation& seen, typename D::State& state) {
            self.Update(seen.seen, state);
          },
          py::arg("seen"), py::arg("state"))
      .def(
          "measure",
          [](const D& self, const typename D::State& state) {
            const auto features = self.Measure(state);
            py::dict out;
            for (std::size_t f = 0; f < features.size(); ++f)
              out[py::str(std::string(D::kFeatures[f].name))] = py::float_(features[f]);
            return out;
          },
          py::arg("state"))
      .def("__repr__", [name = std::string(name)](const D&) { return name + "()"; });
  detector.attr("name") = std::string(D::kName);
  constexpr const char* kForms[] = {"number", "share", "nats", "hours", "log2", "exp"};
  py::tuple features(D::kFeatures.size());
  for (std::size_t f = 0; f < D::kFeatures.size(); ++f) {
    const FeatureSpec& spec = D::kFeatures[f];
    features[f] = Python("distillwatch._types", "FeatureSpec")(
        std::string(spec.name), std::string(spec.words),
        kForms[static_cast<std::size_t>(spec.form)]);
  }
  detector.attr("features") = features;
}

}  // namespace

void BindDetect(py::module_& m) {
  py::class_<OwnedObservation>(m, "Observation", "What detectors see of one request. No text.")
      .def_property_readonly("time",
                             [](const OwnedObservation& o) { return FromTime(o.seen.time); })
      .def_property_readonly("signature",
                             [](const OwnedObservation& o) {
                               return py::array_t<std::uint16_t>(
                                   static_cast<py::ssize_t>(o.seen.signature.size()),
                                   o.seen.signature.data());
                             })
      .def_property_readonly("terms",
                             [](const OwnedObservation& o) {
                               return py::array_t<std::uint64_t>(
                                   static_cast<py::ssize_t>(o.terms.size()), o.terms.data());
                             })
      .def_property_readonly("units", [](const OwnedObservation& o) { return o.seen.units; })
      .def_property_readonly("system_units",
                             [](const OwnedObservation& o) { return o.seen.system_units; })
      .def_property_readonly("earlier_turns",
                             [](const OwnedObservation& o) { return o.seen.earlier_turns; })
      .def_property_readonly("completion_tokens",
                             [](const OwnedObservation& o) { return o.seen.completion_tokens; })
      .def_property_readonly("model", [](const OwnedObservation& o) { return o.seen.model; })
      .def_property_readonly("system", [](const OwnedObservation& o) { return o.seen.system; })
      .def_property_readonly("event", [](const OwnedObservation& o) { return o.seen.event; })
      .def_property_readonly("truncated",
                             [](const OwnedObservation& o) { return o.seen.truncated; })
      .def("__repr__", [](const OwnedObservation& o) {
        return "<Observation of " + std::to_string(o.seen.units) + " units>";
      });
  m.def(
      "read",
      [](py::handle event, const Shingler& shingler) {
        const OwnedEvent owned(event);
        TextScratch scratch(shingler.max_prompt_bytes());
        OwnedObservation out;
        {
          const py::gil_scoped_release unlocked;
          out.seen = Read(owned.event(), shingler, scratch);
          out.terms.assign(out.seen.terms.begin(), out.seen.terms.end());
        }
        // Moving the vector does not move its elements.
        out.seen.terms = out.terms;
        return out;
      },
      py::arg("event"), py::arg("shingler"));

  BindDetector<SimilarityDetector>(m, "SimilarityDetector",
                                   "How much an account's requests resemble each other.");
  BindDetector<CoverageDetector>(
      m, "CoverageDetector",
      "Of what remains when the template is taken away, how widely does it spread?");
  BindDetector<RateShapeDetector>(m, "RateShapeDetector", "When an account asks, never what.");
}

}  // namespace distillwatch::python
