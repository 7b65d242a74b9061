// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "wire/wire.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "support/hostile.h"
#include "support/random_inputs.h"
#include "wire/xxh3.h"

namespace distillwatch::wire {
namespace {

constexpr Kind kKind = {{"TEST"}, 3};
constexpr std::uint64_t kKey = 0x0123456789abcdef;
constexpr std::size_t kVersionAt = 4, kZeroAt = 6, kLengthAt = 16, kHeaderBytes = 24;

enum class Colour : std::uint8_t { kRed, kGreen };

struct Part {
  std::int16_t x = 0;
  double y = 0;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.x, self.y);
  }
  friend bool operator==(const Part&, const Part&) = default;
};

struct Everything {
  bool flag = false;
  Colour colour = Colour::kRed;
  float number = 0;
  Time time{};
  std::array<std::uint32_t, 3> triple{};
  std::vector<Part> parts;
  std::string text;
  bool Valid() const { return colour <= Colour::kGreen; }
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.flag, self.colour, self.number, self.time, self.triple, self.parts, self.text);
  }
  friend bool operator==(const Everything&, const Everything&) = default;
};

Everything Example() {
  return {.flag = true,
          .colour = Colour::kGreen,
          .number = -0.5f,
          .time = Time(std::chrono::microseconds(-7)),
          .triple = {1, 2, 0xffffffff},
          .parts = {{-3, 1e300}, {4, -0.0}},
          .text = std::string("nul\0inside", 10)};
}

TEST(Wire, EveryKindOfFieldComesBack) {
  const std::string bytes = FrameOf(kKind, kKey, Example());
  const Result<Everything> back = Unframed<Everything>(kKind, kKey, bytes);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(*back, Example());
}

TEST(WireGolden, FieldsAreLittleEndianAndPacked) {
  Writer out;
  out(std::uint16_t{0x0102}, true, Part{-2, 1.0}, std::string("ab"));
  EXPECT_EQ(out.bytes(), std::string("\x02\x01"
                                     "\x01"
                                     "\xfe\xff\0\0\0\0\0\0\xf0\x3f"
                                     "\x02\0\0\0ab",
                                     19));
}

TEST(WireGolden, AFrameIsLettersVersionZeroKeyLengthPayloadChecksum) {
  const std::string frame = Frame(kKind, kKey, "payload");
  ASSERT_EQ(frame.size(), 24u + 7 + 8);
  EXPECT_EQ(frame.substr(0, 24), std::string("TEST\x03\0\0\0\xef\xcd\xab\x89\x67\x45\x23\x01"
                                             "\x07\0\0\0\0\0\0\0",
                                             24));
  EXPECT_EQ(frame.substr(24, 7), "payload");
  EXPECT_EQ(frame.substr(31), std::string("\xc4\x06\x8d\x8c\xb1\x9a\x9b\x39", 8));
}

TEST(Wire, OnlyTheOriginalFrameOpens) {
  support::ExpectOnlyTheOriginalParses(
      FrameOf(kKind, kKey, Example()),
      [](std::string_view bytes) { return Unframed<Everything>(kKind, kKey, bytes); },
      [](const Everything& object) { return FrameOf(kKind, kKey, object); });
}

TEST(Wire, AnEmptyPayloadIsAPayload) {
  const std::string frame = Frame(kKind, kKey, "");
  const auto payload = Unframe(kKind, kKey, frame);
  ASSERT_TRUE(payload.ok());
  EXPECT_EQ(*payload, "");
}

TEST(Wire, AnotherKeyIsAFailedPreconditionNotDataLoss) {
  const Status status = Unframe(kKind, kKey + 1, Frame(kKind, kKey, "payload")).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "'TEST' was made under another key");
}

TEST(Wire, MessagesNameWhatIsWrongAndWhatIsAllowed) {
  const auto message = [](std::string_view bytes) {
    return Unframe(kKind, kKey, bytes).status().message();
  };
  EXPECT_EQ(message("TEST"), "'TEST' has 4 bytes; allowed: at least 32");
  EXPECT_EQ(message(Frame({{"ELSE"}, 3}, kKey, "payload")), "these bytes do not begin with 'TEST'");
  EXPECT_EQ(message(Frame({{"TEST"}, 2}, kKey, "payload")), "'TEST' has version 2; allowed: 3");
  EXPECT_EQ(message(Frame({{"TEST"}, 4}, kKey, "payload")), "'TEST' has version 4; allowed: 3");
  std::string lies = Frame(kKind, kKey, "payload");
  lies[kLengthAt] = 6;
  EXPECT_EQ(message(lies), "'TEST' says it holds 6 bytes and has 7");
}

// A forger can compute the checksum, so nothing may rest on it alone.
TEST(Wire, AForgedHeaderIsRefusedDespiteItsRightChecksum) {
  const std::string frame = Frame(kKind, kKey, "payload");
  const auto forged = [&frame](std::size_t at, char byte) {
    std::string bytes = frame.substr(0, frame.size() - 8);
    bytes[at] = byte;
    // The checksum of bytes is the one that Frame would put after them.
    const std::uint64_t sum = XXH3_64bits(bytes.data(), bytes.size());
    return bytes.append(reinterpret_cast<const char*>(&sum), sizeof(sum));
  };
  ASSERT_TRUE(Unframe(kKind, kKey, forged(0, 'T')).ok());
  for (const std::size_t at : {std::size_t{0}, kVersionAt, kVersionAt + 1, kZeroAt, kZeroAt + 1}) {
    EXPECT_EQ(Unframe(kKind, kKey, forged(at, 'x')).status().code(), StatusCode::kDataLoss) << at;
  }
  for (std::size_t at = kLengthAt; at < kHeaderBytes; ++at) {
    EXPECT_EQ(Unframe(kKind, kKey, forged(at, '\x7f')).status().code(), StatusCode::kDataLoss)
        << at;
  }
}

TEST(Wire, ALengthThatWrapsAroundIsRefused) {
  std::string frame = Frame(kKind, kKey, "payload");
  for (std::size_t at = kLengthAt; at < kHeaderBytes; ++at) frame[at] = '\xff';
  EXPECT_EQ(Unframe(kKind, kKey, frame).status().code(), StatusCode::kDataLoss);
}

TEST(Wire, APayloadThatEndsEarlyOrLateIsRefusedDespiteItsRightChecksum) {
  const std::string bytes = FrameOf(kKind, kKey, Example());
  const auto parse = [](const std::string& frame) {
    return Unframed<Everything>(kKind, kKey, frame).status().code();
  };
  ASSERT_EQ(parse(support::Forge(bytes, [](std::string&) {})), StatusCode::kOk);
  const std::size_t whole = bytes.size() - 32;
  for (std::size_t size = 0; size < whole; ++size) {
    const auto cut = [size](std::string& payload) { payload.resize(size); };
    ASSERT_EQ(parse(support::Forge(bytes, cut)), StatusCode::kDataLoss)
        << "payload cut to " << size;
  }
  EXPECT_EQ(parse(support::Forge(bytes, [](std::string& payload) { payload += 'x'; })),
            StatusCode::kDataLoss);
}

TEST(Wire, AFlagThatIsNeitherTrueNorFalseIsRefused) {
  const std::string bytes = FrameOf(kKind, kKey, Example());
  const std::string forged = support::Forge(bytes, [](std::string& payload) { payload[0] = 2; });
  EXPECT_EQ(Unframed<Everything>(kKind, kKey, forged).status().code(), StatusCode::kDataLoss);
}

TEST(Wire, AValueThatTheClassCallsInvalidIsRefused) {
  const std::string bytes = FrameOf(kKind, kKey, Example());
  const std::string forged = support::Forge(bytes, [](std::string& payload) { payload[1] = 2; });
  EXPECT_EQ(Unframed<Everything>(kKind, kKey, forged).status().message(),
            "'TEST' holds values that it cannot have produced");
}

TEST(Reader, ASizeBeyondTheBytesReservesNothing) {
  for (const std::uint32_t size : {5u, 1000u, 0xffffffffu}) {
    Writer out;
    out(size, std::uint32_t{0});  // claims `size` elements and brings four bytes
    std::vector<Part> parts;
    Reader in(out.bytes());
    in(parts);
    EXPECT_TRUE(in.failed());
    EXPECT_TRUE(parts.empty());
    std::string text;
    Reader again(out.bytes());
    again(text);
    EXPECT_TRUE(again.failed());
    EXPECT_TRUE(text.empty());
  }
}

TEST(Reader, AfterAFailureItDeliversZerosAndSaysSo) {
  Reader in("\x01\x02\x03");
  std::uint32_t first = 7;
  std::uint8_t second = 7;
  bool third = true;
  in(first, second, third);
  EXPECT_TRUE(in.failed());
  EXPECT_FALSE(in.Finished());
  EXPECT_EQ(first, 0u);
  EXPECT_EQ(second, 0u);
  EXPECT_FALSE(third);
  EXPECT_EQ(in.left(), 0u);
}

TEST(Reader, IsFinishedOnlyWhenNothingIsLeft) {
  Reader in("\x01\x02");
  std::uint8_t byte = 0;
  in(byte);
  EXPECT_FALSE(in.Finished());
  EXPECT_EQ(in.left(), 1u);
  in(byte);
  EXPECT_TRUE(in.Finished());
}

TEST(Wire, FramesAreTakenOffOneByOne) {
  const std::string both = Frame({{"ONE1"}, 7}, 5, "first") + Frame(kKind, kKey, "");
  std::string_view rest = both;
  EXPECT_EQ(TakeFrame(rest).status().message(), "a frame has no name") << "names are letters";
  const std::string named = Frame({{"FIRS"}, 7}, 5, "first") + Frame(kKind, kKey, "");
  rest = named;
  const Result<Opened> first = TakeFrame(rest);
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_EQ(first->kind.name(), "FIRS");
  EXPECT_EQ(first->kind.version, 7);
  EXPECT_EQ(first->key_id, 5u);
  EXPECT_EQ(first->payload, "first");
  const Result<Opened> second = TakeFrame(rest);
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_EQ(second->payload, "");
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(TakeFrame(rest).status().message(), "the last frame has 0 bytes; allowed: at least 32");
}

TEST(Wire, ADamagedFrameIsNotTakenOff) {
  const std::string frame = Frame(kKind, kKey, "payload");
  for (std::size_t i = 0; i < frame.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = frame;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      std::string_view rest = damaged;
      ASSERT_EQ(TakeFrame(rest).status().code(), StatusCode::kDataLoss) << i << ", bit " << bit;
      EXPECT_EQ(rest.size(), damaged.size());
    }
  }
}

TEST(Wire, RandomBytesNeverOpen) {
  support::Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = support::RandomBytes(random.Below(128), random);
    EXPECT_FALSE(Unframed<Everything>(kKind, kKey, bytes).ok());
    // Past the checksum: payloads that only the fields can refuse must not crash.
    const auto result = Unframed<Everything>(kKind, kKey, Frame(kKind, kKey, bytes));
    if (result.ok()) {
      EXPECT_EQ(FrameOf(kKind, kKey, *result), Frame(kKind, kKey, bytes));
    }
  }
}

}  // namespace
}  // namespace distillwatch::wire
