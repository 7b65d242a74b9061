// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/monitor.h"

#include <pybind11/stl.h>

#include <memory>

#include "batch.h"
#include "bind.h"

namespace distillwatch::python {
namespace {

// A row of observe_many's answer, as numpy lays it out.
struct VerdictRow {
  std::uint8_t level;
  bool looked;
  double score, p_value;
  std::uint64_t campaign;
};

VerdictRow RowOf(const Verdict& v) noexcept {
  return {static_cast<std::uint8_t>(v.level), v.looked, v.score, v.p_value, v.campaign};
}

Options MakeOptions(py::handle key, const std::optional<Reference>& reference,
                    const Promise& promise, py::handle campaigns, py::handle max_memory_bytes,
                    py::handle max_prompt_bytes, py::handle shards, py::handle origin) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  Options options;
  if (!key.is_none()) options.key = Text(key, "key").view();
  options.reference = reference;
  options.promise = promise;
  if (!campaigns.is_none()) {
    options.campaigns.enabled = campaigns.attr("enabled").cast<bool>();
    options.campaigns.false_campaigns = campaigns.attr("false_campaigns").cast<double>();
    options.campaigns.most_groups = ToCount(campaigns.attr("most_groups"), "most_groups", kMost);
    options.campaigns.most_accounts =
        ToCount(campaigns.attr("most_accounts"), "most_accounts", kMost);
  }
  options.max_memory_bytes = ToCount(max_memory_bytes, "max_memory_bytes", kMost);
  options.max_prompt_bytes = ToCount(max_prompt_bytes, "max_prompt_bytes", kMost);
  options.shards = static_cast<std::uint32_t>(ToCount(shards, "shards", ~std::uint32_t{0}));
  if (!origin.is_none()) options.origin = ToTime(origin, "origin");
  return options;
}

std::unique_ptr<Monitor> Create(const Options& options) {
  Unwrap(Check(options));
  return std::make_unique<Monitor>(Unwrap(Monitor::Create(options)));
}

Verdict Observe(Monitor& self, const OwnedEvent& owned) {
  const py::gil_scoped_release unlocked;
  return self.Observe(owned.event());
}

py::array ObserveMany(Monitor& self, py::handle accounts, py::handle times, py::handle prompts,
                      py::handle systems, py::handle models, py::handle earlier_turns,
                      py::handle completion_tokens, py::handle prompt_tokens, py::handle attributes,
                      py::handle threads) {
  const std::uint64_t workers = ToCount(threads, "threads", 256);
  if (workers == 0) throw py::value_error("threads is 0; allowed: 1 to 256");
  Batch batch(accounts, times, prompts, systems, models, earlier_turns, completion_tokens,
              prompt_tokens, attributes);
  py::array_t<VerdictRow> out(static_cast<py::ssize_t>(batch.size()));
  VerdictRow* rows = out.mutable_data();
  batch.ForEach(workers, [&self, rows](std::size_t row, const Event& event) noexcept {
    rows[row] = RowOf(self.Observe(event));
  });
  return out;
}

// How long the same rows take in C++ alone, from strings of its own: what observe_many is measured
// by (benchmarks/python_bench.py).
double ObserveSeconds(Monitor& self, py::handle accounts, py::handle times, py::handle prompts) {
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
  const py::gil_scoped_release unlocked;
  const auto start = std::chrono::steady_clock::now();
  for (const Row& row : rows)
    self.Observe({.account = row.account, .time = row.time, .prompt = row.prompt});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

py::object Statistics(const Monitor& self) {
  MonitorStatistics s;
  {
    const py::gil_scoped_release unlocked;
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

py::object CampaignOf(const Campaign& c) {
  py::tuple members(c.members.size());
  for (std::size_t i = 0; i < c.members.size(); ++i) {
    const CampaignMember& m = c.members[i];
    members[i] = Python("distillwatch._types", "CampaignMember")(m.account, FromTime(m.since),
                                                                 m.requests, m.matching);
  }
  py::tuple words(c.words.size());
  for (std::size_t i = 0; i < c.words.size(); ++i) words[i] = py::str(c.words[i]);
  return Python("distillwatch._types", "Campaign")(c.id, FromTime(c.first_seen), FromTime(c.linked),
                                                   FromTime(c.named), c.p_value, c.frame, members,
                                                   words);
}

py::object ReviewNow(Monitor& self, py::handle now) {
  const Time time = ToTime(now, "now");
  Review review;
  {
    const py::gil_scoped_release unlocked;
    review = self.Review(time);
  }
  py::dict joined;
  for (const auto& [account, campaign] : review.joined) joined[py::int_(account)] = campaign;
  return Python("distillwatch._types", "Review")(review.accounts, review.groups, review.waiting,
                                                 py::tuple(py::cast(review.named)), joined);
}

py::list Campaigns(const Monitor& self) {
  std::vector<Campaign> campaigns;
  {
    const py::gil_scoped_release unlocked;
    campaigns = self.Campaigns();
  }
  py::list out;
  for (const Campaign& campaign : campaigns) out.append(CampaignOf(campaign));
  return out;
}

}  // namespace

void BindMonitor(py::module_& m) {
  PYBIND11_NUMPY_DTYPE(VerdictRow, level, looked, score, p_value, campaign);

  const Options defaults;
  py::class_<Monitor>(m, "Monitor",
                      "Watches a gateway's requests and says which accounts harvest the model.")
      .def(py::init([](py::handle key, const std::optional<Reference>& reference,
                       const Promise& promise, py::handle campaigns, py::handle max_memory_bytes,
                       py::handle max_prompt_bytes, py::handle shards, py::handle origin) {
             return Create(MakeOptions(key, reference, promise, campaigns, max_memory_bytes,
                                       max_prompt_bytes, shards, origin));
           }),
           py::kw_only(), py::arg("key") = py::none(), py::arg("reference") = py::none(),
           py::arg("promise") = defaults.promise, py::arg("campaigns") = py::none(),
           py::arg("max_memory_bytes") = defaults.max_memory_bytes,
           py::arg("max_prompt_bytes") = defaults.max_prompt_bytes,
           py::arg("shards") = defaults.shards, py::arg("origin") = py::none())
      .def_static(
          "from_options",
          [](py::handle text) {
            return Create(Unwrap(ParseOptions(Text(text, "options").view())));
          },
          py::arg("options"))
      .def(
          "observe",
          [](Monitor& self, py::handle event) { return Observe(self, OwnedEvent(event)); },
          py::arg("event"))
      .def(
          "observe",
          [](Monitor& self, py::handle account, py::handle time, py::handle prompt,
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
           py::arg("threads"))
      .def(
          "explain",
          [](const Monitor& self, py::handle account) {
            const Text text(account, "account");
            std::optional<Result<Explanation>> explained;
            {
              const py::gil_scoped_release unlocked;
              explained.emplace(self.Explain(text.view()));
            }
            return Unwrap(*std::move(explained));
          },
          py::arg("account"))
      .def(
          "finish",
          [](Monitor& self, py::handle now) {
            const Time time = ToTime(now, "now");
            const py::gil_scoped_release unlocked;
            self.Finish(time);
          },
          py::arg("now"))
      .def_property_readonly("statistics", &Statistics)
      .def("metrics",
           [](const Monitor& self) {
             const py::gil_scoped_release unlocked;
             return self.Metrics();
           })
      .def_property_readonly("key_id", &Monitor::key_id)
      .def("_observe_seconds", &ObserveSeconds, py::arg("accounts"), py::arg("times"),
           py::arg("prompts"))
      .def("review", &ReviewNow, py::arg("now"))
      .def("campaigns", &Campaigns)
      .def(
          "account_id",
          [](const Monitor& self, py::handle account) {
            return self.AccountId(Text(account, "account").view());
          },
          py::arg("account"))
      // Here belong save, restore and merge (and pickling), as soon as the library has them.
      .def("__repr__", [](const Monitor& self) {
        const MonitorStatistics s = self.Statistics();
        return "<Monitor: " + std::to_string(s.events) + " events of " +
               std::to_string(s.accounts) + " accounts>";
      });
}

}  // namespace distillwatch::python
