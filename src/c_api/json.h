// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Explanations, campaigns and reviews as JSON. Tested by  tests/c_api/json_test.cc

#ifndef DISTILLWATCH_SRC_C_API_JSON_H_
#define DISTILLWATCH_SRC_C_API_JSON_H_

#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/campaign.h"
#include "distillwatch/verdict.h"

namespace distillwatch::c_api {

// A JSON string of any bytes: what is not UTF-8 becomes U+FFFD, byte by byte.
std::string Quoted(std::string_view bytes);
// The shortest number that reads as the same double; null when it is not finite.
std::string Number(double value);
std::string Json(const Explanation& explanation);
std::string Json(const std::vector<Campaign>& campaigns);
std::string Json(const Review& review);

}  // namespace distillwatch::c_api

#endif  // DISTILLWATCH_SRC_C_API_JSON_H_
