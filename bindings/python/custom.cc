// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "custom.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "distillwatch/coverage.h"
#include "distillwatch/rate_shape.h"
#include "distillwatch/similarity.h"
#include "monitor/custom.h"

namespace distillwatch::python {
namespace {

constexpr const char* kForms[] = {"number", "share", "nats", "hours", "log2", "exp"};

// Whether this thread runs a detector's method.
thread_local int depth = 0;

// Whether an interrupt came inside a detector, where nobody waits for it.
std::atomic<bool> interrupted{false};

// Warnings of detectors that failed for the first time; behind the interpreter's lock. Never
// destroyed: the interpreter may be gone by then.
std::vector<std::string>& Pending() {
  static auto& pending = *new std::vector<std::string>();
  return pending;
}

bool Finalizing() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsInitialized() == 0 || Py_IsFinalizing() != 0;
#else
  return Py_IsInitialized() == 0 || _Py_IsFinalizing() != 0;
#endif
}

std::string Word(py::handle value, const std::string& what) {
  if (!PyUnicode_Check(value.ptr())) {
    throw py::type_error(what + " must be a str, not " + Py_TYPE(value.ptr())->tp_name);
  }
  return std::string(Text(value, what.c_str()).view());
}

std::string Repr(py::handle value) {
  return std::string(Text(py::repr(value), "repr").view());
}

FeatureForm ToForm(py::handle value) {
  const std::string form = Word(value, "the form of a feature");
  for (std::size_t i = 0; i < std::size(kForms); ++i) {
    if (form == kForms[i]) return static_cast<FeatureForm>(i);
  }
  throw py::value_error("the form of a feature is '" + form +
                        "'; allowed: number, share, nats, hours, log2, exp");
}

bool IsText(py::handle value) {
  return PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr());
}

// What cannot be known, or is too large for a float, is unknown.
float ToFeature(py::handle value, const FeatureSpec& spec) {
  if (value.is_none()) return std::numeric_limits<float>::quiet_NaN();
  if (IsText(value)) {
    throw py::type_error("measure gives " + Repr(value) + " for " + std::string(spec.name) +
                         "; allowed: a number or None");
  }
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (!(std::abs(number) <= std::numeric_limits<float>::max())) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  return static_cast<float>(number);
}

std::vector<float> ToFeatures(py::handle measured, std::span<const FeatureSpec> specs) {
  std::vector<float> out;
  if (py::hasattr(measured, "keys")) {
    const py::dict by_name(py::reinterpret_borrow<py::object>(measured));
    std::size_t found = 0;
    for (const FeatureSpec& spec : specs) {
      const py::str name(spec.name.data(), spec.name.size());
      const bool has = by_name.contains(name);
      found += has;
      out.push_back(has ? ToFeature(by_name[name], spec) : std::numeric_limits<float>::quiet_NaN());
    }
    if (found == by_name.size()) return out;
    std::string names;
    for (const FeatureSpec& spec : specs)
      names += (names.empty() ? "" : ", ") + std::string(spec.name);
    throw py::value_error("measure names what is no feature; allowed: " + names);
  }
  if (specs.size() == 1 && PyNumber_Check(measured.ptr()) != 0 &&
      PySequence_Check(measured.ptr()) == 0)
    return {ToFeature(measured, specs[0])};
  if (IsText(measured) || !py::hasattr(measured, "__iter__")) {
    throw py::type_error("measure gives " + Repr(measured) +
                         "; allowed: a dict of features, or their values");
  }
  std::vector<py::object> values;
  for (const py::handle value : py::reinterpret_borrow<py::object>(measured))
    values.push_back(py::reinterpret_borrow<py::object>(value));
  if (values.size() != specs.size()) {
    throw py::value_error("measure gives " + std::to_string(values.size()) + " values for " +
                          std::to_string(specs.size()) + " features");
  }
  for (std::size_t f = 0; f < values.size(); ++f) out.push_back(ToFeature(values[f], specs[f]));
  return out;
}

py::object MethodOf(const py::object& detector, const char* name, bool required) {
  py::object method = py::getattr(detector, name, py::none());
  if (method.is_none() && !required) return method;
  if (PyCallable_Check(method.ptr()) == 0) {
    throw py::type_error(std::string("a detector must have a method ") + name);
  }
  return method;
}

// What looks like a detector and is none of one's own.
void RequireOwn(const py::object& detector) {
  if (PyType_Check(detector.ptr()) != 0) {
    const std::string name = Word(detector.attr("__name__"), "a class's name");
    throw py::type_error("the detector is the class " + name + "; allowed: an object, " + name +
                         "(...)");
  }
  if (py::isinstance<SimilarityDetector>(detector) || py::isinstance<CoverageDetector>(detector) ||
      py::isinstance<RateShapeDetector>(detector)) {
    throw py::type_error("the detector is " + Repr(detector) +
                         ", which every monitor has; allowed: detectors of your own");
  }
}

// A name, its words, and maybe a form.
py::tuple SpecOf(py::handle spec) {
  const py::ssize_t size = PyUnicode_Check(spec.ptr()) ? -1 : PySequence_Size(spec.ptr());
  PyErr_Clear();
  if (size != 2 && size != 3) {
    throw py::type_error("a feature is " + Repr(spec) +
                         "; allowed: (name, words) or (name, words, form)");
  }
  return py::tuple(py::reinterpret_borrow<py::object>(spec));
}

}  // namespace

const char* FormName(FeatureForm form) {
  return kForms[static_cast<std::size_t>(form)];
}

PythonDetector::PythonDetector(py::object detector)
    : detector_(std::move(detector)),
      begin_(MethodOf(detector_, "begin", false)),
      update_(MethodOf(detector_, "update", true)),
      measure_(MethodOf(detector_, "measure", true)),
      valid_(MethodOf(detector_, "valid", false)) {
  RequireOwn(detector_);
  for (const char* needed : {"name", "features", "State"}) {
    if (!py::hasattr(detector_, needed))
      throw py::type_error(std::string("a detector must have an attribute ") + needed);
  }
  name_ = Word(detector_.attr("name"), "a detector's name");

  const py::tuple specs(detector_.attr("features"));
  words_.reserve(2 * specs.size());
  for (const py::handle spec : specs) {
    const py::object row = Python("distillwatch._types", "FeatureSpec")(*SpecOf(spec));
    words_.push_back(Word(row.attr("name"), "the name of a feature"));
    words_.push_back(Word(row.attr("words"), "the words of a feature"));
    features_.push_back({.name = words_[words_.size() - 2],
                         .words = words_.back(),
                         .form = ToForm(row.attr("form"))});
  }

  dtype_ = Python("numpy", "dtype")(detector_.attr("State"));
  if (dtype_.attr("hasobject").cast<bool>())
    throw py::value_error("a detector's State has Python objects in it; allowed: plain data");
  if (dtype_.attr("names").is_none())
    throw py::value_error("a detector's State has no fields; allowed: [(name, type), ...]");
  state_bytes_ = dtype_.attr("itemsize").cast<std::size_t>();
  // As a monitor would, which says "detectors[0]".
  const Status fits =
      monitor::Check({std::shared_ptr<const CustomDetector>(std::shared_ptr<void>(), this)});
  if (!fits.ok()) {
    const std::string words(fits.message());
    throw py::value_error("the detector" + words.substr(words.find(']') + 1));
  }
}

PythonDetector::~PythonDetector() {
  if (Finalizing()) {
    for (py::object* object : {&detector_, &begin_, &update_, &measure_, &valid_, &dtype_})
      object->release();
    return;
  }
  const py::gil_scoped_acquire locked;
  for (py::object* object : {&detector_, &begin_, &update_, &measure_, &valid_, &dtype_})
    *object = py::object();
}

// Runs Python code; false when it raised.
template <typename Call>
bool PythonDetector::Run(const char* method, Call&& call) const noexcept {
  if (Finalizing()) return false;  // taking the lock would end this thread
  const py::gil_scoped_acquire locked;
  ++depth;
  bool fine = false;
  try {
    call();
    fine = true;
  } catch (py::error_already_set& error) {
    NoteRaised(method, error);
  } catch (const std::exception& error) {
    Note(method, error.what());
  }
  --depth;
  return fine;
}

void PythonDetector::Note(const char* method, const std::string& what) const {
  if (failures_.fetch_add(1, std::memory_order_relaxed) > 0) return;
  first_failure_ = what;
  const std::size_t last_line = what.find_last_of('\n', what.size() - 2);
  Pending().push_back("detector '" + name_ + "' failed in " + method + ": " +
                      what.substr(last_line == std::string::npos ? 0 : last_line + 1) +
                      " (CustomDetector.failures counts on, first_failure has the traceback)");
}

void PythonDetector::NoteRaised(const char* method, py::error_already_set& error) const {
  if (error.matches(PyExc_KeyboardInterrupt)) {
    interrupted.store(true);
    return;
  }
  if (failures() > 0) return Note(method, "");
  std::string what = "an exception without words";
  try {
    const py::object trace = error.trace() ? error.trace() : py::none();  // none: raised in C
    const py::object lines =
        Python("traceback", "format_exception")(error.type(), error.value(), trace);
    what = Text(py::str("").attr("join")(lines).attr("rstrip")(), "traceback").view();
  } catch (const std::exception&) {  // its words may raise, too
  }
  Note(method, what);
}

py::object PythonDetector::Copy(std::span<const std::byte> state, py::array& array) const {
  array = py::array(py::reinterpret_borrow<py::dtype>(dtype_), std::vector<py::ssize_t>{});
  std::memcpy(array.mutable_data(), state.data(), state.size());
  return array[py::tuple()];  // a record, which views the array that it comes from
}

void PythonDetector::Begin(std::span<std::byte> state) const noexcept {
  if (begin_.is_none()) return;
  Run("begin", [&] {
    py::array array;
    begin_(Copy(state, array));
    std::memcpy(state.data(), array.data(), state.size());
  });
}

void PythonDetector::Update(const Observation& seen, std::span<std::byte> state) const noexcept {
  Run("update", [&] {
    py::array array;
    const py::object copy = Copy(state, array);
    update_(OwnedObservation(seen), copy);
    std::memcpy(state.data(), array.data(), state.size());
  });
}

void PythonDetector::Measure(std::span<const std::byte> state,
                             std::span<float> features) const noexcept {
  std::fill(features.begin(), features.end(), std::numeric_limits<float>::quiet_NaN());
  Run("measure", [&] {
    py::array array;
    const std::vector<float> values = ToFeatures(measure_(Copy(state, array)), features_);
    std::copy(values.begin(), values.end(), features.begin());
  });
}

bool PythonDetector::Valid(std::span<const std::byte> state) const noexcept {
  if (valid_.is_none()) return true;
  bool valid = false;
  Run("valid", [&] {
    py::array array;
    valid = py::bool_(valid_(Copy(state, array)));
  });
  return valid;
}

Unlocked::Checked Unlocked::Refuse() {
  if (depth > 0) {
    PyErr_SetString(PyExc_RuntimeError,
                    "a detector's method may not call a monitor, a learner or a collector");
    throw py::error_already_set();
  }
  return {};
}

void AfterDetectors() {
  if (interrupted.load(std::memory_order_relaxed) && interrupted.exchange(false)) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
    throw py::error_already_set();
  }
  std::vector<std::string>& pending = Pending();
  while (!pending.empty()) {
    const std::string warning = std::move(pending.back());
    pending.pop_back();
    if (PyErr_WarnEx(PyExc_RuntimeWarning, warning.c_str(), 1) != 0) throw py::error_already_set();
  }
}

DetectorList ToDetectors(py::handle detectors) {
  DetectorList out;
  if (detectors.is_none()) return out;
  for (const py::handle detector : py::tuple(py::reinterpret_borrow<py::object>(detectors))) {
    if (py::isinstance<PythonDetector>(detector)) {
      out.push_back(detector.cast<std::shared_ptr<PythonDetector>>());
    } else {
      out.push_back(std::make_shared<PythonDetector>(py::reinterpret_borrow<py::object>(detector)));
    }
  }
  return out;
}

std::vector<std::shared_ptr<const CustomDetector>> ToCustom(const DetectorList& detectors) {
  return {detectors.begin(), detectors.end()};
}

py::tuple FromDetectors(const DetectorList& detectors) {
  py::tuple out(detectors.size());
  for (std::size_t i = 0; i < detectors.size(); ++i) out[i] = py::cast(detectors[i]);
  return out;
}

}  // namespace distillwatch::python
