// SPDX-License-Identifier: Apache-2.0
#include "data/text.hpp"
#include "temporary.hpp"

#include <gtest/gtest.h>

namespace alignsweep::data {
namespace {

using Strings = std::vector<std::string>;

std::string error_of(std::filesystem::path const& file) {
    std::string const message = test::message_of<core::IoError>([&] { (void)read_text(file); });
    test::expect_contains(message, file.string() + ": ");
    return message;
}

TEST(Text, ReadsPlainAndGzipByContent) {
    test::TemporaryFolder const folder;
    std::string const bytes("one\r\n\0two\xff\n", 11);
    EXPECT_EQ(read_text(folder.write("plain.txt", bytes)), bytes);
    EXPECT_EQ(read_text(folder.write_gzip("packed.gz", bytes)), bytes);
    EXPECT_EQ(read_text(folder.write_gzip("packed-without-suffix.txt", bytes)), bytes);
    EXPECT_EQ(read_text(folder.write("plain-with-suffix.gz", bytes)), bytes);
    EXPECT_EQ(read_text(folder.write("one-byte", "\x1f")), "\x1f");
    std::string const large(1U << 20, 'x');
    EXPECT_EQ(read_text(folder.write_gzip("large.gz", large)), large);
}

TEST(Text, ReadsGzipMembersOneAfterTheOther) {
    test::TemporaryFolder const folder;
    auto const bytes_of = [](std::filesystem::path const& file) {
        std::ifstream in(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    std::string const both = bytes_of(folder.write_gzip("a", "first ")) + bytes_of(folder.write_gzip("b", "second"));
    EXPECT_EQ(read_text(folder.write("both.gz", both)), "first second");
}

TEST(Text, SaysWhatIsWrongWithAFile) {
    test::TemporaryFolder const folder;
    test::expect_contains(error_of(folder.path() / "missing.txt"), "no such file");
    test::expect_contains(error_of(folder.path()), "is a directory");
    test::expect_contains(error_of("/dev/null"), "not a regular file");
    test::expect_contains(error_of(folder.write("empty.txt", "")), "is empty");
    test::expect_contains(error_of(folder.write_gzip("empty.gz", "")), "is empty");
}

TEST(Text, UnreadableFile) {
    if (geteuid() == 0) { GTEST_SKIP() << "root reads every file; this check needs another user"; }
    test::TemporaryFolder const folder;
    auto const file = folder.write("secret.txt", "text");
    std::filesystem::permissions(file, std::filesystem::perms::none);
    test::expect_contains(error_of(file), "can't be opened");
}

TEST(Text, DamagedGzip) {
    test::TemporaryFolder const folder;
    std::string text;
    for (int i = 0; i < 5000; ++i) { text += std::to_string(i * 7919) + " "; }
    auto const file = folder.write_gzip("whole.gz", text);
    std::ifstream in(file, std::ios::binary);
    std::string const bytes(std::istreambuf_iterator<char>(in), {});
    // Every kind of cut: within the header, the data, and the trailer of 8 bytes.
    for (std::size_t const size :
         {std::size_t{2}, std::size_t{9}, bytes.size() / 2, bytes.size() - 8, bytes.size() - 1}) {
        SCOPED_TRACE(size);
        test::expect_contains(error_of(folder.write("cut.gz", bytes.substr(0, size))), "too soon");
    }
    std::string flipped = bytes;
    flipped[bytes.size() / 2] = static_cast<char>(flipped[bytes.size() / 2] ^ 0x10);
    test::expect_contains(error_of(folder.write("flipped.gz", flipped)), "gzip data");
}

TEST(Text, AWholeTextIsBounded) {
    test::TemporaryFolder const folder;
    auto const file = folder.write("sparse text \xc3\xa9.txt", "text");
    std::filesystem::resize_file(file, longest_text + 1);  // takes no room on the disk
    test::expect_contains(error_of(file), "is longer than 4294967296 bytes, which are allowed");
}

TEST(Text, SplitsDocumentsAtBlankLines) {
    EXPECT_EQ(split_documents("A\nB\n\nC\n"), (Strings{"A\nB", "C"}));
    EXPECT_EQ(split_documents("\n\n\nA\n\n\n\nB"), (Strings{"A", "B"}));
    EXPECT_EQ(split_documents("A\r\nB\r\n\r\nC\r\n"), (Strings{"A\r\nB", "C"}));
    EXPECT_EQ(split_documents(" A \n\n \n\nB"), (Strings{" A ", " ", "B"}));
    EXPECT_EQ(split_documents("A"), (Strings{"A"}));
    EXPECT_TRUE(split_documents("").empty());
    EXPECT_TRUE(split_documents("\n").empty());
    EXPECT_TRUE(split_documents("\n\r\n\n").empty());
}

}  // namespace
}  // namespace alignsweep::data
