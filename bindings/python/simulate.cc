// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "bind.h"
#include "simulate/traffic.h"

namespace distillwatch::python {
namespace {

constexpr std::int64_t kStart_us = 1767225600'000'000;  // 2026-01-01

struct Row {
  std::int64_t time_us;
  const simulate::Account* account;
  const simulate::Request* request;
};

// The labelled log's columns, in order of time.
py::dict Simulate(py::handle seed, double days, py::handle accounts, py::handle campaigns,
                  py::handle members) {
  if (!(days >= 1 && days <= 366)) {
    throw py::value_error("days is " + std::to_string(days) + "; allowed: 1 to 366");
  }
  const std::size_t benign = ToCount(accounts, "accounts", 10'000'000);
  const std::size_t harvests = ToCount(campaigns, "campaigns", 1'000'000);
  const std::size_t most_members = ToCount(members, "members", 100'000);
  const std::uint64_t start = ToCount(seed, "seed", ~std::uint64_t{0});

  std::vector<simulate::Account> all;
  std::vector<Row> rows;
  {
    const py::gil_scoped_release unlocked;
    const simulate::Month month{.days = days, .release_day = days * 16 / 30};
    simulate::Random random(start);
    simulate::Random of_benign = random.Fork(1), of_campaigns = random.Fork(2);
    if (benign > 0) all = simulate::SimulateBenign(benign, month, of_benign);
    for (std::size_t c = 0; c < harvests; ++c) {
      simulate::Random own = of_campaigns.Fork(c);
      simulate::Campaign campaign = simulate::AnyCampaign(own);
      campaign.days = std::min(campaign.days, days);
      campaign.name = std::string(simulate::Name(campaign.pipeline)) + "-" + std::to_string(c + 1);
      for (auto& account : simulate::SimulateCampaign(campaign, month, most_members, own)) {
        account.campaign = campaign.name;
        all.push_back(std::move(account));
      }
    }
    for (const auto& account : all) {
      for (const auto& request : account.requests) {
        rows.push_back({kStart_us + static_cast<std::int64_t>(request.time_s * 1e6), &account,
                        &request});
      }
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return a.time_us != b.time_us ? a.time_us < b.time_us : a.account->id < b.account->id;
    });
  }

  const auto n = static_cast<py::ssize_t>(rows.size());
  py::list ids(n), prompts(n), addresses(n), clients(n), payments(n), models(n), personas(n),
      names(n);
  std::vector<std::int64_t> times;
  std::vector<std::uint8_t> distils, harvester;
  // Strings that recur are made once.
  struct Words {
    py::str id, payment, client, persona, campaign;
    std::vector<py::str> addresses;
  };
  std::vector<Words> words;
  for (const auto& account : all) {
    words.push_back({account.id, account.payment, account.client, account.persona,
                     account.campaign, {}});
    for (const auto& address : account.addresses) words.back().addresses.emplace_back(address);
  }
  const py::str old_model("model-1"), new_model("model-2"), nowhere("");
  for (py::ssize_t i = 0; i < n; ++i) {
    const Row& row = rows[static_cast<std::size_t>(i)];
    const Words& w = words[static_cast<std::size_t>(row.account - all.data())];
    ids[i] = w.id;
    prompts[i] = py::str(row.request->prompt);
    addresses[i] =
        row.request->address < w.addresses.size() ? w.addresses[row.request->address] : nowhere;
    clients[i] = w.client;
    payments[i] = w.payment;
    models[i] = row.request->new_model ? new_model : old_model;
    personas[i] = w.persona;
    names[i] = w.campaign;
    times.push_back(row.time_us);
    distils.push_back(row.request->distills);
    harvester.push_back(!row.account->campaign.empty());
  }
  py::dict out;
  out["time"] = ToArray(std::move(times));
  out["account"] = ids;
  out["prompt"] = prompts;
  out["ip"] = addresses;
  out["user_agent"] = clients;
  out["payment"] = payments;
  out["model"] = models;
  out["distill"] = ToArray(std::move(distils));
  out["harvester"] = ToArray(std::move(harvester));
  out["persona"] = personas;
  out["campaign"] = names;
  return out;
}

}  // namespace

void BindSimulate(py::module_& m) {
  m.def("simulate", &Simulate, py::arg("seed"), py::arg("days"), py::arg("accounts"),
        py::arg("campaigns"), py::arg("members"));
}

}  // namespace distillwatch::python
