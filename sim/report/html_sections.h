#pragma once

#include <string>  // std::string.
#include <vector>  // std::vector.

#include "study/report.h"  // Report.

namespace routesim {

// The parts of the HTML report that are about money, each as finished HTML.

// What the policies are called here: their names, with a letter where a policy is compared with
// itself.  Plain text.
std::vector<std::string> policy_labels(const Report& report);

// The answer as pictures: what each policy costs by model, and the difference against zero.
std::string answer_section(const Report& report);

// Every dollar by model and meter, class and tenant, to the last digit.
std::string money_section(const Report& report);

}  // namespace routesim
