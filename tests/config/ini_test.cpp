// SPDX-License-Identifier: Apache-2.0
#include "config/ini.hpp"

#include "config/helpers.hpp"

#include <gtest/gtest.h>

namespace alignsweep::config {
namespace {

using core::ConfigError;
using core::IoError;
using testing::expect_error;
using testing::TemporaryFolder;

// The values of a file with one section and keys in order, joined by "|".
std::string values_of(std::vector<Entry> const& entries) {
    std::string text;
    for (Entry const& entry : entries) { text += entry.name() + "=" + entry.value + "|"; }
    return text;
}

std::string read(std::string_view text) {
    TemporaryFolder const folder;
    return values_of(read_ini(folder.write("demo.ini", text)));
}

// Expects a ConfigError at `line` of a file of this text.
void expect_malformed(std::string_view text, int line, std::initializer_list<std::string_view> parts) {
    TemporaryFolder const folder;
    auto const file = folder.write("demo.ini", text);
    expect_error<ConfigError>([&] { (void)read_ini(file); }, {core::concat(file.string(), ":", line, ": ")});
    expect_error<ConfigError>([&] { (void)read_ini(file); }, parts);
}

TEST(ConfigIni, TakesUtf8AndNothingElse) {
    EXPECT_EQ(read("[data]\ncorpus = 数据é.txt\n"), "data.corpus=数据é.txt|");
    expect_malformed("[data]\ncorpus = caf\xe9.txt\n", 2, {"not UTF-8"});
    expect_malformed("[data]\ncorpus = \xed\xa0\x80\n", 2, {"not UTF-8"});
    expect_error<ConfigError>([] { (void)parse_set("data.corpus=\xff"); }, {"malformed"});
}

// A path of an axis may hold a comma, also where it is the only one.
TEST(ConfigIni, ListsKeepTheirQuotes) {
    EXPECT_EQ(read("[sweep]\ndata.sft = \"a, b.jsonl\"\n[data]\nsft = \"a, b.jsonl\"\n"),
              "sweep.data.sft=\"a, b.jsonl\"|data.sft=a, b.jsonl|");
    EXPECT_EQ(parse_set("sweep.data.sft=\"a, b.jsonl\"").value, "\"a, b.jsonl\"");
}

TEST(ConfigIni, KeepsFileAndLine) {
    TemporaryFolder const folder;
    auto const file = folder.write("demo.ini", "# top\n\n[dpo]\nbeta = 0.2\n  batch=8  \n");
    auto const entries = read_ini(file);
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].name(), "dpo.beta");
    EXPECT_EQ(entries[0].value, "0.2");
    EXPECT_EQ(entries[0].line, 4);
    EXPECT_EQ(entries[0].location(), file.string() + ":4");
    EXPECT_EQ(entries[0].folder(), folder.path());
    EXPECT_EQ(entries[1].name(), "dpo.batch");
    EXPECT_EQ(entries[1].value, "8");
    EXPECT_EQ(entries[1].line, 5);
}

TEST(ConfigIni, CommentsStartALineOrFollowABlank) {
    EXPECT_EQ(read("[a] # one\n;two\n  # three\nk = v # four\nl = v\t; five\nm = v#w;x\n"), "a.k=v|a.l=v|a.m=v#w;x|");
    EXPECT_EQ(read("# only\n; comments\n\n"), "");
    EXPECT_EQ(read("# an open \" quote in a comment\n[a]\nk = v # and \" here\n"), "a.k=v|");
}

TEST(ConfigIni, QuotesKeepCommentsAndBlanks) {
    EXPECT_EQ(read("[a]\nk = \"a # b\" # c\nl = \" x \"\nm = \"\"\nn = \"say \"\"yes\"\"\"\n"),
              "a.k=a # b|a.l= x |a.m=|a.n=say \"yes\"|");
    EXPECT_EQ(read("[a]\nk = \"x\", \"y # z\"\n"), "a.k=\"x\", \"y # z\"|");
    expect_malformed("[a]\nk = \"open\n", 2, {"quote is not closed"});
}

TEST(ConfigIni, ValuesMayHoldEqualsOrNothing) { EXPECT_EQ(read("[a]\nk = x=y = z\nl =\n"), "a.k=x=y = z|a.l=|"); }

TEST(ConfigIni, TakesCrlfByteOrderMarkAndNoLastNewline) {
    EXPECT_EQ(read("\xEF\xBB\xBF[a]\r\nk = v\r\nl = w"), "a.k=v|a.l=w|");
    EXPECT_EQ(read("[a]\nk = \xC3\xBC\n"), "a.k=\xC3\xBC|");
}

TEST(ConfigIni, RefusesMalformedLines) {
    expect_malformed("[a]\nnonsense\n", 2, {"malformed line 'nonsense'", "allowed: key = value"});
    expect_malformed("[a]\n= 3\n", 2, {"malformed line"});
    expect_malformed("[a\nk = v\n", 1, {"malformed section '[a'", "[section]"});
    expect_malformed("\n[]\n", 2, {"malformed section"});
    expect_malformed("[a] b\n", 1, {"malformed section"});
    expect_malformed("k = v\n", 1, {"'k' stands outside any section", "base = FILE"});
    expect_malformed(std::string_view("[a]\nk = \0\n", 10), 2, {"control character"});
    expect_malformed("\x89HDF\r\n\x1a\n", 1, {"not UTF-8"});
}

TEST(ConfigIni, RefusesAKeyTwiceInOneFile) {
    expect_malformed("[a]\nk = 1\n[b]\nk = 2\n[a]\nl = 3\nk = 4\n", 7, {"a.k is set twice", "line 2"});
}

TEST(ConfigIni, NamesFilesThatCannotBeRead) {
    TemporaryFolder const folder;
    auto const missing = folder.path() / "missing.ini";
    auto const empty = folder.write("empty.ini", "");
    auto const blank = folder.write("blank.ini", "\xEF\xBB\xBF \r\n\t\n");
    expect_error<IoError>([&] { (void)read_ini(missing); }, {missing.string() + ": no such file"});
    expect_error<IoError>([&] { (void)read_ini(empty); }, {empty.string() + ": the file is empty"});
    expect_error<IoError>([&] { (void)read_ini(blank); }, {blank.string() + ": the file is empty"});
    expect_error<IoError>([&] { (void)read_ini(folder.path()); }, {folder.path().string() + ": a folder"});
    expect_error<IoError>([&] { (void)read_ini(empty / "below.ini"); }, {(empty / "below.ini").string() + ": "});
    EXPECT_EQ(IoError("x").code(), core::ExitCode::io);
}

TEST(ConfigIni, RefusesFilesWithoutAnEnd) {
    TemporaryFolder const folder;
    expect_error<IoError>([&] { (void)read_ini("/dev/zero"); }, {"/dev/zero: neither a file nor a pipe"});
    auto const device = folder.write("device.ini", "base = /dev/zero\n");
    expect_error<IoError>([&] { (void)read_ini(device); }, {"/dev/zero: neither", device.string() + ":1"});
    auto const large = folder.write("large.ini", "# " + std::string(std::size_t{1} << 24, 'x'));
    expect_error<IoError>([&] { (void)read_ini(large); }, {large.string() + ": longer than 16777216 bytes"});
}

TEST(ConfigIni, BasesComeFirst) {
    TemporaryFolder const folder;
    folder.write("bases/worlds/tiny.ini", "[world]\nnames = 2\n");
    folder.write("bases/model.ini", "base = worlds/tiny.ini\n[model]\nwidth = 8\n");
    auto const file = folder.write("run/demo.ini", "# a base\nbase = ../bases/model.ini\n[model]\nwidth = 16\n");
    auto const entries = read_ini(file);
    EXPECT_EQ(values_of(entries), "world.names=2|model.width=8|model.width=16|");
    EXPECT_EQ(entries[0].location(), (folder.path() / "bases/worlds/tiny.ini").string() + ":2");
    EXPECT_EQ(entries[2].line, 4);
}

TEST(ConfigIni, TwoFilesMayShareABase) {
    TemporaryFolder const folder;
    folder.write("base.ini", "[a]\nk = 0\n");
    auto const one = folder.write("one.ini", "base = base.ini\n[a]\nk = 1\n");
    auto const two = folder.write("two.ini", "base = base.ini\n[a]\nl = 2\n");
    EXPECT_EQ(values_of(read_all({one, two}, {"a.l=3"})), "a.k=0|a.k=1|a.k=0|a.l=2|a.l=3|");
}

TEST(ConfigIni, RefusesBadBases) {
    TemporaryFolder const folder;
    auto const self = folder.write("self.ini", "base = ./self.ini\n[a]\nk = 1\n");
    expect_error<ConfigError>([&] { (void)read_ini(self); }, {self.string() + ":1: ", "cycle"});
    auto const first = folder.write("first.ini", "base = second.ini\n");
    auto const second = folder.write("second.ini", "\nbase = third.ini\n");
    auto const third = folder.write("third.ini", "\n\nbase = first.ini\n");
    expect_error<ConfigError>([&] { (void)read_ini(first); },
                              {third.string() + ":3: ", "cycle",
                               first.string() + " -> " + second.string() + " -> " + third.string() + " -> "});
    auto const orphan = folder.write("orphan.ini", "base = gone.ini\n");
    expect_error<IoError>([&] { (void)read_ini(orphan); },
                          {(folder.path() / "gone.ini").string() + ": no such file", orphan.string() + ":1"});
    expect_malformed("base =\n[a]\n", 1, {"base names no file"});
    folder.write("base.ini", "[a]\nk = 0\n");
    auto const two = folder.write("two.ini", "base = base.ini\nbase = base.ini\n");
    expect_error<ConfigError>([&] { (void)read_ini(two); }, {two.string() + ":2: base is set twice", "line 1"});
}

TEST(ConfigIni, BaseInASectionIsAnOrdinaryKey) { EXPECT_EQ(read("[a]\nbase = x.ini\n"), "a.base=x.ini|"); }

TEST(ConfigIni, ParsesSet) {
    Entry const entry = parse_set("dpo.beta = 0.5 ");
    EXPECT_EQ(entry.name(), "dpo.beta");
    EXPECT_EQ(entry.value, "0.5");
    EXPECT_EQ(entry.file, "--set");
    EXPECT_EQ(entry.line, 0);
    EXPECT_EQ(entry.location(), "--set dpo.beta=0.5");
    EXPECT_EQ(entry.folder(), "");

    Entry const axis = parse_set("sweep.dpo.beta=0.1,0.2");
    EXPECT_EQ(axis.section, "sweep");
    EXPECT_EQ(axis.key, "dpo.beta");
    EXPECT_EQ(axis.value, "0.1,0.2");

    EXPECT_EQ(parse_set("data.sft=a=b # c").value, "a=b # c");  // the shell has read its comments already
    EXPECT_EQ(parse_set("data.sft=").value, "");
    EXPECT_EQ(parse_set("data.sft=\" x\"").value, " x");
}

TEST(ConfigIni, RefusesMalformedSet) {
    for (auto const* text : {"", "=", "dpo.beta", "beta=1", ".beta=1", "dpo.=1", "dpo.beta\n=1", "a.b=\n"}) {
        expect_error<ConfigError>([&] { (void)parse_set(text); }, {"--set", "allowed: --set section.key=value"});
    }
}

}  // namespace
}  // namespace alignsweep::config
