// Report: what daedalus doctor found.
#ifndef DAEDALUS_TOOLS_DAEDALUS_DOCTOR_REPORT_H_
#define DAEDALUS_TOOLS_DAEDALUS_DOCTOR_REPORT_H_

#include <cstdio>
#include <string>

namespace daedalus::tool {

// Findings, in the order of the chain from program to pixels; the first that is wrong decides which
// command is advised.
class Report {
 public:
  void good(const std::string& text) { std::printf("  ok    %s\n", text.c_str()); }
  void bad(const std::string& text, const std::string& remedy) {
    std::printf("  WRONG %s\n", text.c_str());
    if (remedy_.empty()) remedy_ = remedy;
    ++wrong_;
  }
  void note(const std::string& text) { std::printf("        %s\n", text.c_str()); }
  int finish() const {
    if (wrong_ == 0) {
      std::puts("\nDaedalus is ready: programs decode through it as said above.");
      return 0;
    }
    std::printf("\n%d thing%s wrong; begin with:\n  %s\n", wrong_, wrong_ == 1 ? " is" : "s are",
                remedy_.c_str());
    return 1;
  }

 private:
  int wrong_ = 0;
  std::string remedy_;
};

// Hardware decoders: each device, what it accepts, and which backend each codec uses and why.
void check_hardware(Report& report);

// V4L2: the library of `daedalus run`, CUSE, the daemon, its nodes and its sockets.
void check_v4l2(Report& report);

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_DOCTOR_REPORT_H_
