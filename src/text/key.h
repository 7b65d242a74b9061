// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Key: the operator's secret, stretched for XXH3. Every hash of text, account or attribute goes
// through it, so that stored state cannot be compared with guessed prompts without the secret.
//
// XXH3 with a secret is not a cryptographic MAC: it hides text from whoever holds a snapshot, not
// from whoever can also choose prompts and read their hashes at will. Hashes are therefore never
// exported. Tested by  tests/text/key_test.cc

#ifndef DISTILLWATCH_SRC_TEXT_KEY_H_
#define DISTILLWATCH_SRC_TEXT_KEY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "distillwatch/status.h"
#include "wire/mix.h"

namespace distillwatch::text {

class Key {
 public:
  static constexpr std::size_t kSecretBytes = 192;

  // Stretches an operator's secret of at least 16 bytes.
  static Result<Key> FromSecret(std::string_view secret);
  // 32 bytes from the operating system.  Errors: Unavailable when it has none to give.
  static Result<std::string> RandomSecret();

  // Names the key without giving it away: states made under different keys refuse to merge.
  std::uint64_t id() const noexcept { return id_; }

  std::uint64_t Hash(const void* bytes, std::size_t size) const noexcept;
  std::uint64_t Hash(std::string_view bytes) const noexcept {
    return Hash(bytes.data(), bytes.size());
  }
  // Hashes a word without NUL bytes. Short ones, which are nearly all, take one multiplication and
  // no branch on their length.
  //   Needs  16 readable bytes at `word`, however short it is
  std::uint64_t HashWord(const char* word, std::size_t size) const noexcept {
    return size > kShortWord ? Hash(word, size) : short_word_hash()(word, size);
  }

  // The same for words of at most kShortWord bytes, and nothing else.
  class ShortWordHash {
   public:
    explicit ShortWordHash(const std::array<std::uint64_t, 2>& keys) noexcept : keys_(keys) {}
    // Of a word of at most eight bytes, the first in the lowest bits, zeros behind them.
    std::uint64_t operator()(std::uint64_t word) const noexcept {
      return Fold(word ^ keys_[0], keys_[1]);
    }
    std::uint64_t operator()(const char* word, std::size_t size) const noexcept {
      std::uint64_t low, high;
      std::memcpy(&low, word, sizeof(low));
      std::memcpy(&high, word + sizeof(low), sizeof(high));
      // What is beyond the word does not count.
      low &= kMask[size + 8];
      high &= kMask[size];
      return Fold(low ^ keys_[0], high ^ keys_[1]);
    }

   private:
    std::array<std::uint64_t, 2> keys_;
  };
  static constexpr std::size_t kShortWord = 16;
  ShortWordHash short_word_hash() const noexcept { return ShortWordHash(word_keys_); }

  // Hashes a name and a value so that ("ab", "c") and ("a", "bc") differ.
  std::uint64_t Hash(std::string_view name, std::string_view value) const noexcept;

 private:
  // kMask[8 + n] keeps the first n bytes of eight, for n from -8 to 16.
  static constexpr std::array<std::uint64_t, 25> kMask = [] {
    std::array<std::uint64_t, 25> mask{};
    for (std::size_t n = 1; n <= 16; ++n) {
      mask[8 + n] = n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * n) - 1;
    }
    return mask;
  }();
  // Both halves of the 128-bit product, and an avalanche.
  static std::uint64_t Fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    std::uint64_t x =
        static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    x ^= x >> 37;
    x *= 0x9fb21c651e98df25ULL;
    return x ^ (x >> 32);
  }

  Key() = default;
  std::array<unsigned char, kSecretBytes> secret_{};
  std::array<std::uint64_t, 2> word_keys_{};
  std::uint64_t id_ = 0;
};

using wire::Mix;

}  // namespace distillwatch::text

#endif  // DISTILLWATCH_SRC_TEXT_KEY_H_
