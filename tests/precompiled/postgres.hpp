// As gtest.hpp, for programs whose every file includes this as well.
#pragma once

#include "../postgres/database.hpp"
#include "gtest.hpp"
