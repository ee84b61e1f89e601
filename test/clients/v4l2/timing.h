// Timing: how long each request took.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_TIMING_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_TIMING_H_

#include <string>
#include <vector>

namespace daedalus::v4l2_client {

class Timing {
 public:
  void add(double milliseconds) { samples_.push_back(milliseconds); }
  // "mean 1.234 p50 … p99 … min … max … ms"; of the p-th percentile the nearest rank.
  std::string text() const;

 private:
  std::vector<double> samples_;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_TIMING_H_
