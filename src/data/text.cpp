// SPDX-License-Identifier: Apache-2.0
#include "data/text.hpp"

#include "core/error.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace alignsweep::data {
namespace {

[[noreturn]] void fail(std::string const& file, std::string const& what) {
    throw core::IoError(core::concat(file, ": ", what));
}

}  // namespace

void TextStream::Close::operator()(gzFile_s* handle) const { gzclose(handle); }

TextStream::TextStream(std::filesystem::path const& file) : file_(file.string()) {
    std::error_code error;
    auto const status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) { fail(file_, "there is no such file"); }
    if (error) { fail(file_, core::concat("can't be read: ", error.message())); }
    if (std::filesystem::is_directory(status)) { fail(file_, "is a directory; a text file is needed"); }
    // A pipe can be read only once; the file's digest, its first bytes and its text need three readings.
    if (!std::filesystem::is_regular_file(status)) { fail(file_, "is not a regular file; a text file is needed"); }
    file_size_ = std::filesystem::file_size(file, error);
    if (error) { fail(file_, core::concat("can't be read: ", error.message())); }
    errno = 0;
    handle_.reset(gzopen(file.c_str(), "rb"));  // gives the bytes of other files as they are
    if (!handle_) { fail(file_, core::concat("can't be opened: ", std::strerror(errno))); }
    gzbuffer(handle_.get(), 1U << 18);
}

std::size_t TextStream::read(char* into, std::size_t size) {
    constexpr std::size_t most = std::size_t{1} << 30;  // zlib counts in int
    errno = 0;
    int const got = gzread(handle_.get(), into, static_cast<unsigned>(std::min(size, most)));
    // A file cut short ends like a whole one; only the error state tells (Z_BUF_ERROR).
    int state = Z_OK;
    if (got <= 0) { gzerror(handle_.get(), &state); }
    if (state == Z_ERRNO) { fail(file_, core::concat("can't be read to its end: ", std::strerror(errno))); }
    if (state == Z_BUF_ERROR) { fail(file_, "the gzip data end too soon (a truncated file?)"); }
    if (got < 0 || (state != Z_OK && state != Z_STREAM_END)) { fail(file_, "the gzip data are damaged"); }
    given_ += static_cast<std::uint64_t>(got);
    if (given_ > unpacked_freely && given_ > unpacked_times * file_size_ && gzdirect(handle_.get()) == 0) {
        fail(file_, core::concat("is unpacked to more than ", unpacked_freely >> 20, " MiB and more than ",
                                 unpacked_times, " times its size, which no text is; less is allowed"));
    }
    return static_cast<std::size_t>(got);
}

std::string read_text(std::filesystem::path const& file, std::uint64_t longest) {
    TextStream stream(file);
    auto const check = [&](std::uint64_t size) {
        if (size > longest) {
            fail(file.string(), core::concat("is longer than ", longest, " bytes, which are allowed"));
        }
    };
    check(stream.file_size());
    std::string text;
    text.reserve(static_cast<std::size_t>(stream.file_size()));
    std::string piece(std::size_t{1} << 18, '\0');
    while (std::size_t const got = stream.read(piece.data(), piece.size())) {
        text.append(piece, 0, got);
        check(text.size());
    }
    if (text.empty()) { fail(file.string(), "is empty"); }
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
