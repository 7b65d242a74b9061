// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What refitting a score needs beside looks (looks.cc): ranks, trees, and a reference made of them.

#include <pybind11/stl.h>

#include <cmath>
#include <limits>
#include <span>

#include "bind.h"
#include "calibrate/reference_content.h"
#include "custom.h"
#include "monitor/engine.h"
#include "score/fit.h"
#include "wire/wire.h"

namespace distillwatch::python {
namespace {

using Requests = Matrix<std::uint32_t>;
using Features = Matrix<float>;
using Bins = Matrix<std::uint8_t>;
using Weights = Matrix<double>;

// How many columns of features an array has.
std::size_t ColumnsOf(const py::array& features) {
  constexpr py::ssize_t kLeast = 1;
  constexpr auto kMost = static_cast<py::ssize_t>(score::Model::kMostFeatures);
  if (features.ndim() != 2 || features.shape(1) < kLeast || features.shape(1) > kMost) {
    throw py::value_error("features must have " + std::to_string(kLeast) + " to " +
                          std::to_string(kMost) + " columns");
  }
  return static_cast<std::size_t>(features.shape(1));
}

void RequireColumns(const py::array& features, std::size_t columns) {
  if (ColumnsOf(features) == columns) return;
  throw py::value_error("features must have " + std::to_string(columns) + " columns, not " +
                        std::to_string(ColumnsOf(features)) + ": the same detectors everywhere");
}

std::size_t RowsOf(const py::array& features, const Requests& requests) {
  ColumnsOf(features);
  if (requests.ndim() != 1 || requests.shape(0) != features.shape(0))
    throw py::value_error("requests must have one entry for each row of features");
  return static_cast<std::size_t>(requests.shape(0));
}

score::Ranks LearnRanks(const Requests& requests, const Features& features) {
  const std::size_t rows = RowsOf(features, requests), columns = ColumnsOf(features);
  if (rows == 0) throw py::value_error("ranks need a look at least");
  std::vector<score::Look> looks(rows);
  std::vector<const score::Look*> pointers;
  for (std::size_t i = 0; i < rows; ++i) {
    const float* row = features.data() + i * columns;
    looks[i].requests = requests.data()[i];
    looks[i].features.assign(row, row + columns);
    for (float& value : looks[i].features) {
      if (!std::isfinite(value)) value = std::numeric_limits<float>::quiet_NaN();
    }
    pointers.push_back(&looks[i]);
  }
  const py::gil_scoped_release unlocked;
  return score::Ranks::Learn(pointers, columns);
}

py::array_t<std::uint8_t> BinsOf(const score::Ranks& ranks, const Requests& requests,
                                 const Features& features) {
  const std::size_t rows = RowsOf(features, requests), columns = ranks.features();
  RequireColumns(features, columns);
  std::vector<std::uint8_t> out(rows * columns);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t epoch = score::EpochOf(requests.data()[i]);
    for (std::size_t f = 0; f < columns; ++f)
      out[i * columns + f] = ranks.Bin(epoch, f, features.data()[i * columns + f]);
  }
  return ToArray(std::move(out),
                 {static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns)});
}

void RequireBins(const Bins& bins) {
  for (const std::uint8_t bin : std::span(bins.data(), static_cast<std::size_t>(bins.size()))) {
    if (bin > score::kUnknownBin) throw py::value_error("a bin is above 44");
  }
}

score::Rows RowsOf(const Bins& bins, const Weights& weights, const char* name) {
  const std::size_t columns = ColumnsOf(bins);
  if (weights.ndim() != 1 || weights.shape(0) != bins.shape(0) || bins.shape(0) == 0) {
    throw py::value_error(std::string(name) + " must be rows of bins and as many weights");
  }
  score::Rows rows{.features = columns};
  rows.bins.assign(bins.data(), bins.data() + bins.size());
  rows.weights.assign(weights.data(), weights.data() + weights.size());
  RequireBins(bins);
  for (const double weight : rows.weights) {
    if (!(weight >= 0 && weight < 1e12)) throw py::value_error("a weight is not in [0, 1e12)");
  }
  return rows;
}

// Trees as arrays: nodes one tree after the other, and where each tree begins.
py::dict FitTrees(const Bins& positive_bins, const Weights& positive_weights,
                  const Bins& unlabelled_bins, const Weights& unlabelled_weights, std::size_t trees,
                  std::size_t leaves, double learning_rate, double ridge, double least_rows) {
  const score::Rows positives = RowsOf(positive_bins, positive_weights, "positives");
  const score::Rows unlabelled = RowsOf(unlabelled_bins, unlabelled_weights, "unlabelled");
  RequireColumns(unlabelled_bins, positives.features);
  if (trees == 0 || trees > score::Model::kMostTrees)
    throw py::value_error("trees is " + std::to_string(trees) + "; allowed: 1 to 4096");
  if (leaves < 2 || leaves > 1024)
    throw py::value_error("leaves is " + std::to_string(leaves) + "; allowed: 2 to 1024");
  std::vector<score::Tree> grown;
  {
    const py::gil_scoped_release unlocked;
    grown = score::Fit(positives, unlabelled,
                       {.trees = trees,
                        .leaves = leaves,
                        .learning_rate = learning_rate,
                        .ridge = ridge,
                        .least_rows = least_rows});
  }
  std::vector<float> value;
  std::vector<std::uint16_t> left;
  std::vector<std::uint8_t> feature, last_left;
  std::vector<std::int32_t> start;
  for (const score::Tree& tree : grown) {
    start.push_back(static_cast<std::int32_t>(value.size()));
    for (const score::Node& node : tree.nodes) {
      value.push_back(node.value);
      left.push_back(node.left);
      feature.push_back(node.feature);
      last_left.push_back(node.last_left);
    }
  }
  py::dict out;
  out["value"] = ToArray(std::move(value));
  out["left"] = ToArray(std::move(left));
  out["feature"] = ToArray(std::move(feature));
  out["last_left"] = ToArray(std::move(last_left));
  out["start"] = ToArray(std::move(start));
  return out;
}

score::Model MakeModel(const Matrix<float>& value, const Matrix<std::uint16_t>& left,
                       const Bins& feature, const Bins& last_left,
                       const Matrix<std::int32_t>& start, const Matrix<float>& scales,
                       std::size_t features) {
  const py::ssize_t nodes = value.size();
  if (left.size() != nodes || feature.size() != nodes || last_left.size() != nodes)
    throw py::value_error("value, left, feature and last_left must be of one length");
  std::vector<score::Tree> trees;
  for (py::ssize_t t = 0; t < start.size(); ++t) {
    const std::int64_t begin = start.data()[t];
    const std::int64_t end = t + 1 < start.size() ? start.data()[t + 1] : nodes;
    if (begin < 0 || end <= begin || end > nodes)
      throw py::value_error("start must rise from 0 and stay below the number of nodes");
    score::Tree& tree = trees.emplace_back();
    for (std::int64_t i = begin; i < end; ++i) {
      tree.nodes.push_back({.value = value.data()[i],
                            .left = left.data()[i],
                            .feature = feature.data()[i],
                            .last_left = last_left.data()[i]});
    }
  }
  std::array<score::Scale, score::kEpochs> of_epochs;
  if (scales.size() != static_cast<py::ssize_t>(2 * score::kEpochs))
    throw py::value_error("scales must have a median and a 95th percentile for each of 5 ages");
  for (std::size_t e = 0; e < score::kEpochs; ++e)
    of_epochs[e] = {.median = scales.data()[2 * e], .p95 = scales.data()[2 * e + 1]};
  score::Model model(features, std::move(trees), of_epochs);
  if (!model.Valid()) throw py::value_error("these trees are not a model");
  return model;
}

template <typename Of>
py::array_t<double> EachRow(const score::Model& model, const Bins& bins, Of&& of) {
  const std::size_t columns = model.features();
  RequireColumns(bins, columns);
  RequireBins(bins);
  std::vector<double> out(static_cast<std::size_t>(bins.shape(0)));
  {
    const py::gil_scoped_release unlocked;
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = of(i, std::span<const std::uint8_t>(bins.data() + i * columns, columns));
  }
  return ToArray(std::move(out));
}

py::array_t<double> Scores(const score::Model& model, const Requests& requests, const Bins& bins) {
  RowsOf(bins, requests);
  return EachRow(model, bins, [&](std::size_t i, std::span<const std::uint8_t> row) {
    return model.Score(score::EpochOf(requests.data()[i]), row) / score::kPointsPerUnit;
  });
}

// What each feature gives to the scores, and the base in the last column.
py::array_t<double> Contributions(const score::Model& model, const Requests& requests,
                                  const Bins& bins) {
  const std::size_t rows = RowsOf(bins, requests), columns = model.features();
  RequireColumns(bins, columns);
  RequireBins(bins);
  std::vector<double> out(rows * (columns + 1));
  for (std::size_t i = 0; i < rows; ++i) {
    const auto parts =
        model.Explain(score::EpochOf(requests.data()[i]), {bins.data() + i * columns, columns});
    double* row = out.data() + i * (columns + 1);
    for (std::size_t f = 0; f < columns; ++f) row[f] = parts.by_feature[f] / score::kPointsPerUnit;
    row[columns] = parts.base / score::kPointsPerUnit;
  }
  return ToArray(std::move(out),
                 {static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns + 1)});
}

Reference MakeReference(const score::Ranks& ranks, const score::Model& model,
                        const Weights& path_maxima, std::int64_t horizon_s,
                        std::uint64_t fit_accounts, std::int64_t first_us, std::int64_t last_us,
                        std::uint64_t key_id, py::handle key,
                        const std::vector<std::string>& features) {
  auto content = std::make_shared<calibrate::ReferenceContent>();
  content->feature_names = features;
  content->ranks = ranks;
  content->model = model;
  for (py::ssize_t i = 0; i < path_maxima.size(); ++i) {
    const double units = path_maxima.data()[i];
    if (!(units >= -8 && units <= 24)) throw py::value_error("a path maximum is not in [-8, 24]");
    content->histogram.Add(static_cast<score::Points>(std::lround(units * score::kPointsPerUnit)));
  }
  content->horizon_s = horizon_s;
  content->fit_accounts = fit_accounts;
  content->first = Time(std::chrono::microseconds(first_us));
  content->last = Time(std::chrono::microseconds(last_us));
  content->key_id = key_id;
  if (!key.is_none()) content->key = Text(key, "key").view();
  const Reference made(std::move(content));
  return Unwrap(Reference::Parse(made.Serialize()));  // which validates everything
}

}  // namespace

void BindFit(py::module_& m) {
  py::list features;
  for (const monitor::NamedFeature& f : monitor::FeatureNames())
    features.append(py::make_tuple(std::string(f.detector), FromSpec(f.spec)));
  m.attr("FEATURES") = py::tuple(features);
  m.attr("EPOCHS") = static_cast<int>(score::kEpochs);
  m.attr("UNKNOWN_BIN") = static_cast<int>(score::kUnknownBin);

  py::class_<score::Ranks>(m, "Ranks")
      .def_static("learn", &LearnRanks, py::arg("requests"), py::arg("features"))
      .def_static(
          "of", [](const Reference& r) { return r.content().ranks; }, py::arg("reference"))
      .def("bins", &BinsOf, py::arg("requests"), py::arg("features"))
      .def(Pickled<score::Ranks>());

  py::class_<score::Model>(m, "Model")
      .def(py::init(&MakeModel), py::arg("value"), py::arg("left"), py::arg("feature"),
           py::arg("last_left"), py::arg("start"), py::arg("scales"), py::arg("features"))
      .def_static(
          "of", [](const Reference& r) { return r.content().model; }, py::arg("reference"))
      .def_property_readonly("features", &score::Model::features)
      .def(
          "log_odds",
          [](const score::Model& model, const Bins& bins) {
            return EachRow(model, bins, [&](std::size_t, std::span<const std::uint8_t> row) {
              return model.LogOdds(row);
            });
          },
          py::arg("bins"))
      .def("scores", &Scores, py::arg("requests"), py::arg("bins"))
      .def("contributions", &Contributions, py::arg("requests"), py::arg("bins"))
      .def(Pickled<score::Model>());

  m.def("fit_trees", &FitTrees, py::arg("positive_bins"), py::arg("positive_weights"),
        py::arg("unlabelled_bins"), py::arg("unlabelled_weights"), py::arg("trees") = 400,
        py::arg("leaves") = 16, py::arg("learning_rate") = 0.06, py::arg("ridge") = 10.0,
        py::arg("least_rows") = 100.0);
  m.def("make_reference", &MakeReference, py::arg("ranks"), py::arg("model"),
        py::arg("path_maxima"), py::arg("horizon_s"), py::arg("fit_accounts"), py::arg("first_us"),
        py::arg("last_us"), py::arg("key_id"), py::arg("key"), py::arg("features"));
  m.def(
      "path_maxima",
      [](const Reference& reference) {
        const calibrate::PathHistogram& histogram = reference.content().histogram;
        std::vector<double> out;
        const double width = (score::kMostScore - score::kLeastScore) /
                             static_cast<double>(calibrate::PathHistogram::kBins);
        for (std::size_t bin = 0; bin < calibrate::PathHistogram::kBins; ++bin) {
          const auto low = score::kLeastScore +
                           static_cast<score::Points>(std::ceil(static_cast<double>(bin) * width));
          out.insert(out.end(), histogram.CountIn(low), low / score::kPointsPerUnit);
        }
        return ToArray(std::move(out));
      },
      py::arg("reference"));
  m.def(
      "epochs",
      [](const Requests& requests) {
        std::vector<std::uint8_t> out;
        for (py::ssize_t i = 0; i < requests.size(); ++i)
          out.push_back(static_cast<std::uint8_t>(score::EpochOf(requests.data()[i])));
        return ToArray(std::move(out));
      },
      py::arg("requests"));
}

}  // namespace distillwatch::python
