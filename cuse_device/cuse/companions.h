// Companions: the daemon's end of what clients' companions ask for.
#ifndef DAEDALUS_CUSE_DEVICE_CUSE_COMPANIONS_H_
#define DAEDALUS_CUSE_DEVICE_CUSE_COMPANIONS_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cuse_device/cuse/companion_protocol.h"
#include "cuse_device/v4l2/open_file.h"

namespace daedalus::cuse {

// Open files that companions can reach, by token. Thread-safe; outlives the files.
class Companions {
 public:
  // A listening socket at `path`, in a folder that is made where there is none, for who may open
  // the nodes: the group `video`. Needs root, before the sandbox.
  static Result<UniqueFd> listen(const std::string& path);

  // `request_node`: the path of a node with a RequestDevice; empty: there are no requests.
  Companions(UniqueFd listening, std::string path, std::string request_node);
  ~Companions();
  Companions(const Companions&) = delete;
  Companions& operator=(const Companions&) = delete;

  // Starts to answer.
  void start();
  // `file`, which tells its token by kCompanionIoctl and knows the descriptors that the companion
  // sends. `user` opened it: nobody else's companion is answered.
  std::unique_ptr<v4l2::OpenFile> wrap(std::unique_ptr<v4l2::OpenFile> file, uid_t user);

 private:
  class File;
  // How a file is reached while it is open.
  struct Entry {
    std::mutex mutex;
    File* file = nullptr;
    uid_t user = 0;
  };
  void run();
  void accept_one(std::vector<UniqueFd>* connections) const;
  void serve(int connection);
  Answer answer(const Question& question, uid_t user, UniqueFd received, UniqueFd* sent);
  int new_request(Entry& media, const Token& handle, uid_t user);
  Answer know_request(Entry& video, const Token& handle, uid_t user);
  // Null: wrong, or somebody else's.
  std::shared_ptr<Entry> find(const Token& token, uid_t user);
  void forget(const Token& token);

  const UniqueFd listening_;
  const std::string path_;
  const std::string request_node_;
  UniqueFd stop_;  // eventfd
  std::mutex mutex_;
  std::map<Token, std::shared_ptr<Entry>> entries_;
  std::thread thread_;
};

}  // namespace daedalus::cuse

#endif  // DAEDALUS_CUSE_DEVICE_CUSE_COMPANIONS_H_
