// Parsed once for a test program of several files, where -Db_pch=true (scripts/meson/standard.hpp says what that is).
#pragma once

#include "../../scripts/meson/standard.hpp"

#include <gtest/gtest.h>
