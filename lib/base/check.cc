#include "fare/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace fare {
namespace {

void print_failure(const CheckFailure& failure) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", failure.file, failure.line, failure.condition);
}

std::atomic<CheckHandler> handler_in_use{&print_failure};

}  // namespace

CheckHandler set_check_handler(CheckHandler handler) {
  return handler_in_use.exchange(handler == nullptr ? &print_failure : handler);
}

void check_failed(const CheckFailure& failure) {
  handler_in_use.load()(failure);
  std::abort();
}

}  // namespace fare
