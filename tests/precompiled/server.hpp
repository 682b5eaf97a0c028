// As gtest.hpp, for programs whose every file includes this as well.
#pragma once

#include "../server/running_server.hpp"
#include "gtest.hpp"
