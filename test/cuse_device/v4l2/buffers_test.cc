// Buffers and queues: what videobuf2 gives, errno by errno.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <cerrno>

#include "test/catch.h"
#include "test/cuse_device/v4l2/fake_stream_decoder.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {
namespace {

using Buffer = TestFile::Buffer;

UniqueFd sealed_memfd(size_t size, bool sealed = true) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(size)) == 0);
  if (sealed) REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
  return fd;
}

}  // namespace

TEST_CASE("REQBUFS: counts, capabilities, bad types and memories") {
  const auto device = fake_device();
  TestFile file(*device);
  uint32_t granted = 0;
  REQUIRE(file.request_buffers(kCapture, 0, V4L2_MEMORY_MMAP, &granted) == 0);
  REQUIRE(file.request_buffers(kCapture, 32, V4L2_MEMORY_MMAP, &granted) == 0);
  CHECK(granted == 32);
  REQUIRE(file.request_buffers(kOutput, 0xffffffff, V4L2_MEMORY_MMAP, &granted) == 0);
  CHECK(granted == 64);
  CHECK(file.request_buffers(kCapture, 1, V4L2_MEMORY_OVERLAY) == EINVAL);
  CHECK(file.request_buffers(kCapture, 1, 0) == EINVAL);
  CHECK(file.request_buffers(V4L2_BUF_TYPE_VIDEO_CAPTURE, 1) == EINVAL);
  v4l2_requestbuffers request{};
  request.type = kCapture;
  request.memory = V4L2_MEMORY_DMABUF;
  REQUIRE(file.ioctl(VIDIOC_REQBUFS, request) == 0);
  CHECK((request.capabilities & V4L2_BUF_CAP_SUPPORTS_MMAP) != 0);
  CHECK((request.capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF) != 0);
  CHECK((request.capabilities & V4L2_BUF_CAP_SUPPORTS_REQUESTS) == 0);
}

TEST_CASE("REQBUFS is bounded in memory and refused while streaming") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.set_format(kOutput, V4L2_PIX_FMT_VP9, 8192, 8192) == 0);
  uint32_t granted = 0;
  REQUIRE(file.request_buffers(kCapture, 64, V4L2_MEMORY_MMAP, &granted) == 0);
  CHECK(granted < 64);
  REQUIRE(file.request_buffers(kCapture, 0) == 0);
  REQUIRE(file.request_buffers(kOutput, 2) == 0);
  REQUIRE(file.stream(kOutput, true) == 0);
  CHECK(file.request_buffers(kOutput, 2) == EBUSY);
  CHECK(file.request_buffers(kOutput, 0) == EBUSY);
}

TEST_CASE("CREATE_BUFS adds buffers of its own size") {
  const auto device = fake_device();
  TestFile file(*device);
  v4l2_create_buffers create{};
  create.count = 2;
  create.memory = V4L2_MEMORY_MMAP;
  create.format.type = kCapture;
  REQUIRE(file.ioctl(VIDIOC_G_FMT, create.format) == 0);
  REQUIRE(file.ioctl(VIDIOC_CREATE_BUFS, create) == 0);
  CHECK(create.index == 0);
  CHECK(create.count == 2);
  const uint32_t size = create.format.fmt.pix_mp.plane_fmt[0].sizeimage;
  create.format.fmt.pix_mp.plane_fmt[0].sizeimage = size * 2;
  REQUIRE(file.ioctl(VIDIOC_CREATE_BUFS, create) == 0);
  CHECK(create.index == 2);
  Buffer third(kCapture, 2);
  REQUIRE(file.query(third) == 0);
  CHECK(third.planes[0].length == size * 2);
  create.format.fmt.pix_mp.plane_fmt[0].sizeimage = size / 2;
  CHECK(file.ioctl(VIDIOC_CREATE_BUFS, create) == EINVAL);
  create.format.fmt.pix_mp.plane_fmt[0].sizeimage = size;
  create.format.fmt.pix_mp.num_planes = 9;
  CHECK(file.ioctl(VIDIOC_CREATE_BUFS, create) == EINVAL);
  create.format.fmt.pix_mp.num_planes = 1;
  create.memory = V4L2_MEMORY_DMABUF;  // not what the queue has
  CHECK(file.ioctl(VIDIOC_CREATE_BUFS, create) == EINVAL);
  create.memory = V4L2_MEMORY_MMAP;
  create.count = 0;
  REQUIRE(file.ioctl(VIDIOC_CREATE_BUFS, create) == 0);
  CHECK(create.index == 4);
  create.count = 1000;
  REQUIRE(file.ioctl(VIDIOC_CREATE_BUFS, create) == 0);
  CHECK(create.count == 60);
  CHECK(file.ioctl(VIDIOC_CREATE_BUFS, create) == ENOBUFS);
}

TEST_CASE("QUERYBUF: indexes, plane arrays, distinct offsets that map") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.set_format(kCapture, V4L2_PIX_FMT_NV12M) == 0);
  REQUIRE(file.request_buffers(kCapture, 2) == 0);
  REQUIRE(file.request_buffers(kOutput, 2) == 0);
  std::set<uint32_t> offsets;
  for (const uint32_t type : {kOutput, kCapture}) {
    for (uint32_t i = 0; i < 2; ++i) {
      Buffer buffer(type, i);
      REQUIRE(file.query(buffer) == 0);
      CHECK(buffer.buffer.length == (type == kOutput ? 1u : 2u));
      CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_COPY);
      for (uint32_t p = 0; p < buffer.buffer.length; ++p) {
        offsets.insert(buffer.planes[p].m.mem_offset);
        CHECK(file.file().map(buffer.planes[p].m.mem_offset, buffer.planes[p].length).ok());
        CHECK_FALSE(file.file()
                        .map(buffer.planes[p].m.mem_offset, size_t{buffer.planes[p].length} + 65536)
                        .ok());
      }
    }
  }
  CHECK(offsets.size() == 6);
  CHECK_FALSE(file.file().map(uint64_t{1} << 40, 4096).ok());
  CHECK_FALSE(file.file().map(12345, 4096).ok());
  CHECK_FALSE(file.file().map(0, 0).ok());

  Buffer buffer(kCapture, 2);
  CHECK(file.query(buffer) == EINVAL);
  buffer.buffer.index = 0;
  buffer.buffer.length = 1;  // two are needed
  CHECK(file.query(buffer) == EINVAL);
  buffer.buffer.length = 0;
  CHECK(file.query(buffer) == EINVAL);
  buffer.buffer.length = 9;
  CHECK(file.query(buffer) == EINVAL);
  buffer.buffer.length = 2;
  buffer.buffer.m.planes = nullptr;
  CHECK(file.query(buffer) == EFAULT);
  buffer.buffer.m.planes = static_cast<v4l2_plane*>(bad_pointer());
  CHECK(file.query(buffer) == EFAULT);
  buffer.buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  CHECK(file.query(buffer) == EINVAL);
}

TEST_CASE("a mapped buffer says so, and its memory outlives REQBUFS(0)") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.request_buffers(kOutput, 1) == 0);
  Buffer buffer(kOutput, 0);
  REQUIRE(file.query(buffer) == 0);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_MAPPED) == 0);
  const auto range = file.map(kOutput, 0);
  REQUIRE(file.query(buffer) == 0);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_MAPPED) != 0);
  file.data(range)[0] = 1;
  REQUIRE(file.request_buffers(kOutput, 0) == 0);
  CHECK(file.data(range)[0] == 1);
}

TEST_CASE("QBUF and DQBUF: states and errnos") {
  const auto device = fake_device(0);
  TestFile file(*device);
  Buffer buffer(kOutput, 0);
  CHECK(file.queue(buffer) == EINVAL);    // no buffers
  CHECK(file.dequeue(buffer) == EINVAL);  // not streaming
  CHECK(file.stream(kOutput, true) == EINVAL);
  REQUIRE(file.request_buffers(kOutput, 2) == 0);
  buffer.buffer.memory = V4L2_MEMORY_DMABUF;
  CHECK(file.queue(buffer) == EINVAL);
  buffer.buffer.memory = V4L2_MEMORY_MMAP;
  buffer.planes[0].bytesused = 0xffffffff;
  CHECK(file.queue(buffer) == EINVAL);
  buffer.planes[0].bytesused = 10;
  buffer.planes[0].data_offset = 10;
  CHECK(file.queue(buffer) == EINVAL);
  buffer.planes[0].data_offset = 0;
  buffer.buffer.field = V4L2_FIELD_ALTERNATE;
  CHECK(file.queue(buffer) == EINVAL);
  buffer.buffer.field = V4L2_FIELD_ANY;
  buffer.buffer.flags = V4L2_BUF_FLAG_REQUEST_FD;
  CHECK(file.queue(buffer) == EBADR);
  buffer.buffer.flags = 0;
  REQUIRE(file.queue(buffer) == 0);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_QUEUED) != 0);
  CHECK(buffer.buffer.field == V4L2_FIELD_NONE);
  Buffer again(kOutput, 0);
  CHECK(file.queue(again) == EINVAL);
  again.buffer.index = 77;
  CHECK(file.queue(again) == EINVAL);

  REQUIRE(file.stream(kOutput, true) == 0);
  CHECK(file.stream(kOutput, true) == 0);
  REQUIRE(file.wait_poll(POLLOUT));
  Buffer out(kOutput, 0);
  out.buffer.length = 0;  // no room for the plane: it stays
  CHECK(file.dequeue(out) == EINVAL);
  Buffer done(kOutput, 5);
  REQUIRE(file.dequeue(done) == 0);
  CHECK(done.buffer.index == 0);
  CHECK((done.buffer.flags & (V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_QUEUED)) == 0);
  CHECK(file.dequeue(done) == EAGAIN);
  REQUIRE(file.stream(kOutput, false) == 0);
  CHECK(file.stream(kOutput, false) == 0);
  CHECK(file.dequeue(done) == EINVAL);
  CHECK(file.stream(V4L2_BUF_TYPE_VIDEO_OUTPUT, true) == EINVAL);
  CHECK(file.stream(0xffffffff, false) == EINVAL);
}

TEST_CASE("CAPTURE refuses requests as v4l2-mem2mem does") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.request_buffers(kCapture, 1) == 0);
  Buffer buffer(kCapture, 0);
  buffer.buffer.flags = V4L2_BUF_FLAG_REQUEST_FD;
  CHECK(file.queue(buffer) == EPERM);
}

TEST_CASE("PREPARE_BUF") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.request_buffers(kCapture, 1) == 0);
  Buffer buffer(kCapture, 0);
  constexpr uint32_t kCacheHints = V4L2_BUF_FLAG_NO_CACHE_INVALIDATE | V4L2_BUF_FLAG_NO_CACHE_CLEAN;
  buffer.buffer.flags = kCacheHints;
  REQUIRE(file.ioctl(VIDIOC_PREPARE_BUF, buffer.buffer) == 0);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_PREPARED) != 0);
  CHECK((buffer.buffer.flags & kCacheHints) == 0);
  Buffer again(kCapture, 0);
  CHECK(file.ioctl(VIDIOC_PREPARE_BUF, again.buffer) == EINVAL);
  REQUIRE(file.queue(again) == 0);
  CHECK(file.ioctl(VIDIOC_PREPARE_BUF, again.buffer) == EINVAL);
}

TEST_CASE("an OUTPUT buffer gets its timestamp with QBUF, prepared or not") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.request_buffers(kOutput, 2) == 0);
  Buffer buffer(kOutput, 0);
  buffer.buffer.timestamp = {7, 8};
  REQUIRE(file.ioctl(VIDIOC_PREPARE_BUF, buffer.buffer) == 0);
  CHECK(buffer.buffer.timestamp.tv_sec == 0);
  CHECK(buffer.buffer.timestamp.tv_usec == 0);
  for (const uint32_t index : {0u, 1u}) {
    buffer.buffer.index = index;
    buffer.buffer.timestamp = {9, 10};
    REQUIRE(file.queue(buffer) == 0);
    CHECK(buffer.buffer.timestamp.tv_sec == 9);
    CHECK(buffer.buffer.timestamp.tv_usec == 10);
  }
}

TEST_CASE("poll: POLLERR without buffers, POLLOUT for consumed ones") {
  const auto device = fake_device();
  TestFile file(*device);
  CHECK(file.poll() == POLLERR);
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 2) == 0);
  CHECK(file.poll() == POLLERR);
  REQUIRE(file.queue_output(0, FakePacket{0, 0, 255}.bytes()) == 0);
  REQUIRE(file.wait_poll(POLLOUT | POLLWRNORM));
  CHECK((file.poll() & (POLLIN | POLLERR)) == 0);
}

TEST_CASE("a parked DQBUF ends with STREAMOFF") {
  const auto device = fake_device();
  TestFile file(*device);
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 2) == 0);
  REQUIRE(file.start_capture(2) == 0);
  int result = 0;
  std::thread parked([&] {
    Buffer buffer(kCapture, 0);
    result = file.dequeue_blocking(buffer);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  REQUIRE(file.stream(kCapture, false) == 0);
  parked.join();
  CHECK(result == EINVAL);
}

TEST_CASE("EXPBUF gives the buffer's memory; DMABUF takes it") {
  const auto device = fake_device(0);
  TestFile exporter(*device);
  REQUIRE(exporter.start_output(V4L2_PIX_FMT_H264, 2) == 0);
  REQUIRE(exporter.request_buffers(kCapture, 2) == 0);
  v4l2_exportbuffer request{};
  request.type = kCapture;
  request.index = 1;
  request.flags = O_CLOEXEC | O_RDWR;
  REQUIRE(exporter.ioctl(VIDIOC_EXPBUF, request) == 0);
  CHECK(exporter.client().fds.count(request.fd) == 1);
  request.plane = 1;
  CHECK(exporter.ioctl(VIDIOC_EXPBUF, request) == EINVAL);
  request.plane = 0;
  request.index = 2;
  CHECK(exporter.ioctl(VIDIOC_EXPBUF, request) == EINVAL);
  request.index = 0;
  request.flags = O_NONBLOCK;
  CHECK(exporter.ioctl(VIDIOC_EXPBUF, request) == EINVAL);
  request.type = 3;
  CHECK(exporter.ioctl(VIDIOC_EXPBUF, request) == EINVAL);

  // Another stream decodes into it.
  TestFile importer(*device);
  REQUIRE(importer.start_output(V4L2_PIX_FMT_H264, 2, 640, 480) == 0);
  REQUIRE(importer.request_buffers(kCapture, 2, V4L2_MEMORY_DMABUF) == 0);
  request = {};
  request.type = kCapture;
  CHECK(importer.ioctl(VIDIOC_EXPBUF, request) == EINVAL);  // not MMAP
  importer.client().fds = std::move(exporter.client().fds);
  Buffer buffer(kCapture, 0, V4L2_MEMORY_DMABUF);
  buffer.planes[0].m.fd = 1000;
  REQUIRE(importer.queue(buffer) == 0);
  Buffer wrong(kCapture, 1, V4L2_MEMORY_DMABUF);
  wrong.planes[0].m.fd = 4;
  CHECK(importer.queue(wrong) == EINVAL);
  importer.client().fds[1] = sealed_memfd(4096);
  wrong.planes[0].m.fd = 1;  // too small
  CHECK(importer.queue(wrong) == EINVAL);
  importer.client().fds[2] = sealed_memfd(1 << 20, false);
  wrong.planes[0].m.fd = 2;  // could be cut off under our feet
  CHECK(importer.queue(wrong) == EINVAL);
  importer.client().fds[3] = sealed_memfd(1 << 20);
  wrong.planes[0].m.fd = 3;
  wrong.planes[0].length = 2 << 20;  // longer than it is
  CHECK(importer.queue(wrong) == EINVAL);

  REQUIRE(importer.stream(kCapture, true) == 0);
  REQUIRE(importer.queue_output(0, FakePacket{640, 480, 99}.bytes()) == 0);
  REQUIRE(importer.command(V4L2_DEC_CMD_STOP) == 0);
  Buffer done(kCapture, 0, V4L2_MEMORY_DMABUF);
  REQUIRE(importer.dequeue_blocking(done) == 0);
  CHECK(done.planes[0].m.fd == 1000);
  const auto range = exporter.map(kCapture, 1);
  CHECK(exporter.data(range)[0] == 99);
}

TEST_CASE("USERPTR: read at QBUF, written at DQBUF, bad pointers refused") {
  const auto device = fake_device(0);
  TestFile file(*device);
  REQUIRE(file.set_format(kOutput, V4L2_PIX_FMT_H264, 64, 48) == 0);
  const uint32_t input_size = file.format(kOutput).plane_fmt[0].sizeimage;
  const uint32_t picture_size = file.format(kCapture).plane_fmt[0].sizeimage;
  REQUIRE(file.request_buffers(kOutput, 1, V4L2_MEMORY_USERPTR) == 0);
  REQUIRE(file.request_buffers(kCapture, 1, V4L2_MEMORY_USERPTR) == 0);
  TestFile::Buffer unqueued(kCapture, 0, V4L2_MEMORY_USERPTR);
  REQUIRE(file.query(unqueued) == 0);
  CHECK(unqueued.planes[0].length == picture_size);
  std::vector<uint8_t> input(input_size);
  std::vector<uint8_t> picture(picture_size);
  const FakePacket packet{64, 48, 42};
  std::memcpy(input.data(), &packet, sizeof packet);

  Buffer capture(kCapture, 0, V4L2_MEMORY_USERPTR);
  capture.planes[0].length = picture_size - 1;
  capture.planes[0].m.userptr = reinterpret_cast<uintptr_t>(picture.data());
  CHECK(file.queue(capture) == EINVAL);
  capture.planes[0].length = picture_size;
  capture.planes[0].m.userptr = reinterpret_cast<uintptr_t>(bad_pointer());
  CHECK(file.queue(capture) == EFAULT);
  capture.planes[0].m.userptr = reinterpret_cast<uintptr_t>(picture.data());
  REQUIRE(file.queue(capture) == 0);
  Buffer output(kOutput, 0, V4L2_MEMORY_USERPTR);
  output.planes[0].length = 0xffffffff;
  output.planes[0].m.userptr = reinterpret_cast<uintptr_t>(input.data());
  CHECK(file.queue(output) == ENOMEM);
  output.planes[0].length = input_size;
  output.planes[0].bytesused = sizeof packet;
  REQUIRE(file.queue(output) == 0);
  REQUIRE(file.stream(kOutput, true) == 0);
  REQUIRE(file.stream(kCapture, true) == 0);
  REQUIRE(file.command(V4L2_DEC_CMD_STOP) == 0);
  Buffer done(kCapture, 0, V4L2_MEMORY_USERPTR);
  REQUIRE(file.dequeue_blocking(done) == 0);
  CHECK(done.planes[0].m.userptr == reinterpret_cast<uintptr_t>(picture.data()));
  CHECK(picture[47 * 64 + 63] == 42);
}

TEST_CASE("a client whose memory must be fetched first sees the same") {
  const auto device = fake_device(0);
  TestFile file(*device);
  file.client().fetch_first = true;
  REQUIRE(file.start_output(V4L2_PIX_FMT_H264, 2, 64, 48) == 0);
  REQUIRE(file.request_buffers(kCapture, 2) == 0);
  const auto retried = [&](uint32_t request, Buffer& buffer) {
    const v4l2_buffer before = buffer.buffer;
    CHECK(file.ioctl(request, buffer.buffer) == EFAULT);
    buffer.buffer = before;
    return file.ioctl(request, buffer.buffer);
  };
  Buffer capture(kCapture, 0);
  REQUIRE(retried(VIDIOC_QBUF, capture) == 0);
  Buffer output(kOutput, 0);
  output.planes[0].bytesused = sizeof(FakePacket);
  const auto packet = FakePacket{64, 48, 42};
  REQUIRE(retried(VIDIOC_QUERYBUF, output) == 0);
  const auto range = file.file().map(output.planes[0].m.mem_offset, output.planes[0].length);
  REQUIRE(range.ok());
  std::memcpy(range->memory->data(), &packet, sizeof packet);
  output.planes[0].bytesused = sizeof packet;
  output.buffer.flags = 0;
  REQUIRE(retried(VIDIOC_QBUF, output) == 0);
  REQUIRE(file.stream(kCapture, true) == 0);
  REQUIRE(file.command(V4L2_DEC_CMD_STOP) == 0);
  REQUIRE(file.wait_poll(POLLIN));
  Buffer done(kCapture, 0);
  REQUIRE(retried(VIDIOC_DQBUF, done) == 0);
  CHECK(done.planes[0].bytesused != 0);
  CHECK_FALSE(file.client().wrote_unread);
}

}  // namespace daedalus::test
