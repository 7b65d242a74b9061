// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Exploring texts by their signatures: all at once, all against all, near-duplicates.

#include <bit>
#include <cmath>
#include <unordered_map>

#include "bind.h"
#include "column.h"
#include "distillwatch/minhash.h"
#include "distillwatch/shingler.h"

namespace distillwatch::python {
namespace {

using Signatures = Matrix<std::uint32_t>;

constexpr std::size_t kPairsUnasked = 1 << 20, kRowsUnasked = 4096;  // whether to stop

template <std::size_t kSlots>
py::array_t<std::uint32_t> Sign(TextColumn& prompts, const Shingler& shingler) {
  const std::size_t rows = prompts.size().value_or(1);
  std::vector<std::uint32_t> out(rows * kSlots);
  TextScratch scratch(shingler.max_prompt_bytes());
  for (std::size_t begin = 0; begin < rows; begin += TextColumn::kBlock) {
    const std::size_t end = std::min(rows, begin + TextColumn::kBlock);
    prompts.Load(begin, end);
    {
      const py::gil_scoped_release unlocked;
      for (std::size_t row = begin; row < end; ++row) {
        BasicMinHash<kSlots> signature;
        signature.Update(shingler.Extract(prompts[row], scratch).shingles);
        std::copy_n(signature.slots().begin(), kSlots,
                    out.begin() + static_cast<std::ptrdiff_t>(row * kSlots));
      }
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  return ToArray(std::move(out),
                 {static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(kSlots)});
}

struct View {
  const std::uint32_t* data;
  std::size_t rows, slots;
  const std::uint32_t* row(std::size_t i) const { return data + i * slots; }
  // Of a text without words; it is like nothing.
  bool empty(std::size_t i) const { return row(i)[0] == MinHash::kEmptySlot; }
};

View ViewOf(const Signatures& signatures, const char* name) {
  if (signatures.ndim() != 2 || signatures.shape(1) == 0) {
    throw py::value_error(std::string(name) + " must have one row of slots for each text");
  }
  return {signatures.data(), static_cast<std::size_t>(signatures.shape(0)),
          static_cast<std::size_t>(signatures.shape(1))};
}

float Jaccard(const View& a, std::size_t i, const View& b, std::size_t j) {
  if (a.empty(i) || b.empty(j)) return 0;
  std::size_t equal = 0;
  for (std::size_t s = 0; s < a.slots; ++s) equal += a.row(i)[s] == b.row(j)[s];
  return static_cast<float>(equal) / static_cast<float>(a.slots);
}

py::array_t<float> JaccardMatrix(const Signatures& left, const Signatures& right) {
  const View a = ViewOf(left, "a"), b = ViewOf(right, "b");
  if (a.slots != b.slots) {
    throw py::value_error("a has " + std::to_string(a.slots) + " slots, b has " +
                          std::to_string(b.slots));
  }
  const bool symmetric = a.data == b.data && a.rows == b.rows;
  std::vector<float> out(a.rows * b.rows);
  {
    const py::gil_scoped_release unlocked;
    for (std::size_t i = 0; i < a.rows; ++i) {
      if (i * b.rows / kPairsUnasked != (i + 1) * b.rows / kPairsUnasked) CheckInterrupt();
      for (std::size_t j = symmetric ? i : 0; j < b.rows; ++j) {
        out[i * b.rows + j] = Jaccard(a, i, b, j);
        if (symmetric) out[j * b.rows + i] = out[i * b.rows + j];
      }
    }
  }
  return ToArray(std::move(out),
                 {static_cast<py::ssize_t>(a.rows), static_cast<py::ssize_t>(b.rows)});
}

std::uint64_t HashOf(const std::uint32_t* slots, std::size_t n, std::uint64_t seed) {
  std::uint64_t hash = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (std::size_t s = 0; s < n; ++s) {
    hash = (hash ^ slots[s]) * 0xbf58476d1ce4e5b9ULL;
    hash ^= hash >> 29;
  }
  return hash;
}

// For each text that has an earlier one at least so alike, the most similar of them. Bands of slots
// find the candidates; at the threshold one pair in a thousand is missed.
py::tuple NearDuplicates(const Signatures& signatures, double threshold) {
  constexpr std::size_t kMostCandidates = 256;  // in a bucket: the newest
  const View view = ViewOf(signatures, "signatures");
  if (!(threshold > 0 && threshold <= 1)) {
    throw py::value_error("threshold is " + std::to_string(threshold) + "; allowed: above 0 to 1");
  }
  std::size_t width = 1;
  for (std::size_t r = 1; r <= view.slots; ++r) {
    const double bands = std::floor(static_cast<double>(view.slots) / static_cast<double>(r));
    if (std::pow(1 - std::pow(threshold, static_cast<double>(r)), bands) <= 1e-3) width = r;
  }
  std::vector<std::int64_t> index, of;
  std::vector<float> jaccard;
  {
    const py::gil_scoped_release unlocked;
    const std::size_t bands = view.slots / width;
    std::unordered_map<std::uint64_t, std::size_t> same;
    std::unordered_map<std::uint64_t, std::vector<std::size_t>> buckets;
    std::vector<std::size_t> asked(view.rows, view.rows);
    for (std::size_t i = 0; i < view.rows; ++i) {
      if (i % kRowsUnasked == 0) CheckInterrupt();
      if (view.empty(i)) continue;
      const auto [first, is_new] = same.try_emplace(HashOf(view.row(i), view.slots, ~0ULL), i);
      if (!is_new && Jaccard(view, i, view, first->second) == 1) {
        index.push_back(static_cast<std::int64_t>(i));
        of.push_back(static_cast<std::int64_t>(first->second));
        jaccard.push_back(1);
        continue;
      }
      float best = -1;
      std::size_t best_of = 0;
      for (std::size_t b = 0; b < bands; ++b) {
        auto& bucket = buckets[HashOf(view.row(i) + b * width, width, b)];
        const std::size_t from =
            bucket.size() > kMostCandidates ? bucket.size() - kMostCandidates : 0;
        for (std::size_t c = from; c < bucket.size(); ++c) {
          const std::size_t j = bucket[c];
          if (asked[j] == i) continue;
          asked[j] = i;
          const float similarity = Jaccard(view, i, view, j);
          if (similarity > best) best = similarity, best_of = j;
        }
        bucket.push_back(i);
      }
      if (best < static_cast<float>(threshold)) continue;
      index.push_back(static_cast<std::int64_t>(i));
      of.push_back(static_cast<std::int64_t>(best_of));
      jaccard.push_back(best);
    }
  }
  return py::make_tuple(ToArray(std::move(index)), ToArray(std::move(of)),
                        ToArray(std::move(jaccard)));
}

}  // namespace

void BindSimilar(py::module_& m) {
  m.def(
      "signatures",
      [](py::handle texts, const Shingler& shingler, int slots) {
        TextColumn prompts(texts, "prompts", Missing::kEmpty);
        if (slots == 64) return Sign<64>(prompts, shingler);
        if (slots == 128) return Sign<128>(prompts, shingler);
        if (slots == 256) return Sign<256>(prompts, shingler);
        throw py::value_error("slots is " + std::to_string(slots) + "; allowed: 64, 128, 256");
      },
      py::arg("prompts"), py::arg("shingler"), py::arg("slots"));
  m.def("jaccard_matrix", &JaccardMatrix, py::arg("a").noconvert(), py::arg("b").noconvert());
  m.def("near_duplicates", &NearDuplicates, py::arg("signatures").noconvert(),
        py::arg("threshold"));
}

}  // namespace distillwatch::python
