// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "review.h"

#include <pybind11/stl.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "custom.h"

namespace distillwatch::python {
namespace {

// Of a sequence of texts, not of one text.
std::vector<std::string> Texts(py::handle values, const char* name) {
  if (Text::Accepts(values))
    throw py::type_error(std::string(name) + " must be a sequence of texts, not one");
  std::vector<std::string> out;
  for (const py::handle value : py::reinterpret_borrow<py::object>(values))
    out.emplace_back(Text(value, name).view());
  return out;
}

py::object CampaignOf(const Campaign& c) {
  py::tuple members(c.members.size());
  for (std::size_t i = 0; i < c.members.size(); ++i) {
    const CampaignMember& m = c.members[i];
    members[i] = Python("distillwatch._types", "CampaignMember")(
        m.account, FromTime(m.since), m.requests, m.matching, m.by_pool, m.by_echo);
  }
  py::tuple words(c.words.size());
  for (std::size_t i = 0; i < c.words.size(); ++i) words[i] = py::str(c.words[i]);
  return Python("distillwatch._types", "Campaign")(c.id, FromTime(c.first_seen), FromTime(c.linked),
                                                   FromTime(c.named), c.p_value, c.frame, members,
                                                   words);
}

// Reviews on another thread, so that this one can ask whether to stop: an interrupt, or `stop`.
distillwatch::Review ReviewUntil(Monitor& self, Time now, const py::object& stop,
                                 std::size_t most_steps) {
  distillwatch::Review review;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool done = false;
  std::jthread worker([&](const std::stop_token& asked) {
    review = self.Review(now, asked, most_steps);
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  while (true) {
    {
      const Unlocked unlocked;
      std::unique_lock lock(mutex);
      if (changed.wait_for(lock, std::chrono::milliseconds(20), [&] { return done; })) break;
    }
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (!stop.is_none() && py::bool_(stop())) worker.request_stop();
    } catch (...) {
      worker.request_stop();
      const Unlocked unlocked;
      worker.join();
      throw;
    }
  }
  return review;
}

}  // namespace

CampaignOptions ToCampaignOptions(py::handle campaigns) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  CampaignOptions options;
  if (campaigns.is_none()) return options;
  if (!py::isinstance(campaigns, Python("distillwatch._types", "CampaignOptions"))) {
    throw py::type_error(std::string("campaigns must be a distillwatch.CampaignOptions, not ") +
                         Py_TYPE(campaigns.ptr())->tp_name);
  }
  options.enabled = campaigns.attr("enabled").cast<bool>();
  options.false_campaigns = campaigns.attr("false_campaigns").cast<double>();
  options.most_groups = ToCount(campaigns.attr("most_groups"), "most_groups", kMost);
  options.most_accounts = ToCount(campaigns.attr("most_accounts"), "most_accounts", kMost);
  options.infrastructure = Texts(campaigns.attr("infrastructure"), "infrastructure");
  options.common_templates = Texts(campaigns.attr("common_templates"), "common_templates");
  options.organisation = Text(campaigns.attr("organisation"), "organisation").view();
  return options;
}

py::object ReviewNow(Monitor& self, py::handle now, const py::object& stop,
                     const py::object& most_steps) {
  if (!stop.is_none() && PyCallable_Check(stop.ptr()) == 0)
    throw py::type_error("stop must be None or callable");
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  const std::uint64_t steps = most_steps.is_none() ? kAll : ToCount(most_steps, "most_steps", kAll);
  { const Unlocked refused_inside_a_detector; }
  const Review review = ReviewUntil(self, ToTime(now, "now"), stop, steps);
  py::dict joined;
  for (const auto& [account, campaign] : review.joined) joined[py::int_(account)] = campaign;
  py::tuple successors(review.successors.size());
  for (std::size_t i = 0; i < review.successors.size(); ++i) {
    const Successor& s = review.successors[i];
    successors[i] = Python("distillwatch._types", "Successor")(
        s.account, s.banned, FromTime(s.began), s.pairs, s.values, s.p_value);
  }
  return Python("distillwatch._types", "Review")(
      review.accounts, review.groups, review.waiting, review.explained,
      py::tuple(py::cast(review.named)), joined, successors, review.interrupted);
}

py::list Campaigns(const Monitor& self) {
  std::vector<Campaign> campaigns;
  {
    const Unlocked unlocked;
    campaigns = self.Campaigns();
  }
  py::list out;
  for (const Campaign& campaign : campaigns) out.append(CampaignOf(campaign));
  return out;
}

}  // namespace distillwatch::python
