// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/line_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace distillwatch::log {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Gzipped(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstded(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  EXPECT_FALSE(ZSTD_isError(size));
  out.resize(size);
  return out;
}

// As a writer of streams does: the size is not known, and a checksum follows.
std::string ZstdStream(const std::string& text) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()) + 1024, '\0');
  ZSTD_inBuffer from = {text.data(), text.size(), 0};
  ZSTD_outBuffer to = {out.data(), out.size(), 0};
  EXPECT_EQ(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0u);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

// Lines that do not compress well, and their text.
std::vector<std::string> SomeLines(std::size_t count) {
  std::mt19937_64 random(7);
  std::vector<std::string> lines(count);
  for (std::string& line : lines) {
    while (line.size() < 200) line += static_cast<char>(' ' + random() % 90);
  }
  return lines;
}
std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

class LineSourceTest : public testing::Test {
 protected:
  LineSourceTest() {
    std::string name = (std::filesystem::temp_directory_path() / "line_source_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~LineSourceTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& bytes, const std::string& name = "log") {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }

  // What a file of these bytes gives.
  struct Got {
    std::vector<std::string> lines;
    Status status;
  };
  Got Lines(const std::string& bytes) { return LinesOf(Write(bytes)); }
  static Got LinesOf(const std::string& path) {
    Result<LineSource> source = LineSource::Open(path);
    if (!source.ok()) return {{}, source.status()};
    Got got;
    LineSource::Line line;
    while (source->Next(line)) {
      EXPECT_EQ(line.number, got.lines.size() + 1);
      EXPECT_FALSE(line.cut);
      got.lines.emplace_back(line.text);
    }
    EXPECT_FALSE(source->Next(line));  // the end stays the end
    got.status = source->status();
    return got;
  }

  std::filesystem::path folder_;
};

TEST_F(LineSourceTest, GivesTheLinesOfAFile) {
  const Got got = Lines("one\ntwo\n\nfour\n");
  EXPECT_THAT(got.lines, ElementsAre("one", "two", "", "four"));
  EXPECT_TRUE(got.status.ok());
}

TEST_F(LineSourceTest, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(Lines("one\ntwo").lines, ElementsAre("one", "two"));
}

TEST_F(LineSourceTest, DropsCarriageReturnsBeforeLineEndsOnly) {
  EXPECT_THAT(Lines("one\r\nt\rwo\r\n\r\nlast\r").lines, ElementsAre("one", "t\rwo", "", "last"));
}

TEST_F(LineSourceTest, DropsAByteOrderMark) {
  EXPECT_THAT(Lines("\xef\xbb\xbfone\n\xef\xbb\xbftwo\n").lines,
              ElementsAre("one", "\xef\xbb\xbftwo"));
}

TEST_F(LineSourceTest, KeepsZeroBytes) {
  const std::string line("a\0b", 3);
  EXPECT_THAT(Lines(line + "\n").lines, ElementsAre(line));
}

TEST_F(LineSourceTest, AnEmptyFileHasNoLines) {
  for (const std::string& bytes : {std::string(), Gzipped(""), Zstded("")}) {
    const Got got = Lines(bytes);
    EXPECT_THAT(got.lines, IsEmpty());
    EXPECT_TRUE(got.status.ok());
  }
}

TEST_F(LineSourceTest, ReadsArchivesWhateverTheirName) {
  const std::vector<std::string> lines = SomeLines(5000);
  for (const std::string& bytes :
       {Gzipped(Joined(lines)), Zstded(Joined(lines)), ZstdStream(Joined(lines))}) {
    const Got got = Lines(bytes);
    EXPECT_THAT(got.lines, ElementsAreArray(lines));
    EXPECT_TRUE(got.status.ok()) << got.status.message();
  }
}

TEST_F(LineSourceTest, ReadsArchivesJoinedEndToEnd) {
  EXPECT_THAT(Lines(Gzipped("one\nt") + Gzipped("") + Gzipped("wo\nthree\n")).lines,
              ElementsAre("one", "two", "three"));
  EXPECT_THAT(Lines(Zstded("one\nt") + Zstded("") + ZstdStream("wo\nthree\n")).lines,
              ElementsAre("one", "two", "three"));
}

TEST_F(LineSourceTest, PassesOverSkippableFrames) {
  const std::string skipped = std::string("\x50\x2a\x4d\x18\x04\0\0\0", 8) + "????";
  EXPECT_THAT(Lines(skipped + Zstded("one\n") + skipped + Zstded("two\n")).lines,
              ElementsAre("one", "two"));
}

TEST_F(LineSourceTest, PassesOverZerosBehindAGzipArchive) {
  const Got got = Lines(Gzipped("one\n") + std::string(600'000, '\0'));
  EXPECT_THAT(got.lines, ElementsAre("one"));
  EXPECT_TRUE(got.status.ok());
}

TEST_F(LineSourceTest, SaysWhatFollowsAnArchiveAndIsNone) {
  for (const std::string& bytes : {Gzipped("one\ntwo\n"), Zstded("one\ntwo\n")}) {
    const Got got = Lines(bytes + "three\n");
    EXPECT_THAT(got.lines, ElementsAre("one", "two"));
    EXPECT_EQ(got.status.code(), StatusCode::kDataLoss);
  }
}

// Every whole line that is in the part of the archive that is there; nothing else.
TEST_F(LineSourceTest, ATruncatedArchiveGivesItsWholeLinesAndThenSaysSo) {
  const std::vector<std::string> lines = SomeLines(4000);
  for (const std::string& bytes :
       {Gzipped(Joined(lines)), Zstded(Joined(lines)), ZstdStream(Joined(lines))}) {
    for (const double share : {0.1, 0.5, 0.9, 0.99}) {
      const auto size = static_cast<std::size_t>(share * static_cast<double>(bytes.size()));
      const Got got = Lines(bytes.substr(0, size));
      EXPECT_EQ(got.status.code(), StatusCode::kDataLoss);
      EXPECT_THAT(got.status.message(), HasSubstr("truncated"));
      // A block of zstd is 128 KiB, 652 of these lines.
      ASSERT_LE(got.lines.size(), lines.size());
      EXPECT_GE(static_cast<double>(got.lines.size()) + 660,
                share * static_cast<double>(lines.size()));
      EXPECT_TRUE(std::equal(got.lines.begin(), got.lines.end(), lines.begin()));
    }
  }
}

TEST_F(LineSourceTest, ADamagedArchiveGivesTheLinesBeforeTheDamageAndThenSaysSo) {
  const std::vector<std::string> lines = SomeLines(4000);
  // Without a checksum, as in Zstded, damage may go unseen.
  for (std::string bytes : {Gzipped(Joined(lines)), ZstdStream(Joined(lines))}) {
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), 2000, '\xff');
    const Got got = Lines(bytes);
    EXPECT_EQ(got.status.code(), StatusCode::kDataLoss);
    EXPECT_GE(got.lines.size() + 700, lines.size() / 2);
    // Both formats can take some damaged bytes for text before they find a contradiction.
    const std::size_t sound = std::min<std::size_t>(got.lines.size(), lines.size() / 2 - 700);
    EXPECT_TRUE(std::equal(got.lines.begin(),
                           got.lines.begin() + static_cast<std::ptrdiff_t>(sound), lines.begin()));
  }
}

TEST_F(LineSourceTest, AFragmentBeforeADamageIsNoLine) {
  const std::string bytes = Gzipped("one\ntwo\nthree is cut");
  const Got got = Lines(bytes.substr(0, bytes.size() - 4));  // within the trailer
  EXPECT_THAT(got.lines, ElementsAre("one", "two"));
  EXPECT_EQ(got.status.code(), StatusCode::kDataLoss);
}

TEST_F(LineSourceTest, AHeaderAloneIsATruncatedArchive) {
  EXPECT_EQ(Lines("\x1f\x8b").status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(Lines("\x28\xb5\x2f\xfd").status.code(), StatusCode::kDataLoss);
}

TEST_F(LineSourceTest, ALineOfTheGreatestLengthIsWhole) {
  const std::string longest(LineSource::kLongestLine, 'x');
  const Got got = Lines("one\n" + longest + "\nthree\n");
  ASSERT_EQ(got.lines.size(), 3u);
  EXPECT_EQ(got.lines[1].size(), longest.size());
  EXPECT_EQ(got.lines[2], "three");
}

TEST_F(LineSourceTest, ALongerLineIsCutAndTheNextIsWhole) {
  const std::string path =
      Write("one\n" + std::string(LineSource::kLongestLine + 1, 'x') + "\nthree\n" +
            std::string(LineSource::kLongestLine + 300'000, 'y'));
  Result<LineSource> source = LineSource::Open(path);
  ASSERT_TRUE(source.ok());
  LineSource::Line line;
  ASSERT_TRUE(source->Next(line));
  EXPECT_FALSE(line.cut);
  ASSERT_TRUE(source->Next(line));
  EXPECT_TRUE(line.cut);
  EXPECT_EQ(line.number, 2u);
  EXPECT_EQ(line.text.size(), LineSource::kLongestLine);
  EXPECT_EQ(line.text.find_first_not_of('x'), std::string_view::npos);
  ASSERT_TRUE(source->Next(line));
  EXPECT_EQ(line.text, "three");
  EXPECT_EQ(line.number, 3u);
  EXPECT_FALSE(line.cut);
  ASSERT_TRUE(source->Next(line));
  EXPECT_TRUE(line.cut);
  EXPECT_FALSE(source->Next(line));
  EXPECT_TRUE(source->status().ok());
}

TEST_F(LineSourceTest, LinesOfAllLengthsSurviveTheBuffer) {
  std::mt19937_64 random(11);
  std::vector<std::string> lines;
  for (int i = 0; i < 300; ++i) {
    lines.emplace_back(
        static_cast<std::size_t>(std::exp2(static_cast<double>(random() % 200) / 10)),
        static_cast<char>('a' + i % 26));
  }
  EXPECT_THAT(Lines(Joined(lines)).lines, ElementsAreArray(lines));
  EXPECT_THAT(Lines(Zstded(Joined(lines))).lines, ElementsAreArray(lines));
}

TEST_F(LineSourceTest, PromisesReadableBytesBehindEveryLine) {
  Result<LineSource> source = LineSource::Open(Write("one\ntwo"));
  ASSERT_TRUE(source.ok());
  LineSource::Line line;
  unsigned sum = 0;  // the address sanitizer watches
  while (source->Next(line)) {
    for (std::size_t i = 0; i < LineSource::kPadding; ++i)
      sum += line.text.data()[line.text.size() + i] != 0;
  }
  EXPECT_LE(sum, 2 * LineSource::kPadding);
}

TEST_F(LineSourceTest, ReadsAPipeAsItComes) {
  const std::string path = folder_ / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    const int pipe = open(path.c_str(), O_WRONLY);
    for (const std::string_view piece : {"on", "e\ntw", "o\n", "three"}) {
      EXPECT_EQ(write(pipe, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    close(pipe);
  });
  const Got got = LinesOf(path);
  writer.join();
  EXPECT_THAT(got.lines, ElementsAre("one", "two", "three"));
}

TEST_F(LineSourceTest, ReadsStandardInput) {
  const int before = dup(STDIN_FILENO);
  const int file = open(Write(Gzipped("one\ntwo\n")).c_str(), O_RDONLY);
  ASSERT_EQ(dup2(file, STDIN_FILENO), STDIN_FILENO);
  close(file);
  const Got got = LinesOf("-");
  ASSERT_EQ(dup2(before, STDIN_FILENO), STDIN_FILENO);
  close(before);
  EXPECT_THAT(got.lines, ElementsAre("one", "two"));
}

TEST_F(LineSourceTest, SaysWhatCannotBeOpened) {
  const Got missing = LinesOf(folder_ / "missing");
  EXPECT_EQ(missing.status.code(), StatusCode::kNotFound);
  EXPECT_THAT(missing.status.message(), HasSubstr("missing': No such file"));
  EXPECT_THAT(LinesOf(folder_).status.message(), HasSubstr("it is a folder"));
}

TEST_F(LineSourceTest, RefusesFilesThatAreNoLogs) {
  EXPECT_THAT(Lines(std::string("\xfd\x37zXZ\0\0\x04", 8)).status.message(),
              HasSubstr("an xz archive; allowed"));
  EXPECT_THAT(Lines("BZh91AY").status.message(), HasSubstr("a bzip2 archive"));
  EXPECT_THAT(Lines(std::string("\xff\xfe{\0", 4)).status.message(), HasSubstr("UTF-16"));
  EXPECT_EQ(Lines("PK\x03\x04").status.code(), StatusCode::kInvalidArgument);
}

TEST_F(LineSourceTest, CountsTheBytesOfTheFileAsItLies) {
  const std::string bytes = Gzipped(Joined(SomeLines(100)));
  Result<LineSource> source = LineSource::Open(Write(bytes));
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source->bytes_in_all(), bytes.size());
  LineSource::Line line;
  while (source->Next(line)) {
  }
  EXPECT_EQ(source->bytes_read(), bytes.size());
}

TEST_F(LineSourceTest, ExpandsGlobsInOrder) {
  const std::string b = Write("", "b.log"), a = Write("", "a.log"), c = Write("", "c[1].txt");
  EXPECT_THAT(Expand({(folder_ / "*.log").string()}), ElementsAre(a, b));
  EXPECT_THAT(Expand({c, (folder_ / "*.none").string()}),
              ElementsAre(c, (folder_ / "*.none").string()));
}

}  // namespace
}  // namespace distillwatch::log
