// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Embedding distillwatch: learn what is usual, watch requests as they come, explain a verdict.
//
//   embed [REFERENCE]    a file; if it is not there, it is learned (half a minute) and written
//
// 300 customers wrote to an assistant in January. In February 20 of them do so again, and a new
// account asks for the same kind of answer to one subject after another.

#include <distillwatch/calibration.h>
#include <distillwatch/monitor.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "traffic.h"

namespace {

using distillwatch::Level;
using distillwatch::Monitor;
using distillwatch::Reference;
using distillwatch::ReferenceLearner;
using distillwatch::Result;

// Fingerprints are keyed, so that nobody else can compute or compare them. Yours is a secret.
constexpr const char* kKey = "read this from your secret store";

[[noreturn]] void Fail(const distillwatch::Status& status) {
  std::fprintf(stderr, "embed: %s\n", status.message().c_str());
  std::exit(EXIT_FAILURE);
}

// Once a month, or whenever traffic has changed: learn from one's own accounts.
Reference Learn() {
  Traffic january(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1), 1);
  for (int c = 0; c < 300; ++c) january.AddCustomer("customer-" + std::to_string(c));

  Result<ReferenceLearner> learner = ReferenceLearner::Create({.key = kKey});
  if (!learner.ok()) Fail(learner.status());
  for (const Request& request : january.InOrder()) learner->Observe(request.AsEvent());
  Result<Reference> reference = learner->Learn();
  if (!reference.ok()) Fail(reference.status());
  return *reference;
}

Reference LoadOrLearn(const std::string& path) {
  if (std::ifstream file(path, std::ios::binary); file) {
    Result<Reference> reference =
        Reference::Parse(std::string(std::istreambuf_iterator<char>(file), {}));
    if (!reference.ok()) Fail(reference.status());
    return *reference;
  }
  const Reference reference = Learn();
  if (!(std::ofstream(path, std::ios::binary) << reference.Serialize())) {
    Fail(distillwatch::Unavailable("cannot write '" + path + "'"));
  }
  return reference;
}

// For the person who decides.
void PrintReasons(const Monitor& monitor, const std::string& account) {
  const Result<distillwatch::Explanation> why = monitor.Explain(account);
  if (!why.ok()) Fail(why.status());
  std::printf("%s: score %.2f = %.2f for any account", account.c_str(), why->score, why->base);
  double rest = why->score - why->base;
  for (std::size_t i = 0; i < std::min<std::size_t>(5, why->evidence.size()); ++i) {
    const distillwatch::Evidence& e = why->evidence[i];
    std::printf("\n  %+.2f  %s: %s", e.contribution, e.detector.c_str(), e.words.c_str());
    rest -= e.contribution;
  }
  std::printf("\n  %+.2f  everything else\n", rest);
}

}  // namespace

int main(int argc, char** argv) {
  // At the start of the gateway. A small reference cannot promise much, so ask it what it can.
  distillwatch::Options options;
  options.key = kKey;
  options.reference = LoadOrLearn(argc > 1 ? argv[1] : "embed.reference");
  options.promise.per_million = options.reference->SmallestPromise(options.promise);
  Result<Monitor> monitor = Monitor::Create(options);
  if (!monitor.ok()) Fail(monitor.status());
  std::printf("promise: at most %.0f falsely flagged accounts per million\n",
              options.promise.per_million);

  Traffic february(std::chrono::sys_days(std::chrono::year(2026) / 2 / 1), 2);
  for (int c = 0; c < 20; ++c) february.AddCustomer("customer-" + std::to_string(c));
  february.AddHarvester("newcomer");

  // With every request, from any thread. What a gateway does with a level is its own decision.
  std::map<std::string, Level> levels;
  for (const Request& request : february.InOrder()) {
    const distillwatch::Verdict verdict = monitor->Observe(request.AsEvent());
    if (verdict.level <= levels[request.account]) continue;
    levels[request.account] = verdict.level;
    std::printf("%s is now %s: score %.2f, p-value %.4f\n", request.account.c_str(),
                std::string(Name(verdict.level)).c_str(), verdict.score, verdict.p_value);
  }
  PrintReasons(*monitor, "newcomer");
  return EXIT_SUCCESS;
}
