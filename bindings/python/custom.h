// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// PythonDetector: a detector written in Python inside the library; and what lets Python code run
// below a monitor at all: an Unlocked scope for calls into the library, and AfterDetectors behind
// them.
//
// A detector's state is a record of numpy's, plain bytes, so that it is saved, copied and merged as
// the states of C++ are. Python gets a copy of it for each call, which it may keep; it is written
// back only when the call went well. Tested by  tests/python/test_custom.py

#ifndef DISTILLWATCH_BINDINGS_PYTHON_CUSTOM_H_
#define DISTILLWATCH_BINDINGS_PYTHON_CUSTOM_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "bind.h"
#include "distillwatch/custom_detector.h"
#include "distillwatch/observation.h"

namespace distillwatch::python {

// An Observation with terms of its own.
struct OwnedObservation {
  OwnedObservation() = default;
  explicit OwnedObservation(const Observation& from)
      : seen(from), terms(from.terms.begin(), from.terms.end()) {
    seen.terms = terms;
  }
  // Moving a vector does not move its elements.
  OwnedObservation(OwnedObservation&&) = default;
  OwnedObservation(const OwnedObservation&) = delete;
  OwnedObservation& operator=(const OwnedObservation&) = delete;
  Observation seen;
  std::vector<std::uint64_t> terms;
};

class PythonDetector final : public CustomDetector {
 public:
  //   Errors  TypeError, ValueError naming what the object lacks
  explicit PythonDetector(py::object detector);
  ~PythonDetector() override;
  PythonDetector(const PythonDetector&) = delete;
  PythonDetector& operator=(const PythonDetector&) = delete;

  std::string_view name() const noexcept override { return name_; }
  std::span<const FeatureSpec> features() const noexcept override { return features_; }
  std::size_t state_bytes() const noexcept override { return state_bytes_; }
  void Begin(std::span<std::byte> state) const noexcept override;
  void Update(const Observation& seen, std::span<std::byte> state) const noexcept override;
  void Measure(std::span<const std::byte> state, std::span<float> features) const noexcept override;
  bool Valid(std::span<const std::byte> state) const noexcept override;

  const py::object& detector() const noexcept { return detector_; }
  std::uint64_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }
  // The traceback of the first failure; needs the interpreter's lock.
  const std::string& first_failure() const noexcept { return first_failure_; }

 private:
  template <typename Call>
  bool Run(const char* method, Call&& call) const noexcept;
  py::object Copy(std::span<const std::byte> state, py::array& array) const;
  void Note(const char* method, const std::string& what) const;
  void NoteRaised(const char* method, py::error_already_set& error) const;

  py::object detector_, begin_, update_, measure_, valid_, dtype_;
  std::string name_;
  std::vector<std::string> words_;  // that features_ views
  std::vector<FeatureSpec> features_;
  std::size_t state_bytes_ = 0;
  mutable std::atomic<std::uint64_t> failures_{0};
  mutable std::string first_failure_;
};

using DetectorList = std::vector<std::shared_ptr<PythonDetector>>;

// Of a sequence of CustomDetector or of what one can be made of; None is none.
DetectorList ToDetectors(py::handle detectors);
std::vector<std::shared_ptr<const CustomDetector>> ToCustom(const DetectorList& detectors);
py::tuple FromDetectors(const DetectorList& detectors);

// Releases the interpreter's lock for a call into the library.
//   Errors  RuntimeError inside a detector's method: the library holds a lock there
class Unlocked {
 public:
  Unlocked() : Unlocked(Refuse()) {}

 private:
  struct Checked {};
  static Checked Refuse();
  explicit Unlocked(Checked) {}
  py::gil_scoped_release released_;
};

// Behind such a call: warns of detectors that failed for the first time, and goes on with an
// interrupt that came while one ran.
//   Errors  KeyboardInterrupt, or the warning where warnings are errors
void AfterDetectors();

const char* FormName(FeatureForm form);
py::object FromSpec(const FeatureSpec& spec);

}  // namespace distillwatch::python

#endif  // DISTILLWATCH_BINDINGS_PYTHON_CUSTOM_H_
