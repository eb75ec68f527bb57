// SPDX-License-Identifier: Apache-2.0
#include "store/publish.hpp"

#include "core/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace alignsweep::store {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_mark = ".alignsweep-tmp-";

[[noreturn]] void fail(fs::path const& file, char const* what, int error) {
    throw core::IoError(file.string(), ": ", what, ": ", std::strerror(error));
}

// An open file descriptor that is closed and whose file is removed unless it was kept.
class Temporary {
public:
    explicit Temporary(fs::path const& target) : target_(target) {
        static std::atomic<unsigned> counter{0};
        // O_EXCL settles collisions: leftovers of a killed process, or the same pid on another node of the cluster.
        do {
            name_ = target.parent_path() /
                    core::concat('.', target.filename().string(), temporary_mark, ::getpid(), '-', counter++);
            descriptor_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        } while (descriptor_ < 0 && errno == EEXIST);
        if (descriptor_ < 0) { fail(target, "can't be written", errno); }
    }
    ~Temporary() {
        if (descriptor_ >= 0) { ::close(descriptor_); }
        if (!name_.empty()) { ::unlink(name_.c_str()); }
    }
    Temporary(Temporary const&) = delete;
    Temporary& operator=(Temporary const&) = delete;

    void write(std::span<std::byte const> bytes) const {
        while (!bytes.empty()) {
            ssize_t const written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) { continue; }
            if (written < 0) { fail(target_, "writing failed", errno); }
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
    }

    void rename_to_target() {
        if (::fsync(descriptor_) != 0) { fail(target_, "fsync failed", errno); }
        // Network file systems report a full disk or quota as late as here.
        if (::close(std::exchange(descriptor_, -1)) != 0) { fail(target_, "closing failed", errno); }
        if (::rename(name_.c_str(), target_.c_str()) != 0) { fail(target_, "renaming failed", errno); }
        name_.clear();
    }

private:
    fs::path target_;
    fs::path name_;
    int descriptor_ = -1;
};

void sync_folder(fs::path const& file) {
    fs::path const folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    int const descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) { fail(folder, "can't be opened", errno); }
    int const error = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    // Some file systems can't sync a folder and say so; the rename is then as durable as it gets.
    if (error != 0 && error != EINVAL && error != ENOTSUP) { fail(folder, "fsync failed", error); }
}

}  // namespace

void publish_bytes(fs::path const& file, std::span<std::byte const> bytes) {
    Temporary temporary(file);
    temporary.write(bytes);
    temporary.rename_to_target();
    sync_folder(file);
}

void write_text_atomically(fs::path const& file, std::string_view text) {
    publish_bytes(file, std::as_bytes(std::span(text.data(), text.size())));
}

void remove_temporaries(fs::path const& folder) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().filename().string().find(temporary_mark) != std::string::npos) {
            std::error_code gone;  // another clean-up may have been faster
            fs::remove(entry->path(), gone);
        }
    }
    if (error) { throw core::IoError(folder.string(), ": can't be listed: ", error.message()); }
}

}  // namespace alignsweep::store
