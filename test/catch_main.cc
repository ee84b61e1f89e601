// main() of every Catch2 test. Beside Catch2's own report it writes one JUnit <testcase> for each
// TEST_CASE to $XML_OUTPUT_FILE (which Bazel sets), so that ./dev test can count cases rather than
// programs.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "test/catch.h"

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using Listener = Catch::EventListenerBase;
const std::string& name_of(const Catch::TestCaseStats& stats) { return stats.testInfo->name; }
bool skipped_by_catch(const Catch::TestCaseStats& stats) {
  return stats.totals.testCases.skipped > 0;
}
#else
using Listener = Catch::TestEventListenerBase;
const std::string& name_of(const Catch::TestCaseStats& stats) { return stats.testInfo.name; }
bool skipped_by_catch(const Catch::TestCaseStats&) { return false; }
#endif

struct CaseResult {
  std::string name;
  bool failed = false;
  bool skipped = false;
};

bool g_skip_noted = false;

std::string xml_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

void write_junit(const char* path, const std::vector<CaseResult>& results) {
  std::ofstream out(path);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"catch2\">\n";
  for (const CaseResult& result : results) {
    out << "<testcase name=\"" << xml_escaped(result.name) << "\">";
    if (result.failed) out << "<failure message=\"see test.log\"/>";
    if (result.skipped && !result.failed) out << "<skipped/>";
    out << "</testcase>\n";
  }
  out << "</testsuite>\n</testsuites>\n";
}

class JunitListener : public Listener {
 public:
  using Listener::Listener;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    Listener::testCaseStarting(info);
    g_skip_noted = false;
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    Listener::testCaseEnded(stats);
    const bool failed = stats.totals.testCases.failed > 0;
    results_.push_back({name_of(stats), failed, g_skip_noted || skipped_by_catch(stats)});
  }

  void testRunEnded(const Catch::TestRunStats& stats) override {
    Listener::testRunEnded(stats);
    if (const char* path = std::getenv("XML_OUTPUT_FILE")) write_junit(path, results_);
  }

 private:
  std::vector<CaseResult> results_;
};

CATCH_REGISTER_LISTENER(JunitListener)

}  // namespace

namespace daedalus::test {

void note_skip() { g_skip_noted = true; }

}  // namespace daedalus::test

int main(int argc, char** argv) {
  std::vector<const char*> arguments(argv, argv + argc);
  // bazel test --test_filter=SPEC
  if (const char* filter = std::getenv("TESTBRIDGE_TEST_ONLY")) arguments.push_back(filter);
#if !__has_include(<catch2/catch_all.hpp>)
  // Version 3 fails by itself when no test case was chosen.
  arguments.insert(arguments.end(), {"--warn", "NoTests"});
#endif
  return Catch::Session().run(static_cast<int>(arguments.size()), arguments.data());
}
