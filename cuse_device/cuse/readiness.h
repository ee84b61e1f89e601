// Readiness: telling whoever started the daemon that its nodes are there.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_READINESS_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_READINESS_H_

#include "base/result.h"
#include "base/unique_fd.h"

namespace daedalus::cuse {

// Where the daemon goes to the background, the caller of it waits inside create() and never comes
// back; its exit status says whether the daemon became ready.
class Readiness {
 public:
  // Forks with `background`, so before there are threads. Connects to systemd's socket where
  // NOTIFY_SOCKET names one.
  static Result<Readiness> create(bool background);
  // Once; after it the daemon's standard streams, but for errors, are closed in the background.
  void ready();

 private:
  UniqueFd parent_;   // a byte in it: ready
  UniqueFd systemd_;  // connected
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_READINESS_H_
