#include "cuse_device/preload/directories.h"

#include "cuse_device/preload/node.h"

namespace daedalus::preload {

constinit Directories directories;

DIR* Directories::opened(DIR* stream) {
  if (stream == nullptr || !is_dev_directory(::dirfd(stream))) return stream;
  std::lock_guard lock(mutex_);
  if (listings_ == nullptr) listings_ = new std::map<DIR*, Listing>;
  (*listings_)[stream] = {};
  count_ = listings_->size();
  return stream;
}

dirent* Directories::next(DIR* stream) {
  if (count_ == 0) return nullptr;
  std::lock_guard lock(mutex_);
  const auto found = listings_->find(stream);
  if (found == listings_->end() || found->second.next >= nodes().size()) return nullptr;
  Listing& listing = found->second;
  describe(nodes()[listing.next++], &listing.entry);
  return &listing.entry;
}

void Directories::rewound(DIR* stream) {
  if (count_ == 0) return;
  std::lock_guard lock(mutex_);
  if (const auto found = listings_->find(stream); found != listings_->end()) found->second = {};
}

void Directories::closed(DIR* stream) {
  if (count_ == 0) return;
  std::lock_guard lock(mutex_);
  listings_->erase(stream);
  count_ = listings_->size();
}

}  // namespace daedalus::preload
