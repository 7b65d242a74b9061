// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "bind.h"  // before datetime.h, which needs Python.h

#include <datetime.h>

#include <cmath>

namespace distillwatch::python {
namespace {

using std::chrono::microseconds;

void ImportDatetime() {
  if (PyDateTimeAPI != nullptr) return;
  PyDateTime_IMPORT;
  if (PyDateTimeAPI == nullptr) throw py::error_already_set();
}

}  // namespace

Time SecondsToTime(double seconds, const char* name) {
  if (!std::isfinite(seconds)) {
    throw py::value_error(std::string(name) + " is " + std::to_string(seconds) +
                          "; allowed: finite seconds since 1970");
  }
  // Beyond 280,000 years all times are equally wild.
  constexpr double kMost = 9e12;
  return Time(microseconds(std::llround(std::fmax(-kMost, std::fmin(kMost, seconds)) * 1e6)));
}

Time ToTime(py::handle value, const char* name) {
  ImportDatetime();
  PyObject* object = value.ptr();
  if (PyFloat_Check(object)) return SecondsToTime(PyFloat_AS_DOUBLE(object), name);
  if (PyDateTime_CheckExact(object) && PyDateTime_DATE_GET_TZINFO(object) == Py_None) {
    using namespace std::chrono;
    const year_month_day date(year(PyDateTime_GET_YEAR(object)),
                              month(static_cast<unsigned>(PyDateTime_GET_MONTH(object))),
                              day(static_cast<unsigned>(PyDateTime_GET_DAY(object))));
    return Time(sys_days(date)) + hours(PyDateTime_DATE_GET_HOUR(object)) +
           minutes(PyDateTime_DATE_GET_MINUTE(object)) +
           seconds(PyDateTime_DATE_GET_SECOND(object)) +
           microseconds(PyDateTime_DATE_GET_MICROSECOND(object));
  }
  // Zones, subclasses (pandas' Timestamp and NaT), numpy's scalars, whole numbers.
  const py::object us = Python("distillwatch._columns", "microseconds_of")(value, name);
  return Time(microseconds(us.cast<std::int64_t>()));
}

py::object FromTime(Time time) {
  return Python("distillwatch._columns", "datetime_of")(time.time_since_epoch().count());
}

std::chrono::seconds ToSeconds(py::handle value, const char* name) {
  ImportDatetime();
  double seconds = 0;
  if (PyDelta_Check(value.ptr())) {
    seconds = PyDateTime_DELTA_GET_DAYS(value.ptr()) * 86400.0 +
              PyDateTime_DELTA_GET_SECONDS(value.ptr());
  } else {
    seconds = PyFloat_AsDouble(value.ptr());
    if (seconds == -1 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      throw py::type_error(std::string(name) + " must be a timedelta or seconds, not " +
                           Py_TYPE(value.ptr())->tp_name);
    }
  }
  if (!(std::fabs(seconds) <= 1e15)) {
    throw py::value_error(std::string(name) + " is " + std::to_string(seconds) +
                          "; allowed: finite seconds");
  }
  return std::chrono::seconds(std::llround(seconds));
}

std::chrono::seconds ToHalfLife(py::handle value) {
  const std::chrono::seconds half_life = ToSeconds(value, "half_life");
  if (half_life.count() < 1) {
    throw py::value_error("half_life is " + std::to_string(half_life.count()) +
                          " s; allowed: a second and more");
  }
  return half_life;
}

}  // namespace distillwatch::python
