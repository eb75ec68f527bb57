// SPDX-License-Identifier: Apache-2.0
#include "data/text.hpp"

#include "core/error.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace alignsweep::data {
namespace {

[[noreturn]] void fail(std::filesystem::path const& file, std::string const& what) {
    throw core::IoError(core::concat(file.string(), ": ", what));
}

std::string read_gzip(std::filesystem::path const& file) {
    struct Close {
        void operator()(gzFile_s* handle) const { gzclose(handle); }
    };
    std::unique_ptr<gzFile_s, Close> const handle(gzopen(file.c_str(), "rb"));
    if (!handle) { fail(file, core::concat("can't be opened: ", std::strerror(errno))); }
    std::string text;
    std::string buffer(std::size_t{1} << 18, '\0');
    int got = 0;
    while ((got = gzread(handle.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    // A file cut short ends like a whole one; only the error state tells (Z_BUF_ERROR).
    int state = Z_OK;
    gzerror(handle.get(), &state);
    if (state == Z_BUF_ERROR) { fail(file, "the gzip data end too soon (a truncated file?)"); }
    if (got < 0 || (state != Z_OK && state != Z_STREAM_END)) { fail(file, "the gzip data are damaged"); }
    return text;
}

}  // namespace

std::string read_text(std::filesystem::path const& file) {
    std::error_code error;
    auto const status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) { fail(file, "there is no such file"); }
    if (error) { fail(file, core::concat("can't be read: ", error.message())); }
    if (std::filesystem::is_directory(status)) { fail(file, "is a directory; a text file is needed"); }
    // A pipe can be read only once; the file's digest, its first bytes and its text need three readings.
    if (!std::filesystem::is_regular_file(status)) { fail(file, "is no regular file; a text file is needed"); }

    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) { fail(file, core::concat("can't be opened: ", std::strerror(errno))); }
    std::string text(static_cast<std::size_t>(in.tellg()), '\0');
    in.seekg(0);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in) { fail(file, "can't be read to its end"); }
    if (text.starts_with("\x1f\x8b")) { text = read_gzip(file); }
    if (text.empty()) { fail(file, "is empty"); }
    return text;
}

std::vector<std::string> split_documents(std::string_view text) {
    auto const strip = [](std::string_view line) {
        return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
    };
    std::vector<std::string> documents;
    std::size_t const none = std::string_view::npos;
    std::size_t begin = none;  // of the document that is open
    std::size_t end = 0;       // of its last line, without the line end
    auto const close = [&] {
        if (begin != none) { documents.emplace_back(text.substr(begin, end - begin)); }
        begin = none;
    };
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const stop = std::min(text.find('\n', at), text.size());
        std::string_view const line = strip(text.substr(at, stop - at));
        if (line.empty()) {
            close();
        } else {
            if (begin == none) { begin = at; }
            end = at + line.size();
        }
        at = stop + 1;
    }
    close();
    return documents;
}

}  // namespace alignsweep::data
