// SPDX-License-Identifier: Apache-2.0
#include "data/text.hpp"

#include "core/error.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace alignsweep::data {

void TextStream::Close::operator()(gzFile_s* handle) const { gzclose(handle); }

template <class... What>
void TextStream::fail(What const&... what) const {
    throw core::IoError(file_, ": ", what...);
}

TextStream::TextStream(std::filesystem::path const& file) : file_(file.string()) {
    std::error_code error;
    auto const status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) { fail("there is no such file"); }
    if (error) { fail("can't be read: ", error.message()); }
    if (std::filesystem::is_directory(status)) { fail("is a directory; a text file is needed"); }
    // A pipe can be read only once; the file's digest, its first bytes and its text need three readings.
    if (!std::filesystem::is_regular_file(status)) { fail("is not a regular file; a text file is needed"); }
    file_size_ = std::filesystem::file_size(file);
    errno = 0;
    handle_.reset(gzopen(file.c_str(), "rb"));  // gives the bytes of other files as they are
    if (!handle_) { fail("can't be opened: ", std::strerror(errno)); }
    gzbuffer(handle_.get(), 1U << 18);
}

std::size_t TextStream::read(char* into, std::size_t size) {
    constexpr std::size_t most = std::size_t{1} << 30;  // zlib counts in int
    errno = 0;
    int const got = gzread(handle_.get(), into, static_cast<unsigned>(std::min(size, most)));
    // A file cut short ends like a whole one; only the error state tells (Z_BUF_ERROR).
    int state = Z_OK;
    if (got <= 0) { gzerror(handle_.get(), &state); }
    if (state == Z_ERRNO) { fail("can't be read to its end: ", std::strerror(errno)); }
    if (state == Z_BUF_ERROR) { fail("the gzip data end too soon (a truncated file?)"); }
    if (got < 0 || (state != Z_OK && state != Z_STREAM_END)) { fail("the gzip data are damaged"); }
    given_ += static_cast<std::uint64_t>(got);
    if (given_ > unpacked_freely && given_ > unpacked_times * file_size_ && gzdirect(handle_.get()) == 0) {
        fail("is unpacked to more than ", unpacked_freely >> 20, " MiB and more than ", unpacked_times,
             " times its size, which no text is; less is allowed");
    }
    return static_cast<std::size_t>(got);
}

std::string read_text(std::filesystem::path const& file) {
    TextStream stream(file);
    auto const check = [&](std::uint64_t size) {
        if (size > longest_text) {
            throw core::IoError(file.string(), ": is longer than ", longest_text, " bytes, which are allowed");
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
    if (text.empty()) { throw core::IoError(file.string(), ": is empty"); }
    return text;
}

std::vector<std::string> split_documents(std::string_view text) {
    std::vector<std::string> documents;
    std::size_t begin = 0, end = 0;  // of the document that is open, without its last line end
    auto const close = [&] {
        if (begin < end) { documents.emplace_back(text.substr(begin, end - begin)); }
    };
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const stop = std::min(text.find('\n', at), text.size());
        std::size_t const line_end = stop > at && text[stop - 1] == '\r' ? stop - 1 : stop;
        if (line_end == at) {
            close();
            begin = stop + 1;
        }
        end = line_end;
        at = stop + 1;
    }
    close();
    return documents;
}

}  // namespace alignsweep::data
