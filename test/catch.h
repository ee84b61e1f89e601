// The one header of a C++ test: Catch2, version 2 or 3, under the names of version 3.
#ifndef DAEDALUS_TEST_CATCH_H_
#define DAEDALUS_TEST_CATCH_H_

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

using Catch::Approx;
#else
#include <catch2/catch.hpp>
#include <string>

namespace Catch::Matchers {

inline auto ContainsSubstring(const std::string& text) { return Contains(text); }

}  // namespace Catch::Matchers
#endif

namespace daedalus::test {

// Records that the running test case found nothing to test; it is then counted as skipped.
void note_skip();

}  // namespace daedalus::test

// Leaves the running TEST_CASE because this machine lacks what it needs. `reason` is anything that
// can be streamed.
#define DAEDALUS_SKIP(reason)                                             \
  do {                                                                    \
    ::daedalus::test::note_skip();                                        \
    WARN("skipped: " << reason); /* NOLINT(bugprone-macro-parentheses) */ \
    return;                                                               \
  } while (false)

#endif  // DAEDALUS_TEST_CATCH_H_
