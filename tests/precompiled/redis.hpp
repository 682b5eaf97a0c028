// As gtest.hpp, for programs whose every file includes this as well.
#pragma once

#include "../redis/redis.hpp"
#include "gtest.hpp"
