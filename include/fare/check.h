#pragma once

namespace fare {

// What a failed FARE_CHECK tells: where it stands and which condition did not hold.
struct CheckFailure {
  const char* file;
  int line;
  const char* condition;
};

// Called once for a failed check, before the process aborts.  It may log, flush or throw (a test
// does); if it returns, the process aborts all the same.
using CheckHandler = void (*)(const CheckFailure& failure);

// Replaces the handler and returns the one before it; null restores the default, which prints one
// line to stderr.  Thread-safe.
CheckHandler set_check_handler(CheckHandler handler);

[[noreturn]] void check_failed(const CheckFailure& failure);

}  // namespace fare

// Holds in every build: a false condition is a defect of the program, never of its input.
#define FARE_CHECK(condition)                          \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::fare::check_failed({__FILE__, __LINE__, #condition}))
