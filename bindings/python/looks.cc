// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Collector: the features of every look of a log as arrays, with generated harvesters beside them.

#include <exception>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "batch.h"
#include "bind.h"
#include "calibrate/reference_content.h"
#include "custom.h"
#include "monitor/engine.h"
#include "monitor/grafts.h"
#include "monitor/harvesters.h"
#include "text/key.h"

namespace distillwatch::python {
namespace {

// Looks as arrays; the owner is an index of the account, the campaign or the graft.
struct LookTable {
  std::vector<std::int32_t> owner;
  std::vector<std::int64_t> time_us;
  std::vector<std::uint32_t> requests;
  std::vector<float> features;

  void Add(std::int32_t of, std::int64_t time, std::uint32_t n, std::span<const float> values) {
    owner.push_back(of);
    time_us.push_back(time);
    requests.push_back(n);
    features.insert(features.end(), values.begin(), values.end());
  }
  py::dict ToDict(std::size_t columns) {
    const auto rows = static_cast<py::ssize_t>(owner.size());
    py::dict out;
    out["owner"] = ToArray(std::move(owner));
    out["time_us"] = ToArray(std::move(time_us));
    out["requests"] = ToArray(std::move(requests));
    out["features"] = ToArray(std::move(features), {rows, static_cast<py::ssize_t>(columns)});
    return out;
  }
};

// Sees a log and keeps the features of every look.
class Collector {
 public:
  Collector(std::string key, std::size_t max_prompt_bytes, bool grafts, std::uint64_t seed,
            const DetectorList& detectors)
      : key_(std::move(key)),
        shingler_(Unwrap(Shingler::Create(key_, max_prompt_bytes))),
        engine_(shingler_, {}, 1, std::size_t{1} << 50, ToCustom(detectors)),
        seed_(seed) {
    if (grafts) grafts_.emplace(shingler_, calibrate::LookPlan{}, seed, ToCustom(detectors));
  }

  void Observe(const Event& event) noexcept {
    const std::lock_guard lock(mutex_);
    const std::uint64_t id = engine_.IdOf(event.account);
    const auto [found, is_new] = index_.try_emplace(id, static_cast<std::int32_t>(names_.size()));
    if (is_new) {
      names_.emplace_back(event.account);
      calibrates_.push_back(Calibrates(id));
      seen_.emplace_back();
    }
    const std::int32_t index = found->second;
    engine_.Observe(
        event, [](monitor::Header&, const Observation&) {},
        [&](monitor::Header& header, const monitor::FullAccount&,
            const monitor::FeatureVector& features) {
          looks_.Add(index, header.last.time_since_epoch().count(), header.requests, features);
        },
        [&](const monitor::Header& header, bool, std::string_view newest_turn, const Observation&) {
          const std::int64_t us = header.last.time_since_epoch().count();
          Seen& seen = seen_[static_cast<std::size_t>(index)];
          if (seen.requests++ == 0) seen.first_us = us;
          seen.last_us = us;
          constexpr std::int64_t kDay_us = 86'400'000'000;
          if (seen.days.empty() || seen.days.back().first / kDay_us != us / kDay_us)
            seen.days.emplace_back(us, us);
          seen.days.back().second = us;
          if (grafts_ && !calibrates_[static_cast<std::size_t>(index)])
            grafts_->Observe(header.id, header.last, newest_turn);
          return 0;
        });
  }

  void ObserveMany(py::handle accounts, py::handle times, py::handle prompts, py::handle systems,
                   py::handle models, py::handle earlier_turns, py::handle completion_tokens,
                   py::handle prompt_tokens, py::handle attributes, py::handle progress) {
    Batch batch(accounts, times, prompts, systems, models, earlier_turns, completion_tokens,
                prompt_tokens, attributes);
    constexpr std::size_t kTold = 4096;
    std::size_t untold = 0;
    std::exception_ptr raised;
    batch.ForEach(1, [&](std::size_t, const Event& event) noexcept {
      if (raised) return;
      Observe(event);
      if (progress.is_none() || ++untold < kTold) return;
      const py::gil_scoped_acquire locked;
      try {
        progress(std::exchange(untold, 0));
      } catch (...) {
        raised = std::current_exception();
      }
    });
    if (raised) std::rethrow_exception(raised);
    if (!progress.is_none()) progress(untold);
  }

  // Detectors in Python wait for the interpreter's lock below the mutex, so nobody waits for the
  // mutex with that lock in hand.
  std::unique_lock<std::mutex> Lock() {
    const Unlocked unlocked;
    return std::unique_lock(mutex_);
  }

  py::list Features() const {
    py::list out;
    for (const monitor::NamedFeature& f : monitor::FeatureNames(engine_.custom()))
      out.append(py::make_tuple(std::string(f.detector), FromSpec(f.spec)));
    return out;
  }

  py::dict Looks() {
    const auto lock = Lock();
    LookTable copy = looks_;
    return copy.ToDict(columns());
  }

  py::dict Accounts() {
    const auto lock = Lock();
    py::list names;
    std::vector<std::int64_t> first, last;
    std::vector<std::uint64_t> requests;
    std::vector<std::int64_t> day_owner, day_first, day_last;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      names.append(py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
          names_[i].data(), static_cast<py::ssize_t>(names_[i].size()), "surrogateescape")));
      first.push_back(seen_[i].first_us);
      last.push_back(seen_[i].last_us);
      requests.push_back(seen_[i].requests);
      for (const auto& [day_begins, day_ends] : seen_[i].days) {
        day_owner.push_back(static_cast<std::int64_t>(i));
        day_first.push_back(day_begins);
        day_last.push_back(day_ends);
      }
    }
    py::dict out;
    out["account"] = names;
    out["first_us"] = ToArray(std::move(first));
    out["last_us"] = ToArray(std::move(last));
    out["requests"] = ToArray(std::move(requests));
    out["calibrates"] = ToArray(std::vector<std::uint8_t>(calibrates_));
    out["day_owner"] = ToArray(std::move(day_owner));
    out["day_first_us"] = ToArray(std::move(day_first));
    out["day_last_us"] = ToArray(std::move(day_last));
    return out;
  }

  // Generated harvesters: of the simulator's language, or grafted onto the log that was seen.
  py::dict Harvesters(const std::string& kind, py::handle count) {
    const std::size_t campaigns = ToCount(count, "campaigns", 100'000);
    LookTable table;
    {
      const Unlocked unlocked;
      const std::lock_guard lock(mutex_);
      const auto looks = kind == "simulated" ? monitor::SimulateHarvesters(
                                                   campaigns, shingler_, calibrate::LookPlan{},
                                                   seed_, engine_.custom().list())
                         : grafts_ ? grafts_->Looks()
                                   : std::vector<monitor::HarvesterLook>();
      for (const auto& h : looks) {
        table.Add(static_cast<std::int32_t>(h.campaign), h.look.time_us, h.look.requests,
                  h.look.features);
      }
    }
    AfterDetectors();
    return table.ToDict(columns());
  }

  std::size_t columns() const { return monitor::kFeatures + engine_.custom().features(); }
  std::uint64_t key_id() const { return shingler_.key_id(); }
  const std::string& key() const { return key_; }

 private:
  struct Seen {
    std::int64_t first_us = 0, last_us = 0;
    std::uint64_t requests = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> days;  // first and last request of each
  };
  // The halves of ReferenceLearner, so that either's references can be compared.
  static bool Calibrates(std::uint64_t account) {
    return text::Mix(account ^ 0x51ed270b7a3c2d19ULL) & 1;
  }

  std::string key_;
  Shingler shingler_;
  std::mutex mutex_;
  monitor::Engine engine_;
  std::optional<monitor::Grafts> grafts_;
  std::uint64_t seed_;
  std::unordered_map<std::uint64_t, std::int32_t> index_;
  std::vector<std::string> names_;
  std::vector<std::uint8_t> calibrates_;
  std::vector<Seen> seen_;
  LookTable looks_;
};

}  // namespace

void BindLooks(py::module_& m) {
  py::class_<Collector>(m, "Collector")
      .def(py::init([](py::handle key, py::handle max_prompt_bytes, bool grafts, py::handle seed,
                       py::handle detectors) {
             constexpr std::uint64_t kMost = ~std::uint64_t{0};
             std::string secret;
             if (key.is_none()) {
               secret = Unwrap(text::Key::RandomSecret());
             } else {
               secret = Text(key, "key").view();
             }
             const DetectorList in_python = ToDetectors(detectors);
             Unwrap(monitor::Check(ToCustom(in_python)));
             return std::make_unique<Collector>(
                 std::move(secret), ToCount(max_prompt_bytes, "max_prompt_bytes", kMost), grafts,
                 ToCount(seed, "seed", kMost), in_python);
           }),
           py::arg("key") = py::none(), py::arg("max_prompt_bytes") = 65536,
           py::arg("grafts") = true, py::arg("seed") = 1, py::arg("detectors") = py::none())
      .def("observe_many", &Collector::ObserveMany, py::arg("accounts"), py::arg("times"),
           py::arg("prompts"), py::kw_only(), py::arg("systems") = py::none(),
           py::arg("models") = py::none(), py::arg("earlier_turns") = py::none(),
           py::arg("completion_tokens") = py::none(), py::arg("prompt_tokens") = py::none(),
           py::arg("attributes") = py::none(), py::arg("progress") = py::none())
      .def_property_readonly("features", &Collector::Features)
      .def("looks", &Collector::Looks)
      .def("accounts", &Collector::Accounts)
      .def("harvesters", &Collector::Harvesters, py::arg("kind"), py::arg("campaigns") = 1200)
      .def_property_readonly("key_id", &Collector::key_id)
      .def_property_readonly("key", [](const Collector& c) { return ToBytes(c.key()); });
}

}  // namespace distillwatch::python
