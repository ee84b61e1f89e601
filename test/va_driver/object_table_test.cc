#include "va_driver/object_table.h"

#include <memory>
#include <set>

#include "test/catch.h"

namespace daedalus::va {
namespace {

TEST_CASE("object table: ids are unique, never 0 and never VA's invalid id") {
  ObjectTable<int> table(ObjectKind::kBuffer);
  std::set<uint32_t> ids;
  for (int i = 0; i < 20'000; ++i) {
    const auto id = table.insert(std::make_shared<int>(i));
    REQUIRE(id);
    REQUIRE(*id != 0);
    REQUIRE(*id != 0xffffffffu);
    ids.insert(*id);
  }
  CHECK(ids.size() == 20'000);
  CHECK(table.size() == 20'000);
  int expected = 0;
  for (uint32_t id : ids) CHECK(*table.find(id) == expected++);
}

TEST_CASE("object table: a stale id is refused while its place is used again") {
  ObjectTable<int> table(ObjectKind::kSurface);
  const uint32_t stale = *table.insert(std::make_shared<int>(1));
  REQUIRE(*table.remove(stale) == 1);
  CHECK(table.find(stale) == nullptr);
  CHECK(table.remove(stale) == nullptr);
  for (int i = 0; i < 100'000; ++i) {
    const uint32_t id = *table.insert(std::make_shared<int>(i));
    REQUIRE(id != stale);
    REQUIRE(table.find(stale) == nullptr);
    table.remove(id);
  }
  CHECK(table.size() == 0);
}

TEST_CASE("object table: an id of another kind is refused") {
  ObjectTable<int> surfaces(ObjectKind::kSurface);
  ObjectTable<int> buffers(ObjectKind::kBuffer);
  const uint32_t surface = *surfaces.insert(std::make_shared<int>(1));
  buffers.insert(std::make_shared<int>(2));
  CHECK(buffers.find(surface) == nullptr);
  CHECK(buffers.find(0) == nullptr);
  CHECK(buffers.find(0xffffffff) == nullptr);
}

TEST_CASE("object table: an object lives on with whoever found it") {
  ObjectTable<int> table(ObjectKind::kImage);
  const uint32_t id = *table.insert(std::make_shared<int>(7));
  const auto found = table.find(id);
  table.remove(id);
  CHECK(*found == 7);
  CHECK(found.use_count() == 1);
}

TEST_CASE("object table: take_all gives back what lives and forgets every id") {
  ObjectTable<int> table(ObjectKind::kConfig);
  const uint32_t first = *table.insert(std::make_shared<int>(1));
  const uint32_t second = *table.insert(std::make_shared<int>(2));
  table.remove(first);
  const auto all = table.take_all();
  REQUIRE(all.size() == 1);
  CHECK(*all[0] == 2);
  CHECK(table.find(second) == nullptr);
  CHECK(table.size() == 0);
}

}  // namespace
}  // namespace daedalus::va
