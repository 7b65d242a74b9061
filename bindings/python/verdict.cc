// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/verdict.h"

#include <pybind11/stl.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "bind.h"

namespace distillwatch::python {
namespace {

py::object LevelOf(Level level) {
  static auto& levels = *new std::array<py::object, 4>();
  py::object& found = levels[static_cast<std::size_t>(level)];
  if (!found) found = Python("distillwatch._types", "Level")(static_cast<int>(level));
  return found;
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

py::object Str(const std::string& text) {
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "surrogateescape"));
}

py::tuple Fields(const Verdict& v) {
  return py::make_tuple(static_cast<int>(v.level), v.score, v.p_value, v.looked, v.campaign,
                        v.matches_campaign);
}
Verdict VerdictOf(const py::tuple& t) {
  const auto level = t[0].cast<int>();
  if (t.size() != 6 || level < 0 || level > 3) throw py::value_error("not a pickled Verdict");
  return {static_cast<Level>(level), t[1].cast<double>(),        t[2].cast<double>(),
          t[3].cast<bool>(),         t[4].cast<std::uint64_t>(), t[5].cast<bool>()};
}

py::tuple Fields(const Evidence& e) {
  // None, because NaN does not equal itself.
  const py::object value = std::isnan(e.value) ? py::object(py::none()) : py::float_(e.value);
  return py::make_tuple(e.detector, e.feature, value, e.place, e.contribution, e.words);
}
Evidence EvidenceOf(const py::tuple& t) {
  if (t.size() != 6) throw py::value_error("not a pickled Evidence");
  const double value =
      t[2].is_none() ? std::numeric_limits<double>::quiet_NaN() : t[2].cast<double>();
  return {t[0].cast<std::string>(), t[1].cast<std::string>(), value,
          t[3].cast<double>(),      t[4].cast<double>(),      t[5].cast<std::string>()};
}

py::tuple EvidenceTuple(const Explanation& e) {
  py::tuple out(e.evidence.size());
  for (std::size_t i = 0; i < e.evidence.size(); ++i) out[i] = py::cast(e.evidence[i]);
  return out;
}
py::tuple Fields(const Explanation& e) {
  return py::make_tuple(py::bytes(e.account), e.requests, e.first.time_since_epoch().count(),
                        e.last.time_since_epoch().count(), Fields(e.verdict), e.score, e.base,
                        EvidenceTuple(e));
}
Explanation ExplanationOf(const py::tuple& t) {
  if (t.size() != 8) throw py::value_error("not a pickled Explanation");
  Explanation e;
  e.account = t[0].cast<std::string>();
  e.requests = t[1].cast<std::uint64_t>();
  e.first = Time(std::chrono::microseconds(t[2].cast<std::int64_t>()));
  e.last = Time(std::chrono::microseconds(t[3].cast<std::int64_t>()));
  e.verdict = VerdictOf(t[4].cast<py::tuple>());
  e.score = t[5].cast<double>();
  e.base = t[6].cast<double>();
  for (const py::handle piece : t[7]) e.evidence.push_back(piece.cast<Evidence>());
  return e;
}

// Values: compared, hashed and pickled by their fields.
template <typename T, typename Of>
void BindValue(py::class_<T>& type, Of&& of) {
  type.def("__eq__",
           [](const T& self, const py::object& other) -> py::object {
             if (!py::isinstance<T>(other))
               return py::reinterpret_borrow<py::object>(Py_NotImplemented);
             return py::bool_(Fields(self).equal(Fields(other.cast<const T&>())));
           })
      .def("__hash__", [](const T& self) { return py::hash(Fields(self)); })
      .def(py::pickle([](const T& self) { return Fields(self); }, of));
}

}  // namespace

void BindVerdict(py::module_& m) {
  py::class_<Verdict> verdict(m, "Verdict", "What the library answers to one request.");
  verdict.def_property_readonly("level", [](const Verdict& v) { return LevelOf(v.level); })
      .def_readonly("score", &Verdict::score)
      .def_readonly("p_value", &Verdict::p_value)
      .def_readonly("looked", &Verdict::looked)
      .def_readonly("campaign", &Verdict::campaign)
      .def_readonly("matches_campaign", &Verdict::matches_campaign)
      .def("__repr__",
           [](const Verdict& v) {
             return "Verdict(level=" + std::string(Name(v.level)) + ", score=" + Number(v.score) +
                    ", p_value=" + Number(v.p_value) + ", looked=" + (v.looked ? "True" : "False") +
                    ", campaign=" + std::to_string(v.campaign) + ")";
           })
      .def("_repr_html_",
           [](const py::object& self) { return Python("distillwatch._html", "of_verdict")(self); });
  BindValue(verdict, &VerdictOf);

  py::class_<Evidence> evidence(m, "Evidence", "One piece of evidence.");
  evidence.def_readonly("detector", &Evidence::detector)
      .def_readonly("feature", &Evidence::feature)
      .def_readonly("value", &Evidence::value)
      .def_readonly("place", &Evidence::place)
      .def_readonly("contribution", &Evidence::contribution)
      .def_readonly("words", &Evidence::words)
      .def("__repr__",
           [](const Evidence& e) {
             return "Evidence(" + e.detector + "." + e.feature + "=" + Number(e.value) +
                    ", place=" + Number(e.place) + ", contribution=" + Number(e.contribution) +
                    ": " + e.words + ")";
           })
      .def("_repr_html_", [](const py::object& self) {
        return Python("distillwatch._html", "of_evidence")(self);
      });
  BindValue(evidence, &EvidenceOf);

  py::class_<Explanation> explanation(m, "Explanation", "Why an account has its score.");
  explanation.def_property_readonly("account", [](const Explanation& e) { return Str(e.account); })
      .def_readonly("requests", &Explanation::requests)
      .def_property_readonly("first", [](const Explanation& e) { return FromTime(e.first); })
      .def_property_readonly("last", [](const Explanation& e) { return FromTime(e.last); })
      .def_readonly("verdict", &Explanation::verdict)
      .def_readonly("score", &Explanation::score)
      .def_readonly("base", &Explanation::base)
      .def_property_readonly("evidence", &EvidenceTuple)
      .def("__repr__",
           [](const Explanation& e) {
             std::string out = "Explanation(" + std::string(py::repr(Str(e.account))) + ", " +
                               std::to_string(e.requests) +
                               " requests, level=" + std::string(Name(e.verdict.level)) +
                               ", score now=" + Number(e.score) + ")";
             std::size_t shown = 0;
             for (const Evidence& piece : e.evidence) {
               if (shown++ == 6) break;
               char line[32];
               std::snprintf(line, sizeof(line), "\n  %+8.3f  ", piece.contribution);
               out += line + piece.words;
             }
             return out;
           })
      .def("_repr_html_", [](const py::object& self) {
        return Python("distillwatch._html", "of_explanation")(self);
      });
  BindValue(explanation, &ExplanationOf);
}

}  // namespace distillwatch::python
