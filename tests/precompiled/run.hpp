// As gtest.hpp, for programs whose every file includes this as well.
#pragma once

#include "../sqlite/run.hpp"
#include "gtest.hpp"
