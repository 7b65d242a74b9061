// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <memory>
#include <mutex>

#include "batch.h"
#include "bind.h"
#include "calibrate/promise.h"
#include "calibrate/reference_content.h"
#include "custom.h"
#include "distillwatch/calibration.h"

namespace distillwatch::python {
namespace {

const char* ModeName(Promise::Mode mode) {
  return mode == Promise::Mode::kExpectation ? "expectation" : "confidence95";
}

Promise MakePromise(double per_million, double contamination, const std::string& mode) {
  Promise promise{.per_million = per_million, .contamination = contamination};
  if (mode == "confidence95") {
    promise.mode = Promise::Mode::kConfidence95;
  } else if (mode != "expectation") {
    throw py::value_error("promise_mode is '" + mode + "'; allowed: expectation, confidence95");
  }
  return promise;
}

std::string Number(double value) {
  return py::repr(py::float_(value)).cast<std::string>();
}

py::tuple Fields(const Promise& p) {
  return py::make_tuple(p.per_million, p.contamination, ModeName(p.mode));
}

// A learner is thread-compatible; Python's threads share it all the same.
struct Learner {
  Learner(ReferenceLearner made, DetectorList in_python)
      : detectors(std::move(in_python)), learner(std::move(made)) {}
  void Observe(const Event& event) {
    {
      const Unlocked unlocked;
      const std::lock_guard lock(mutex);
      learner.Observe(event);
    }
    AfterDetectors();
  }
  std::uint64_t Accounts() {
    const Unlocked unlocked;
    const std::lock_guard lock(mutex);
    return learner.accounts();
  }
  const DetectorList detectors;
  std::mutex mutex;
  ReferenceLearner learner;
};

}  // namespace

void BindReference(py::module_& m) {
  py::class_<Promise>(m, "Promise",
                      "At most so many falsely flagged accounts of a million benign ones.")
      .def(py::init(&MakePromise), py::arg("per_million") = 1000, py::arg("contamination") = 0.02,
           py::arg("mode") = "expectation")
      .def_readonly("per_million", &Promise::per_million)
      .def_readonly("contamination", &Promise::contamination)
      .def_property_readonly("mode", [](const Promise& p) { return ModeName(p.mode); })
      .def("__repr__",
           [](const Promise& p) {
             return "Promise(per_million=" + Number(p.per_million) +
                    ", contamination=" + Number(p.contamination) + ", mode='" + ModeName(p.mode) +
                    "')";
           })
      .def("__eq__",
           [](const Promise& self, py::handle other) {
             return py::isinstance<Promise>(other) &&
                    Fields(self).equal(Fields(other.cast<const Promise&>()));
           })
      .def("__hash__", [](const Promise& self) { return py::hash(Fields(self)); })
      .def(py::pickle([](const Promise& p) { return Fields(p); },
                      [](const py::tuple& t) {
                        return MakePromise(t[0].cast<double>(), t[1].cast<double>(),
                                           t[2].cast<std::string>());
                      }));

  m.def(
      "most_rank",
      [](const Promise& promise, std::uint64_t accounts) {
        Unwrap(calibrate::Check(promise, accounts));
        return calibrate::MostRank(promise, accounts);
      },
      py::arg("promise"), py::arg("accounts"));

  py::class_<Reference>(m, "Reference",
                        "The operator's own accounts, and the score fitted to them.")
      .def_static("shipped", [] { return Reference::Shipped(); })
      .def_static(
          "parse",
          [](py::handle bytes) { return Unwrap(Reference::Parse(Text(bytes, "bytes").view())); },
          py::arg("bytes"))
      .def("serialize", [](const Reference& self) { return ToBytes(self.Serialize()); })
      .def_static(
          "merge",
          [](const Reference& a, const Reference& b) { return Unwrap(Reference::Merge(a, b)); },
          py::arg("a"), py::arg("b"))
      .def_property_readonly("accounts", &Reference::accounts)
      .def_property_readonly("fit_accounts", &Reference::fit_accounts)
      .def_property_readonly("horizon",
                             [](const Reference& self) {
                               return Python("datetime", "timedelta")(0, self.horizon().count());
                             })
      .def_property_readonly("first", [](const Reference& self) { return FromTime(self.first()); })
      .def_property_readonly("last", [](const Reference& self) { return FromTime(self.last()); })
      .def_property_readonly("key_id", [](const Reference& r) { return r.content().key_id; })
      .def(
          "smallest_promise",
          [](const Reference& self, const Promise& promise) {
            return self.SmallestPromise(promise);
          },
          py::arg("promise") = Promise())
      .def(
          "check",
          [](const Reference& self, const Promise& promise) { Unwrap(self.Check(promise)); },
          py::arg("promise"))
      .def("__eq__",
           [](const Reference& self, py::handle other) {
             return py::isinstance<Reference>(other) &&
                    self.Serialize() == other.cast<const Reference&>().Serialize();
           })
      .def("__hash__", [](const Reference& self) { return py::hash(ToBytes(self.Serialize())); })
      .def("__repr__",
           [](const Reference& r) {
             if (r.accounts() == 0) return std::string("<Reference: the shipped one>");
             return "<Reference: " + std::to_string(r.accounts()) + " accounts, score fitted on " +
                    std::to_string(r.fit_accounts()) + " others, horizon " +
                    std::to_string(r.horizon().count() / 3600) + " h>";
           })
      .def(
          "_repr_html_",
          [](const py::object& self) { return Python("distillwatch._html", "of_reference")(self); })
      .def(py::pickle([](const Reference& r) { return ToBytes(r.Serialize()); },
                      [](const py::bytes& bytes) {
                        return Unwrap(Reference::Parse(std::string_view(bytes)));
                      }));

  py::class_<Learner>(m, "ReferenceLearner", "Learns a reference from a log.")
      .def(py::init([](py::handle key, py::handle horizon, py::handle most_accounts,
                       py::handle max_prompt_bytes, py::handle campaigns, py::handle trees,
                       py::handle seed, py::handle detectors) {
             constexpr std::uint64_t kMost = ~std::uint64_t{0};
             LearnerOptions options;
             if (!key.is_none()) options.key = Text(key, "key").view();
             options.horizon = ToSeconds(horizon, "horizon");
             options.most_accounts = ToCount(most_accounts, "most_accounts", 16'000'000, 2);
             options.max_prompt_bytes = ToCount(max_prompt_bytes, "max_prompt_bytes", kMost);
             options.campaigns = ToCount(campaigns, "campaigns", 100'000, 20);
             options.trees = ToCount(trees, "trees", score::Model::kMostTrees, 1);
             options.seed = ToCount(seed, "seed", kMost);
             DetectorList in_python = ToDetectors(detectors);
             options.detectors = ToCustom(in_python);
             return std::make_unique<Learner>(Unwrap(ReferenceLearner::Create(options)),
                                              std::move(in_python));
           }),
           py::kw_only(), py::arg("key") = py::none(), py::arg("horizon") = 30 * 24 * 3600,
           py::arg("most_accounts") = 100000, py::arg("max_prompt_bytes") = 65536,
           py::arg("campaigns") = LearnerOptions().campaigns,
           py::arg("trees") = LearnerOptions().trees, py::arg("seed") = 1,
           py::arg("detectors") = py::none())
      .def_property_readonly("detectors",
                             [](const Learner& self) { return FromDetectors(self.detectors); })
      .def(
          "exclude",
          [](Learner& self, py::handle account) {
            const Text text(account, "account");
            const Unlocked unlocked;
            const std::lock_guard lock(self.mutex);
            self.learner.Exclude(text.view());
          },
          py::arg("account"))
      .def(
          "observe",
          [](Learner& self, py::handle event) { self.Observe(OwnedEvent(event).event()); },
          py::arg("event"))
      .def(
          "observe",
          [](Learner& self, py::handle account, py::handle time, py::handle prompt,
             py::handle system, py::handle earlier_turns, py::handle model,
             py::handle completion_tokens, py::handle attributes, py::handle prompt_tokens) {
            self.Observe(OwnedEvent(account, time, prompt, system, earlier_turns, model,
                                    completion_tokens, attributes, prompt_tokens)
                             .event());
          },
          py::arg("account"), py::arg("time"), py::arg("prompt"), py::kw_only(),
          py::arg("system") = "", py::arg("earlier_turns") = 0, py::arg("model") = "",
          py::arg("completion_tokens") = 0, py::arg("attributes") = py::none(),
          py::arg("prompt_tokens") = 0)
      .def(
          "observe_many",
          [](Learner& self, py::handle accounts, py::handle times, py::handle prompts,
             py::handle systems, py::handle models, py::handle earlier_turns,
             py::handle completion_tokens, py::handle prompt_tokens, py::handle attributes) {
            Batch batch(accounts, times, prompts, systems, models, earlier_turns, completion_tokens,
                        prompt_tokens, attributes);
            batch.ForEach(1, [&self](std::size_t, const Event& event) {
              const std::lock_guard lock(self.mutex);
              self.learner.Observe(event);
            });
          },
          py::arg("accounts"), py::arg("times"), py::arg("prompts"), py::kw_only(),
          py::arg("systems") = py::none(), py::arg("models") = py::none(),
          py::arg("earlier_turns") = py::none(), py::arg("completion_tokens") = py::none(),
          py::arg("prompt_tokens") = py::none(), py::arg("attributes") = py::none())
      .def("learn",
           [](Learner& self) {
             std::optional<Result<Reference>> learned;
             {
               const Unlocked unlocked;
               const std::lock_guard lock(self.mutex);
               learned.emplace(self.learner.Learn());
             }
             AfterDetectors();
             return Unwrap(*std::move(learned));
           })
      .def_property_readonly("accounts", &Learner::Accounts)
      .def("__repr__", [](Learner& self) {
        return "<ReferenceLearner: " + std::to_string(self.Accounts()) + " accounts>";
      });
}

}  // namespace distillwatch::python
