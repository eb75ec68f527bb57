// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of the configuration: a folder of their own, and checks of error messages.
#pragma once

#include "core/error.hpp"
#include "kinds/evaluate.hpp"
#include "kinds/kinds.hpp"
#include "kinds/online.hpp"
#include "kinds/preference.hpp"
#include "kinds/reward_model.hpp"
#include "kinds/rlhf.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

namespace alignsweep::config {

using kinds::DpoConfig;
using kinds::KtoConfig;
using kinds::RewardModelConfig;
using sources::FeedbackConfig;

// The configuration of the program, with the sections of all its kinds.
inline Config defaults() { return kinds::program().defaults; }

}  // namespace alignsweep::config

namespace alignsweep::config::testing {

// A folder that exists as long as the object.
class TemporaryFolder {
public:
    TemporaryFolder() {
        static int count = 0;
        std::string const name = core::concat("alignsweep-config-", getpid(), "-", ++count);
        path_ = std::filesystem::temp_directory_path() / name;
        std::filesystem::create_directories(path_);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;

    [[nodiscard]] std::filesystem::path path() const { return path_; }
    std::filesystem::path write(std::string const& name, std::string_view text) const {
        std::filesystem::path const file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file;
    }

private:
    std::filesystem::path path_;
};

// Expects `action` to throw exactly `Expected`, in one line that holds every one of `parts`.
template <class Expected, class Action>
void expect_error(Action&& action, std::initializer_list<std::string_view> parts) {
    try {
        action();
    } catch (Expected const& error) {
        std::string const message = error.what();
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        for (std::string_view const part : parts) {
            EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is missing in: " << message;
        }
        return;
    } catch (std::exception const& error) {
        ADD_FAILURE() << "another error: " << error.what();
        return;
    }
    ADD_FAILURE() << "no error";
}

}  // namespace alignsweep::config::testing
