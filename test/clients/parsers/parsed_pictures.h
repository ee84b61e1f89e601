// ParsedPictures: the pictures of tools/parsed_stream as those of a client.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_PARSED_PICTURES_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_PARSED_PICTURES_H_

#include <cstdint>
#include <map>
#include <memory>

#include "decode_core/picture.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

// Of one stream. Not thread-safe.
class ParsedPictures {
 public:
  using Theirs = std::shared_ptr<core::Picture>;

  // The same one while `theirs` lives.
  PicturePtr of(const Theirs& theirs) {
    Known& known = known_[theirs->id()];
    if (!known.picture) known = {theirs, pictures_.make()};
    return known.picture;
  }
  // From now on `other` is the same picture as `theirs`.
  void join(const Theirs& theirs, const Theirs& other) {
    known_[other->id()] = {other, of(theirs)};
  }
  // Of a reference that may be null.
  uint64_t timestamp_of(const Theirs& theirs) {
    return theirs ? of(theirs)->timestamp : pictures_.unused_timestamp();
  }
  // Lets go of those that the parser let go of.
  void forget() {
    std::erase_if(known_, [](const auto& entry) { return entry.second.theirs.expired(); });
  }

 private:
  struct Known {
    std::weak_ptr<core::Picture> theirs;
    PicturePtr picture;
  };
  PictureSource pictures_;
  std::map<uint64_t, Known> known_;  // by core::Picture::id
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_PARSED_PICTURES_H_
