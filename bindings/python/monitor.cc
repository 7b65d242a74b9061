// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/monitor.h"

#include <pybind11/stl.h>

#include <ctime>
#include <map>
#include <memory>
#include <mutex>

#include "batch.h"
#include "bind.h"
#include "custom.h"
#include "review.h"

namespace distillwatch::python {
namespace {

// A row of observe_many's answer, as numpy lays it out.
struct VerdictRow {
  std::uint8_t level;
  bool looked;
  bool matches_campaign;
  double score, p_value;
  std::uint64_t campaign;
};

VerdictRow RowOf(const Verdict& v) noexcept {
  return {static_cast<std::uint8_t>(v.level),
          v.looked,
          v.matches_campaign,
          v.score,
          v.p_value,
          v.campaign};
}

// A monitor, and the detectors in Python that it runs.
struct BoundMonitor : Monitor {
  BoundMonitor(Monitor monitor, DetectorList in_python)
      : Monitor(std::move(monitor)), detectors(std::move(in_python)) {}
  DetectorList detectors;
};

template <typename T>
const T& As(py::handle value, const char* name, const char* type) {
  if (py::isinstance<T>(value)) return value.cast<const T&>();
  throw py::type_error(std::string(name) + " must be " + type + ", not " +
                       Py_TYPE(value.ptr())->tp_name);
}

Options MakeOptions(py::handle key, py::handle reference, py::handle promise, py::handle campaigns,
                    py::handle max_memory_bytes, py::handle max_prompt_bytes, py::handle shards,
                    py::handle origin, const DetectorList& detectors) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  Options options;
  if (!key.is_none()) options.key = Text(key, "key").view();
  if (!reference.is_none())
    options.reference = As<Reference>(reference, "reference", "a distillwatch.Reference");
  if (!promise.is_none())
    options.promise = As<Promise>(promise, "promise", "a distillwatch.Promise");
  options.campaigns = ToCampaignOptions(campaigns);
  options.max_memory_bytes = ToCount(max_memory_bytes, "max_memory_bytes", kMost);
  options.max_prompt_bytes = ToCount(max_prompt_bytes, "max_prompt_bytes", kMost);
  options.shards = static_cast<std::uint32_t>(ToCount(shards, "shards", ~std::uint32_t{0}));
  if (!origin.is_none()) options.origin = ToTime(origin, "origin");
  options.detectors = ToCustom(detectors);
  return options;
}

std::unique_ptr<BoundMonitor> Create(const Options& options, DetectorList detectors) {
  Unwrap(Check(options));
  return std::make_unique<BoundMonitor>(Unwrap(Monitor::Create(options)), std::move(detectors));
}

Verdict Observe(BoundMonitor& self, const OwnedEvent& owned) {
  Verdict verdict;
  {
    const Unlocked unlocked;
    verdict = self.Observe(owned.event());
  }
  AfterDetectors();
  return verdict;
}

// The verdicts; with `explain` a dict beside them, of row and explanation at that moment for the
// looks that found an account above clear.
py::object ObserveMany(BoundMonitor& self, py::handle accounts, py::handle times,
                       py::handle prompts, py::handle systems, py::handle models,
                       py::handle earlier_turns, py::handle completion_tokens,
                       py::handle prompt_tokens, py::handle attributes, py::handle threads,
                       bool explain) {
  const std::uint64_t workers = ToCount(threads, "threads", 256, 1);
  Batch batch(accounts, times, prompts, systems, models, earlier_turns, completion_tokens,
              prompt_tokens, attributes);
  py::array_t<VerdictRow> out(static_cast<py::ssize_t>(batch.size()));
  VerdictRow* rows = out.mutable_data();
  if (!explain) {
    batch.ForEachRun(workers, [&self, rows](std::span<const std::size_t> run,
                                            std::span<const Event> events) noexcept {
      std::array<Verdict, Batch::kRun> verdicts;
      self.ObserveMany(events, verdicts);
      for (std::size_t i = 0; i < run.size(); ++i) rows[run[i]] = RowOf(verdicts[i]);
    });
    return out;
  }
  std::mutex mutex;
  std::map<std::size_t, Explanation> explained;
  batch.ForEach(workers, [&](std::size_t row, const Event& event) noexcept {
    const Verdict verdict = self.Observe(event);
    rows[row] = RowOf(verdict);
    if (!verdict.looked || verdict.level == Level::kClear) return;
    Result<Explanation> why = self.Explain(event.account);
    const std::lock_guard lock(mutex);
    if (why.ok()) explained.emplace(row, *std::move(why));
  });
  return py::make_tuple(out, explained);
}

// How much of the processor's time the same rows take in C++ alone, from strings of its own: what
// observe_many is measured by (benchmarks/python_bench.py).
double ObserveSeconds(BoundMonitor& self, py::handle accounts, py::handle times,
                      py::handle prompts) {
  struct Row {
    std::string account, prompt;
    Time time;
  };
  const py::none none;
  Batch batch(accounts, times, prompts, none, none, none, none, none, none);
  std::vector<Row> rows(batch.size());
  batch.ForEach(1, [&rows](std::size_t row, const Event& event) {
    rows[row] = {std::string(event.account), std::string(event.prompt), event.time};
  });
  const Unlocked unlocked;
  const auto now_s = [] {
    std::timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  };
  const double start_s = now_s();
  std::array<Event, Batch::kRun> events;
  std::array<Verdict, Batch::kRun> verdicts;
  for (std::size_t begin = 0; begin < rows.size(); begin += Batch::kRun) {
    const std::size_t size = std::min(Batch::kRun, rows.size() - begin);
    for (std::size_t i = 0; i < size; ++i) {
      const Row& row = rows[begin + i];
      events[i] = {.account = row.account, .time = row.time, .prompt = row.prompt};
    }
    self.ObserveMany(std::span(events).first(size), verdicts);
  }
  return now_s() - start_s;
}

py::object Statistics(const BoundMonitor& self) {
  MonitorStatistics s;
  {
    const Unlocked unlocked;
    s = self.Statistics();
  }
  py::dict fields;
  fields["events"] = s.events;
  fields["looks"] = s.looks;
  fields["accounts"] = s.accounts;
  fields["full_accounts"] = s.full_accounts;
  fields["state_bytes"] = s.state_bytes;
  fields["evicted_accounts"] = s.evicted_accounts;
  fields["demoted_accounts"] = s.demoted_accounts;
  fields["truncated_prompts"] = s.truncated_prompts;
  fields["empty_prompts"] = s.empty_prompts;
  fields["late_events"] = s.late_events;
  fields["clock_restarts"] = s.clock_restarts;
  fields["wild_times"] = s.wild_times;
  fields["finished_horizons"] = s.finished_horizons;
  fields["flagged"] = py::make_tuple(s.flagged[0], s.flagged[1], s.flagged[2], s.flagged[3]);
  fields["campaigns"] = s.campaigns;
  fields["drift"] = s.drift;
  return Python("distillwatch._types", "MonitorStatistics")(**fields);
}

}  // namespace

void BindMonitor(py::module_& m) {
  PYBIND11_NUMPY_DTYPE(VerdictRow, level, looked, matches_campaign, score, p_value, campaign);

  const Options defaults;
  py::class_<BoundMonitor>(
      m, "Monitor", "Watches a gateway's requests and says which accounts harvest the model.")
      .def(py::init([](py::handle key, py::handle reference, py::handle promise,
                       py::handle campaigns, py::handle max_memory_bytes,
                       py::handle max_prompt_bytes, py::handle shards, py::handle origin,
                       py::handle detectors) {
             DetectorList in_python = ToDetectors(detectors);
             const Options options =
                 MakeOptions(key, reference, promise, campaigns, max_memory_bytes, max_prompt_bytes,
                             shards, origin, in_python);
             return Create(options, std::move(in_python));
           }),
           py::kw_only(), py::arg("key") = py::none(), py::arg("reference") = py::none(),
           py::arg("promise") = defaults.promise, py::arg("campaigns") = py::none(),
           py::arg("max_memory_bytes") = defaults.max_memory_bytes,
           py::arg("max_prompt_bytes") = defaults.max_prompt_bytes,
           py::arg("shards") = defaults.shards, py::arg("origin") = py::none(),
           py::arg("detectors") = py::none())
      .def_static(
          "from_options",
          [](py::handle text) {
            return Create(Unwrap(ParseOptions(Text(text, "options").view())), {});
          },
          py::arg("options"))
      .def_property_readonly("detectors",
                             [](const BoundMonitor& self) { return FromDetectors(self.detectors); })
      .def(
          "observe",
          [](BoundMonitor& self, py::handle event) { return Observe(self, OwnedEvent(event)); },
          py::arg("event"))
      .def(
          "observe",
          [](BoundMonitor& self, py::handle account, py::handle time, py::handle prompt,
             py::handle system, py::handle earlier_turns, py::handle model,
             py::handle completion_tokens, py::handle attributes, py::handle prompt_tokens) {
            return Observe(self, OwnedEvent(account, time, prompt, system, earlier_turns, model,
                                            completion_tokens, attributes, prompt_tokens));
          },
          py::arg("account"), py::arg("time"), py::arg("prompt"), py::kw_only(),
          py::arg("system") = "", py::arg("earlier_turns") = 0, py::arg("model") = "",
          py::arg("completion_tokens") = 0, py::arg("attributes") = py::none(),
          py::arg("prompt_tokens") = 0)
      .def("_observe_many", &ObserveMany, py::arg("accounts"), py::arg("times"), py::arg("prompts"),
           py::arg("systems"), py::arg("models"), py::arg("earlier_turns"),
           py::arg("completion_tokens"), py::arg("prompt_tokens"), py::arg("attributes"),
           py::arg("threads"), py::arg("explain") = false)
      .def(
          "explain",
          [](const BoundMonitor& self, py::handle account) {
            const Text text(account, "account");
            std::optional<Result<Explanation>> explained;
            {
              const Unlocked unlocked;
              explained.emplace(self.Explain(text.view()));
            }
            AfterDetectors();
            return Unwrap(*std::move(explained));
          },
          py::arg("account"))
      .def(
          "finish",
          [](BoundMonitor& self, py::handle now) {
            const Time time = ToTime(now, "now");
            const Unlocked unlocked;
            self.Finish(time);
          },
          py::arg("now"))
      .def_property_readonly("statistics", &Statistics)
      .def("metrics",
           [](const BoundMonitor& self) {
             const Unlocked unlocked;
             return self.Metrics();
           })
      .def_property_readonly("key_id", [](const BoundMonitor& self) { return self.key_id(); })
      .def("_observe_seconds", &ObserveSeconds, py::arg("accounts"), py::arg("times"),
           py::arg("prompts"))
      .def(
          "review",
          [](BoundMonitor& self, py::handle now, const py::object& stop,
             const py::object& most_steps) { return ReviewNow(self, now, stop, most_steps); },
          py::arg("now"), py::arg("stop") = py::none(), py::arg("most_steps") = py::none())
      .def(
          "report_ban",
          [](BoundMonitor& self, py::handle account, py::handle now) {
            const Text text(account, "account");
            const Time time = ToTime(now, "now");
            Status status;
            {
              const Unlocked unlocked;
              status = self.ReportBan(text.view(), time);
            }
            Unwrap(status);
          },
          py::arg("account"), py::arg("now"))
      .def("campaigns", [](const BoundMonitor& self) { return Campaigns(self); })
      .def(
          "account_id",
          [](const BoundMonitor& self, py::handle account) {
            return self.AccountId(Text(account, "account").view());
          },
          py::arg("account"))
      .def("save",
           [](const BoundMonitor& self) {
             std::string saved;
             {
               const Unlocked unlocked;
               saved = self.Save();
             }
             return ToBytes(saved);
           })
      .def_static(
          "restore",
          [](py::handle saved, py::handle key, py::handle reference, py::handle promise,
             py::handle campaigns, py::handle max_memory_bytes, py::handle max_prompt_bytes,
             py::handle shards, py::handle origin, py::handle detectors) {
            const Text bytes(saved, "saved");
            DetectorList in_python = ToDetectors(detectors);
            const Options options =
                MakeOptions(key, reference, promise, campaigns, max_memory_bytes, max_prompt_bytes,
                            shards, origin, in_python);
            Unwrap(Check(options));
            std::optional<Result<Monitor>> restored;
            {
              const Unlocked unlocked;
              restored.emplace(Monitor::Restore(bytes.view(), options));
            }
            AfterDetectors();
            return std::make_unique<BoundMonitor>(Unwrap(*std::move(restored)),
                                                  std::move(in_python));
          },
          py::arg("saved"), py::kw_only(), py::arg("key") = py::none(),
          py::arg("reference") = py::none(), py::arg("promise") = defaults.promise,
          py::arg("campaigns") = py::none(),
          py::arg("max_memory_bytes") = defaults.max_memory_bytes,
          py::arg("max_prompt_bytes") = defaults.max_prompt_bytes,
          py::arg("shards") = defaults.shards, py::arg("origin") = py::none(),
          py::arg("detectors") = py::none())
      .def(
          "merge",
          [](BoundMonitor& self, const BoundMonitor& other) {
            Status status;
            {
              const Unlocked unlocked;
              status = self.Merge(other);
            }
            AfterDetectors();
            Unwrap(status);
          },
          py::arg("other"))
      .def("__reduce__",
           [](const BoundMonitor&) -> py::object {
             throw py::type_error(
                 "a Monitor is not pickled, because its key would be in the pickle: use save and "
                 "Monitor.restore");
           })
      .def("__repr__", [](const BoundMonitor& self) {
        MonitorStatistics s;
        {
          const Unlocked unlocked;
          s = self.Statistics();
        }
        return "<Monitor: " + std::to_string(s.events) + " events of " +
               std::to_string(s.accounts) + " accounts>";
      });
}

}  // namespace distillwatch::python
