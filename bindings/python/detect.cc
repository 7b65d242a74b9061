// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <cstring>

#include "bind.h"
#include "custom.h"
#include "distillwatch/coverage.h"
#include "distillwatch/observation.h"
#include "distillwatch/rate_shape.h"
#include "distillwatch/similarity.h"

namespace distillwatch::python {
namespace {

template <typename D>
void BindDetector(py::module_& m, const char* name, const char* doc) {
  py::class_<D> detector(m, name, doc);
  py::class_<typename D::State>(detector, "State", "One account as this detector sees it.")
      .def(py::init<>())
      .def("__copy__", [](const typename D::State& s) { return typename D::State(s); })
      .def(
          "__deepcopy__",
          [](const typename D::State& s, py::handle) { return typename D::State(s); },
          py::arg("memo"))
      .def(Pickled<typename D::State>());
  detector
      .def(py::init([](py::handle half_life) { return D(ToHalfLife(half_life)); }),
           py::arg("half_life") = 7 * 24 * 3600)
      .def_property_readonly("half_life",
                             [](const D& self) {
                               return Python("datetime", "timedelta")(0, self.half_life().count());
                             })
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
      .def("__repr__",
           [name = std::string(name)](const D& self) {
             return name + "(half_life=" + std::to_string(self.half_life().count()) + ")";
           })
      .def(py::pickle([](const D& self) { return py::make_tuple(self.half_life().count()); },
                      [](const py::tuple& t) {
                        if (t.size() != 1) throw py::value_error("not a pickled detector");
                        return D(ToHalfLife(t[0]));
                      }));
  if constexpr (requires(const D& d, typename D::State& state) { d.Merge(state, state); }) {
    detector.def(
        "merge",
        [](const D& self, const typename D::State& other, typename D::State& state) {
          self.Merge(other, state);
        },
        py::arg("other"), py::arg("state"));
  }
  detector.attr("name") = std::string(D::kName);
  py::tuple features(D::kFeatures.size());
  for (std::size_t f = 0; f < D::kFeatures.size(); ++f) {
    features[f] = FromSpec(D::kFeatures[f]);
  }
  detector.attr("features") = features;
}

// The bytes of a state, where a detector of C++ may find them.
class StateBytes {
 public:
  StateBytes(const PythonDetector& detector, py::handle state) : bytes_(detector.state_bytes()) {
    if (state.is_none()) {
      detector.Begin(bytes_);
      return;
    }
    const Text text(state, "state");
    if (text.view().size() != bytes_.size()) {
      throw py::value_error("state has " + std::to_string(text.view().size()) +
                            " bytes; allowed: " + std::to_string(bytes_.size()));
    }
    std::memcpy(bytes_.data(), text.view().data(), bytes_.size());
  }
  std::span<std::byte> span() { return bytes_; }
  py::bytes ToBytes() const {
    return python::ToBytes({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()});
  }

 private:
  std::vector<std::byte> bytes_;
};

void BindCustom(py::module_& m) {
  py::class_<PythonDetector, std::shared_ptr<PythonDetector>>(
      m, "CustomDetector", "A detector of your own inside a monitor, beside ours.")
      .def(py::init<py::object>(), py::arg("detector"))
      .def_property_readonly("detector", &PythonDetector::detector)
      .def_property_readonly("name", &PythonDetector::name)
      .def_property_readonly("features",
                             [](const PythonDetector& d) {
                               py::tuple out(d.features().size());
                               for (std::size_t f = 0; f < out.size(); ++f)
                                 out[f] = FromSpec(d.features()[f]);
                               return out;
                             })
      .def_property_readonly("state_bytes", &PythonDetector::state_bytes)
      .def_property_readonly("failures", &PythonDetector::failures)
      .def_property_readonly("first_failure", &PythonDetector::first_failure)
      .def("begin",
           [](const PythonDetector& d) {
             const StateBytes state(d, py::none());
             AfterDetectors();
             return state.ToBytes();
           })
      .def(
          "update",
          [](const PythonDetector& d, const OwnedObservation& seen, py::handle state) {
            StateBytes bytes(d, state);
            d.Update(seen.seen, bytes.span());
            AfterDetectors();
            return bytes.ToBytes();
          },
          py::arg("seen"), py::arg("state"))
      .def(
          "measure",
          [](const PythonDetector& d, py::handle state) {
            std::vector<float> values(d.features().size());
            d.Measure(StateBytes(d, state).span(), values);
            AfterDetectors();
            py::dict out;
            for (std::size_t f = 0; f < values.size(); ++f)
              out[py::str(std::string(d.features()[f].name))] = py::float_(values[f]);
            return out;
          },
          py::arg("state"))
      .def(
          "valid",
          [](const PythonDetector& d, py::handle state) {
            const bool valid = d.Valid(StateBytes(d, state).span());
            AfterDetectors();
            return valid;
          },
          py::arg("state"))
      .def(py::pickle([](const PythonDetector& d) { return py::make_tuple(d.detector()); },
                      [](const py::tuple& state) {
                        return std::make_shared<PythonDetector>(py::object(state[0]));
                      }))
      .def("__repr__", [](const PythonDetector& d) {
        return "<CustomDetector '" + std::string(d.name()) +
               "': " + std::to_string(d.features().size()) + " features, " +
               std::to_string(d.state_bytes()) + " bytes, " + std::to_string(d.failures()) +
               " failures>";
      });
}

}  // namespace

py::object FromSpec(const FeatureSpec& spec) {
  return Python("distillwatch._types", "FeatureSpec")(std::string(spec.name),
                                                      std::string(spec.words), FormName(spec.form));
}

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
      .def_property_readonly("prompt", [](const OwnedObservation& o) { return o.seen.prompt; })
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
        const py::gil_scoped_release unlocked;
        return OwnedObservation(Read(owned.event(), shingler, scratch));
      },
      py::arg("event"), py::arg("shingler"));

  BindCustom(m);
  BindDetector<SimilarityDetector>(m, "SimilarityDetector",
                                   "How much an account's requests resemble each other.");
  BindDetector<CoverageDetector>(
      m, "CoverageDetector",
      "Of what remains when the template is taken away, how widely does it spread?");
  BindDetector<RateShapeDetector>(m, "RateShapeDetector", "When an account asks, never what.");
}

}  // namespace distillwatch::python
