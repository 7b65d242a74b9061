// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Random inputs: seeded bytes, hashes, pairs of overlapping sets and texts.

#ifndef DISTILLWATCH_TESTS_SUPPORT_RANDOM_INPUTS_H_
#define DISTILLWATCH_TESTS_SUPPORT_RANDOM_INPUTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "simulate/language.h"
#include "simulate/random.h"

namespace distillwatch::support {

using simulate::Random;

inline std::string RandomBytes(std::size_t size, Random& random) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Bits() >> 56);
  return bytes;
}

inline std::vector<std::uint64_t> RandomHashes(std::size_t size, Random& random) {
  std::vector<std::uint64_t> hashes(size);
  for (std::uint64_t& h : hashes) h = random.Bits();
  return hashes;
}

// Two sets of `size` hashes each, of which `common` are in both.
struct SetPair {
  std::vector<std::uint64_t> a, b;
  double jaccard = 0;
};
inline SetPair OverlappingSets(std::size_t size, std::size_t common, Random& random) {
  SetPair pair{RandomHashes(size, random), RandomHashes(size, random),
               static_cast<double>(common) / static_cast<double>(2 * size - common)};
  for (std::size_t i = 0; i < common; ++i) pair.b[i] = pair.a[i];
  return pair;
}

// Text with the statistics of English, cut to exactly `bytes`.
inline std::string EnglishLike(std::size_t bytes, Random& random) {
  return simulate::Write({}, static_cast<simulate::Topic>(random.Below(simulate::kTopics)),
                         bytes / 2 + 8, random)
      .substr(0, bytes);
}

// Text without spaces, cut to at most `bytes` and never inside a character.
inline std::string UnspacedText(std::size_t bytes, Random& random) {
  simulate::Voice voice;
  voice.script = simulate::Script::kUnspaced;
  return simulate::Write(voice, static_cast<simulate::Topic>(random.Below(simulate::kTopics)),
                         bytes / 6 + 1, random)
      .substr(0, bytes / 3 * 3);
}

// Text that looks like a program, cut to exactly `bytes`.
inline std::string CodeLike(std::size_t bytes, Random& random) {
  const auto name = [&random] { return simulate::Word(random.Zipf(400)); };
  std::string out;
  while (out.size() < bytes) {
    out.append(4 * (1 + random.Below(3)), ' ');
    switch (random.Below(3)) {
      case 0:
        out += "if (" + name() + "_" + name() + " != 0x" + std::to_string(random.Below(4096)) +
               ") {\n";
        break;
      case 1:
        out += name() + "." + name() + "(" + name() + "[i], &" + name() + ");\n";
        break;
      default:
        out +=
            "const auto " + name() + "Of" + name() + " = " + name() + " + 1;  // " + name() + "\n";
    }
  }
  return out.substr(0, bytes);
}

}  // namespace distillwatch::support

#endif  // DISTILLWATCH_TESTS_SUPPORT_RANDOM_INPUTS_H_
