// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <memory>
#include <mutex>

#include "bind.h"
#include "distillwatch/coverage_cells.h"
#include "distillwatch/decay.h"
#include "distillwatch/heavy_hitters.h"
#include "distillwatch/histograms.h"
#include "distillwatch/hyperloglog.h"
#include "distillwatch/minhash.h"
#include "distillwatch/reservoir.h"
#include "distillwatch/shingler.h"

namespace distillwatch::python {
namespace {

using Hashes = Matrix<std::uint64_t>;

std::span<const std::uint64_t> SpanOf(const Hashes& hashes) {
  return {hashes.data(), static_cast<std::size_t>(hashes.size())};
}

template <typename T, std::size_t n>
py::array_t<T> Copy(std::span<const T, n> values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

SlimSignature SlimOf(const Matrix<std::uint16_t>& values) {
  SlimSignature out;
  if (values.size() != static_cast<py::ssize_t>(out.size())) {
    throw py::value_error("a slim signature has " + std::to_string(values.size()) +
                          " slots; allowed: 64");
  }
  std::copy_n(values.data(), out.size(), out.begin());
  return out;
}

// What all sketches of hashes can do: copies, equality, bytes, pickling. The bytes in a pickle say
// the same of any key, as the sketch itself does.
template <typename T>
py::class_<T> BindKeyed(py::module_& m, const char* name, const char* doc) {
  return py::class_<T>(m, name, doc)
      .def(py::init<>())
      .def("merge", &T::Merge, py::arg("other"))
      .def(
          "serialize", [](const T& self, std::uint64_t id) { return ToBytes(self.Serialize(id)); },
          py::arg("key_id"))
      .def_static(
          "parse",
          [](py::handle bytes, std::uint64_t id) {
            return Unwrap(T::Parse(Text(bytes, "bytes").view(), id));
          },
          py::arg("bytes"), py::arg("key_id"))
      .def("__eq__",
           [](const T& self, py::handle other) {
             return py::isinstance<T>(other) && self == other.cast<const T&>();
           })
      .def("__copy__", [](const T& self) { return T(self); })
      .def(
          "__deepcopy__", [](const T& self, py::handle) { return T(self); }, py::arg("memo"))
      .def(py::pickle(
          [](const T& self) { return ToBytes(self.Serialize(0)); },
          [](const py::bytes& bytes) { return Unwrap(T::Parse(std::string_view(bytes), 0)); }));
}

template <typename T>
void Decay(T& self, double factor) {
  if (!(factor >= 0 && factor <= 1)) {
    throw py::value_error("factor is " + std::to_string(factor) + "; allowed: 0 to 1");
  }
  self.Decay(static_cast<float>(factor));
}

template <typename T>
py::class_<T> BindTimed(py::module_& m, const char* name, const char* doc) {
  return py::class_<T>(m, name, doc)
      .def(py::init<>())
      .def("merge", &T::Merge, py::arg("other"))
      .def("decay", &Decay<T>, py::arg("factor"))
      .def("serialize", [](const T& self) { return ToBytes(self.Serialize()); })
      .def_static(
          "parse", [](py::handle bytes) { return Unwrap(T::Parse(Text(bytes, "bytes").view())); },
          py::arg("bytes"))
      .def("__eq__",
           [](const T& self, py::handle other) {
             return py::isinstance<T>(other) && self == other.cast<const T&>();
           })
      .def("__copy__", [](const T& self) { return T(self); })
      .def(
          "__deepcopy__", [](const T& self, py::handle) { return T(self); }, py::arg("memo"))
      .def(py::pickle(
          [](const T& self) { return ToBytes(self.Serialize()); },
          [](const py::bytes& bytes) { return Unwrap(T::Parse(std::string_view(bytes))); }));
}

template <std::size_t kSlots>
void BindMinHash(py::module_& m, const char* name) {
  using T = BasicMinHash<kSlots>;
  BindKeyed<T>(m, name,
               "A fixed-size signature of a set of hashes whose agreement estimates Jaccard "
               "similarity.")
      .def(
          "update",
          [](T& self, const Hashes& hashes) {
            T next = self;
            {
              const py::gil_scoped_release unlocked;
              next.Update(SpanOf(hashes));
            }
            self = next;
          },
          py::arg("hashes"))
      .def(
          "jaccard",
          [](const T& self, const T& other) {
            const JaccardEstimate e = self.Jaccard(other);
            return Python("distillwatch._types", "JaccardEstimate")(e.value, e.standard_error);
          },
          py::arg("other"))
      .def_property_readonly("empty", &T::empty)
      .def_property_readonly("slots", [](const T& self) { return Copy(self.slots()); })
      .def("__repr__", [name = std::string(name)](const T& self) {
        return "<" + name + (self.empty() ? ", empty>" : ">");
      });
}

template <std::size_t kRegisters>
void BindHyperLogLog(py::module_& m, const char* name) {
  using T = BasicHyperLogLog<kRegisters>;
  BindKeyed<T>(m, name, "How many different hashes were seen.")
      .def(
          "update",
          [](T& self, const Hashes& hashes) {
            double increments = 0;
            for (const std::uint64_t hash : SpanOf(hashes)) increments += self.Update(hash);
            return increments;
          },
          py::arg("hashes"))
      .def("estimate", &T::Estimate)
      .def("__repr__", [name = std::string(name)](const T& self) {
        return "<" + name + ", about " + std::to_string(std::llround(self.Estimate())) + ">";
      });
}

}  // namespace

void BindSketch(py::module_& m) {
  py::class_<Shingler>(m, "Shingler",
                       "Any bytes in, keyed hashes of words and of word 3-shingles out.")
      .def(py::init([](py::handle key, py::handle most) {
             return Unwrap(Shingler::Create(Text(key, "key").view(),
                                            ToCount(most, "max_prompt_bytes", ~std::uint64_t{0})));
           }),
           py::arg("key"), py::arg("max_prompt_bytes") = 65536)
      .def(
          "extract",
          [](const Shingler& self, py::handle text) {
            const Text bytes(text, "text");
            TextScratch scratch(self.max_prompt_bytes());
            TextFeatures features;
            {
              const py::gil_scoped_release unlocked;
              features = self.Extract(bytes.view(), scratch);
            }
            return Python("distillwatch._types", "TextFeatures")(
                Copy(features.shingles), Copy(features.terms), features.units, features.truncated);
          },
          py::arg("text"))
      .def(
          "normalise",
          [](const Shingler& self, py::handle text) {
            const std::string words = self.Normalise(Text(text, "text").view());
            return py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
                words.data(), static_cast<py::ssize_t>(words.size()), "replace"));
          },
          py::arg("text"))
      .def(
          "hash_name",
          [](const Shingler& self, py::handle name, py::handle value) {
            return self.HashName(Text(name, "name").view(), Text(value, "value").view());
          },
          py::arg("name"), py::arg("value"))
      .def(
          "hash_prefix",
          [](const Shingler& self, py::handle text, py::handle size) {
            const Text bytes(text, "text");
            const std::size_t most = bytes.view().size();
            return self.HashPrefix(bytes.view(),
                                   std::min(most, ToCount(size, "size", ~std::uint64_t{0})));
          },
          py::arg("text"), py::arg("size"))
      .def_property_readonly("max_prompt_bytes", &Shingler::max_prompt_bytes)
      .def_property_readonly("key_id", &Shingler::key_id)
      .def("__repr__", [](const Shingler& self) {
        return "<Shingler, max_prompt_bytes=" + std::to_string(self.max_prompt_bytes()) + ">";
      });

  BindMinHash<64>(m, "MinHash64");
  BindMinHash<128>(m, "MinHash");
  BindMinHash<256>(m, "MinHash256");
  BindHyperLogLog<64>(m, "HyperLogLog64");
  BindHyperLogLog<128>(m, "HyperLogLog128");
  BindHyperLogLog<1024>(m, "HyperLogLog");

  const auto count = [](HeavyHitters::Count c) {
    return Python("distillwatch._types", "Count")(c.least, c.most);
  };
  BindKeyed<HeavyHitters>(m, "HeavyHitters", "The terms that recur, with bounds on how often.")
      .def(
          "update",
          [count](HeavyHitters& self, std::uint64_t term) { return count(self.Update(term)); },
          py::arg("term"))
      .def(
          "find",
          [count](const HeavyHitters& self, std::uint64_t term) { return count(self.Find(term)); },
          py::arg("term"))
      .def("halve", &HeavyHitters::Halve)
      .def("count_at_least", &HeavyHitters::CountAtLeast, py::arg("count"));

  BindKeyed<CoverageCells>(m, "CoverageCells",
                           "How widely an account's requests spread over topic cells.")
      .def(
          "update",
          [](CoverageCells& self, py::handle cell) {
            self.Update(static_cast<std::uint8_t>(ToCount(cell, "cell", 255)));
          },
          py::arg("cell"))
      .def("decay", &Decay<CoverageCells>, py::arg("factor"))
      .def("measure",
           [](const CoverageCells& self) {
             const CoverageCells::Estimate e = self.Measure();
             return Python("distillwatch._types", "CoverageEstimate")(
                 e.collision, e.entropy_nats, e.effective_events, e.unseen_mass);
           })
      .def(
          "weight",
          [](const CoverageCells& self, py::handle cell) {
            return self.weight(static_cast<std::uint8_t>(ToCount(cell, "cell", 255)));
          },
          py::arg("cell"))
      .def_property_readonly("total", &CoverageCells::total);

  BindKeyed<SignatureReservoir>(m, "SignatureReservoir",
                                "A time-biased sample of an account's request signatures.")
      .def(
          "update",
          [](SignatureReservoir& self, const Matrix<std::uint16_t>& signature, float priority) {
            self.Update(SlimOf(signature), priority);
          },
          py::arg("signature"), py::arg("priority"))
      .def(
          "find_nearest",
          [](const SignatureReservoir& self, const Matrix<std::uint16_t>& signature) {
            const SignatureReservoir::Nearest n = self.FindNearest(SlimOf(signature));
            return Python("distillwatch._types", "Nearest")(n.similarity, n.index);
          },
          py::arg("signature"))
      .def("count_recurring", &SignatureReservoir::CountRecurring, py::arg("least"))
      .def_property_readonly("size", &SignatureReservoir::size)
      .def(
          "signature",
          [](const SignatureReservoir& self, std::size_t i) {
            if (i >= self.size()) throw py::index_error("no such entry");
            return Copy(std::span<const std::uint16_t>(self.signature(i)));
          },
          py::arg("i"))
      .def(
          "priority",
          [](const SignatureReservoir& self, std::size_t i) {
            if (i >= self.size()) throw py::index_error("no such entry");
            return self.priority(i);
          },
          py::arg("i"));

  m.def(
      "slim",
      [](const MinHash64& signature) {
        return Copy(std::span<const std::uint16_t>(Slim(signature)));
      },
      py::arg("signature"));
  m.def(
      "agreement",
      [](const Matrix<std::uint16_t>& a, const Matrix<std::uint16_t>& b) {
        return Agreement(SlimOf(a), SlimOf(b));
      },
      py::arg("a"), py::arg("b"));
  m.def(
      "priority",
      [](py::handle time, py::handle half_life, std::uint64_t hash) {
        return Priority(ToTime(time, "time"), ToHalfLife(half_life), hash);
      },
      py::arg("time"), py::arg("half_life"), py::arg("hash"));

  BindTimed<GapHistogram>(m, "GapHistogram", "Gaps between successive requests of one account.")
      .def(
          "update",
          [](GapHistogram& self, double gap_s) {
            self.Update(SecondsToTime(gap_s, "gap").time_since_epoch());
          },
          py::arg("gap_s"))
      .def("measure", [](const GapHistogram& self) {
        const GapHistogram::Estimate e = self.Measure();
        return Python("distillwatch._types", "GapEstimate")(e.log_deviation, e.pace_deviation,
                                                            e.burstiness, e.memory, e.entropy_nats,
                                                            e.longest_to_median_log2, e.events);
      });
  BindTimed<ScaleCounts>(m, "ScaleCounts", "Counts of requests in bins of one width.")
      .def(
          "update",
          [](ScaleCounts& self, py::handle time, py::handle width) {
            const std::chrono::seconds w = ToSeconds(width, "width");
            if (w.count() <= 0) throw py::value_error("width must be a second at least");
            self.Update(ToTime(time, "time"), w);
          },
          py::arg("time"), py::arg("width"))
      .def("measure", [](const ScaleCounts& self) {
        const ScaleCounts::Estimate e = self.Measure();
        return Python("distillwatch._types", "ScaleEstimate")(e.dispersion, e.duty, e.quota,
                                                              e.bins);
      });
  BindTimed<HourHistogram>(m, "HourHistogram", "Requests by hour of the day, UTC.")
      .def(
          "update", [](HourHistogram& self, py::handle time) { self.Update(ToTime(time, "time")); },
          py::arg("time"))
      .def("measure", [](const HourHistogram& self) {
        const HourHistogram::Estimate e = self.Measure();
        return Python("distillwatch._types", "HourEstimate")(e.entropy_nats, e.idle_hours,
                                                             e.concentration);
      });
}

}  // namespace distillwatch::python
