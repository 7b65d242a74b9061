// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cmath>

#include "bind.h"
#include "simulate/month.h"

namespace distillwatch::python {
namespace {

// The labelled log's columns, in order of time; the month that the program's `simulate` writes.
py::dict Simulate(py::handle seed, double days, py::handle accounts, py::handle campaigns,
                  py::handle start) {
  if (!(days >= 1 && days <= 366)) {
    throw py::value_error("days is " + std::to_string(days) + "; allowed: 1 to 366");
  }
  const simulate::MonthOptions options = {.seed = ToCount(seed, "seed", ~std::uint64_t{0}),
                                          .days = days,
                                          .accounts = ToCount(accounts, "accounts", 10'000'000),
                                          .campaigns = ToCount(campaigns, "campaigns", 1'000'000),
                                          .between = &CheckInterrupt};
  const std::int64_t start_us = ToTime(start, "start").time_since_epoch().count();
  simulate::LabelledMonth month;
  {
    const py::gil_scoped_release unlocked;
    month = simulate::SimulateMonth(options);
  }
  const std::vector<simulate::Account>& all = month.accounts;
  const auto& rows = month.order;

  const auto n = static_cast<py::ssize_t>(rows.size());
  py::list ids(n), prompts(n), addresses(n), clients(n), payments(n), models(n), personas(n),
      names(n), systems(n);
  std::vector<std::int64_t> times;
  std::vector<std::uint8_t> distils, harvester;
  // Strings that recur are made once.
  struct Words {
    py::str id, system, payment, client, persona, campaign;
    std::vector<py::str> addresses;
  };
  std::vector<Words> words;
  for (const auto& account : all) {
    words.push_back({account.id,
                     account.system,
                     account.payment,
                     account.client,
                     account.persona,
                     account.campaign,
                     {}});
    for (const auto& address : account.addresses) words.back().addresses.emplace_back(address);
  }
  const py::str old_model("model-1"), new_model("model-2"), nowhere("");
  for (py::ssize_t i = 0; i < n; ++i) {
    const simulate::Place place = rows[static_cast<std::size_t>(i)];
    const simulate::Request& request = all[place.account].requests[place.request];
    const Words& w = words[place.account];
    ids[i] = w.id;
    prompts[i] = py::str(request.prompt);
    addresses[i] = request.address < w.addresses.size() ? w.addresses[request.address] : nowhere;
    systems[i] = w.system;
    clients[i] = w.client;
    payments[i] = w.payment;
    models[i] = request.new_model ? new_model : old_model;
    personas[i] = w.persona;
    names[i] = w.campaign;
    // To the millisecond, as logs have it.
    times.push_back(start_us + std::llround(request.time_s * 1e3) * 1000);
    distils.push_back(request.distills);
    harvester.push_back(!all[place.account].campaign.empty());
  }
  py::dict out;
  out["time"] = ToArray(std::move(times));
  out["account"] = ids;
  out["prompt"] = prompts;
  out["system"] = systems;
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
        py::arg("campaigns"), py::arg("start"));
}

}  // namespace distillwatch::python
