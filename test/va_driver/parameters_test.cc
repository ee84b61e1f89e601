// What clients render of each codec, as the parameters and the bytes of jobs.
#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "test/catch.h"
#include "test/va_driver/driver_under_test.h"
#include "test/va_driver/h264_picture.h"
#include "test/va_driver/vp8_picture.h"

namespace daedalus::test {
namespace {

using core::FieldRole;

TEST_CASE("h264: the parameters as the kernel's control structures") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface(), reference = driver.surface();
  REQUIRE(submit_h264(driver, decoder, reference, h264_parameters(reference)) == VA_STATUS_SUCCESS);

  VAPictureParameterBufferH264 picture = h264_parameters(surface);
  picture.frame_num = 2;
  picture.CurrPic.TopFieldOrderCnt = 65'540;
  picture.CurrPic.BottomFieldOrderCnt = 65'541;
  picture.ReferenceFrames[0] = h264_picture(reference, VA_PICTURE_H264_SHORT_TERM_REFERENCE, 15);
  picture.ReferenceFrames[1] = h264_picture(12'345, VA_PICTURE_H264_LONG_TERM_REFERENCE, 3);
  picture.pic_fields.bits.entropy_coding_mode_flag = 1;
  picture.pic_fields.bits.weighted_bipred_idc = 2;
  picture.pic_init_qp_minus26 = -4;
  REQUIRE(submit_h264(driver, decoder, surface, picture, kSlice) == VA_STATUS_SUCCESS);

  const core::DecodeJob& job = driver.last_job();
  const auto& parameters = std::get<core::H264Parameters>(job.parameters);
  CHECK(parameters.sps.profile_idc == 100);
  CHECK(parameters.sps.pic_width_in_mbs_minus1 == 3);
  CHECK(parameters.sps.pic_height_in_map_units_minus1 == 3);
  CHECK(parameters.sps.max_num_ref_frames == 4);
  CHECK((parameters.sps.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) != 0);
  CHECK(parameters.pps.flags == V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE);
  CHECK(parameters.pps.weighted_bipred_idc == 2);
  CHECK(parameters.pps.pic_init_qp_minus26 == -4);
  CHECK(parameters.decode.nal_ref_idc == 2);
  CHECK(parameters.decode.flags == 0);
  CHECK(parameters.decode.frame_num == 2);
  CHECK(parameters.decode.top_field_order_cnt == 65'540);
  CHECK(parameters.decode.dpb[0].flags ==
        (V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE));
  CHECK(parameters.decode.dpb[0].fields == V4L2_H264_FRAME_REF);
  CHECK(static_cast<int32_t>(parameters.decode.dpb[0].pic_num) == -1);  // wrapped: 15 of 16
  CHECK((parameters.decode.dpb[1].flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM) != 0);
  CHECK(parameters.decode.dpb[2].flags == 0);
  CHECK(job.field == FieldRole::kFrame);
  REQUIRE(job.references.size() == 16);
  CHECK(job.references[0] == driver.session().job(0).target);
  CHECK(job.references[1] == nullptr);  // no such surface
  CHECK(slice_bytes(job, 0) == std::vector<uint8_t>(kSlice.begin(), kSlice.end()));
}

TEST_CASE("h264: the entries of the reference list have no gaps") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  const std::array<VASurfaceID, 2> known = {driver.surface(), driver.surface()};
  for (const VASurfaceID reference : known) {
    REQUIRE(submit_h264(driver, decoder, reference, h264_parameters(reference)) ==
            VA_STATUS_SUCCESS);
  }
  VAPictureParameterBufferH264 picture = h264_parameters(surface);
  picture.ReferenceFrames[1] = h264_picture(known[0], VA_PICTURE_H264_SHORT_TERM_REFERENCE, 1);
  picture.ReferenceFrames[15] = h264_picture(known[1], VA_PICTURE_H264_LONG_TERM_REFERENCE, 3);
  REQUIRE(submit_h264(driver, decoder, surface, picture, kSlice) == VA_STATUS_SUCCESS);

  const core::DecodeJob& job = driver.last_job();
  const auto& dpb = std::get<core::H264Parameters>(job.parameters).decode.dpb;
  CHECK(dpb[0].frame_num == 1);
  CHECK((dpb[1].flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM) != 0);
  for (size_t i = 2; i < std::size(dpb); ++i) CHECK(dpb[i].flags == 0);
  REQUIRE(job.references.size() == 16);
  for (size_t i = 0; i < job.references.size(); ++i) {
    CHECK(job.references[i] == (i < 2 ? driver.session().job(i).target : nullptr));
  }
}

TEST_CASE("h264: two fields of one frame are two jobs of one picture") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264Main);
  const VASurfaceID surface = driver.surface(), other = driver.surface();
  const auto top = h264_parameters(surface, VA_PICTURE_H264_TOP_FIELD);
  auto bottom = h264_parameters(surface, VA_PICTURE_H264_BOTTOM_FIELD);
  bottom.ReferenceFrames[0] =
      h264_picture(surface, VA_PICTURE_H264_TOP_FIELD | VA_PICTURE_H264_SHORT_TERM_REFERENCE);
  REQUIRE(submit_h264(driver, decoder, surface, top) == VA_STATUS_SUCCESS);
  REQUIRE(submit_h264(driver, decoder, surface, bottom, kSlice) == VA_STATUS_SUCCESS);
  FakeSession& session = driver.session();
  CHECK(session.job(0).field == FieldRole::kFirstField);
  CHECK(session.job(1).field == FieldRole::kSecondField);
  CHECK(session.job(1).target == session.job(0).target);
  CHECK(session.job(1).references[0] == session.job(0).target);
  const auto& second = std::get<core::H264Parameters>(session.job(1).parameters);
  CHECK(second.decode.dpb[0].fields == V4L2_H264_TOP_FIELD_REF);
  CHECK(second.decode.flags ==
        (V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC | V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD));
  CHECK(second.sps.pic_height_in_map_units_minus1 == 1);

  // The frame is whole: the next field begins another one, on the same surface too.
  REQUIRE(submit_h264(driver, decoder, surface, top) == VA_STATUS_SUCCESS);
  CHECK(session.job(2).field == FieldRole::kFirstField);
  CHECK(session.job(2).target != session.job(0).target);
  // A field of the same parity, or on another surface, is no second one.
  REQUIRE(submit_h264(driver, decoder, surface, top) == VA_STATUS_SUCCESS);
  CHECK(session.job(3).field == FieldRole::kFirstField);
  REQUIRE(submit_h264(driver, decoder, other,
                      h264_parameters(other, VA_PICTURE_H264_BOTTOM_FIELD)) == VA_STATUS_SUCCESS);
  CHECK(session.job(4).field == FieldRole::kFirstField);
}

TEST_CASE("h264: scaling lists only where they are not flat") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  VAIQMatrixBufferH264 matrix;
  std::fill_n(&matrix.ScalingList4x4[0][0], 96, uint8_t{16});
  std::fill_n(&matrix.ScalingList8x8[0][0], 128, uint8_t{16});
  const bool flat = GENERATE(true, false);
  if (!flat) matrix.ScalingList8x8[1][63] = 40;
  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  REQUIRE(driver.render(
              decoder,
              {driver.parameters(decoder, VAPictureParameterBufferType, h264_parameters(surface)),
               driver.parameters(decoder, VAIQMatrixBufferType, matrix),
               driver.parameters(decoder, VASliceParameterBufferType, h264_slice(kIdr.size())),
               driver.buffer(decoder, VASliceDataBufferType, kIdr.data(), kIdr.size())}) ==
          VA_STATUS_SUCCESS);
  REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);
  const auto& parameters = std::get<core::H264Parameters>(driver.last_job().parameters);
  CHECK((parameters.pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT) == (flat ? 0 : 0x80));
  CHECK(int{parameters.scaling_matrix.scaling_list_8x8[1][63]} == (flat ? 16 : 40));
  CHECK(parameters.decode.flags == V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC);
}

TEST_CASE("h264: a picture has the kinds of all its slices") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  constexpr uint32_t kP = V4L2_H264_DECODE_PARAM_FLAG_PFRAME;
  constexpr uint32_t kB = V4L2_H264_DECODE_PARAM_FLAG_BFRAME;
  using Types = std::array<uint8_t, 2>;  // table 7-6
  const auto [types, flags] = GENERATE_COPY(table<Types, uint32_t>({{{2, 2}, 0},
                                                                    {{7, 9}, 0},
                                                                    {{2, 0}, kP},
                                                                    {{5, 5}, kP},
                                                                    {{3, 4}, kP},
                                                                    {{6, 7}, kB},
                                                                    {{0, 1}, kP | kB}}));
  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  REQUIRE(driver.render(decoder, {driver.parameters(decoder, VAPictureParameterBufferType,
                                                    h264_parameters(surface))}) ==
          VA_STATUS_SUCCESS);
  for (const uint8_t type : types) {
    VASliceParameterBufferH264 slice = h264_slice(kSlice.size());
    slice.slice_type = type;
    REQUIRE(driver.render(decoder, {driver.parameters(decoder, VASliceParameterBufferType, slice),
                                    driver.buffer(decoder, VASliceDataBufferType, kSlice.data(),
                                                  kSlice.size())}) == VA_STATUS_SUCCESS);
  }
  REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);
  CHECK(std::get<core::H264Parameters>(driver.last_job().parameters).decode.flags == flags);
}

TEST_CASE("hevc: what a flag that is off would control is left out") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileHEVCMain);
  const VASurfaceID surface = driver.surface();
  const std::array<uint8_t, 6> nal = {0x26, 1, 0xaf, 1, 2, 3};
  const auto submit = [&](const VAPictureParameterBufferHEVC& picture) {
    VASliceParameterBufferHEVC slice{};
    slice.slice_data_size = nal.size();
    REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
    REQUIRE(driver.render(
                decoder, {driver.parameters(decoder, VAPictureParameterBufferType, picture),
                          driver.parameters(decoder, VASliceParameterBufferType, slice),
                          driver.buffer(decoder, VASliceDataBufferType, nal.data(), nal.size())}) ==
            VA_STATUS_SUCCESS);
    REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);
    return std::get<core::HevcParameters>(driver.last_job().parameters);
  };
  VAPictureParameterBufferHEVC picture{};
  picture.CurrPic.picture_id = surface;
  for (auto& reference : picture.ReferenceFrames) reference.flags = VA_PICTURE_HEVC_INVALID;
  picture.pic_width_in_luma_samples = picture.pic_height_in_luma_samples = 64;
  picture.pic_fields.bits.chroma_format_idc = 1;
  // ffmpeg's 0 minus 1 and 0 minus 3.
  picture.pcm_sample_bit_depth_luma_minus1 = picture.pcm_sample_bit_depth_chroma_minus1 = 255;
  picture.log2_min_pcm_luma_coding_block_size_minus3 = 253;
  core::HevcParameters parameters = submit(picture);
  CHECK(parameters.sps.pcm_sample_bit_depth_luma_minus1 == 0);
  CHECK(parameters.sps.pcm_sample_bit_depth_chroma_minus1 == 0);
  CHECK(parameters.sps.log2_min_pcm_luma_coding_block_size_minus3 == 0);
  CHECK(parameters.pps.flags == 0);

  picture.pic_fields.bits.pcm_enabled_flag = 1;
  picture.pcm_sample_bit_depth_luma_minus1 = 7;
  picture.pps_tc_offset_div2 = -1;
  parameters = submit(picture);
  CHECK(parameters.sps.pcm_sample_bit_depth_luma_minus1 == 7);
  CHECK(parameters.sps.log2_min_pcm_luma_coding_block_size_minus3 == 253);
  CHECK(parameters.pps.flags == V4L2_HEVC_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT);
}

TEST_CASE("av1: what was not coded is what the standard infers, whatever the client says") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileAV1Profile0);
  const std::array<VASurfaceID, 3> surfaces = {driver.surface(), driver.surface(),
                                               driver.surface()};
  const std::vector<uint8_t> data(16);
  VADecPictureParameterBufferAV1 picture{};
  picture.frame_width_minus1 = picture.frame_height_minus1 = 63;
  auto& sequence = picture.seq_info_fields.fields;
  sequence.subsampling_x = sequence.subsampling_y = sequence.enable_order_hint = 1;
  picture.order_hint_bits_minus_1 = 3;
  picture.pic_info_fields.bits.show_frame = 1;
  picture.tile_cols = picture.tile_rows = 1;
  std::fill(std::begin(picture.ref_frame_map), std::end(picture.ref_frame_map), VA_INVALID_ID);
  const auto submit = [&](size_t surface, uint8_t order_hint) {
    picture.current_frame = picture.current_display_picture = surfaces[surface];
    picture.order_hint = order_hint;
    VASliceParameterBufferAV1 tile{};
    tile.slice_data_size = static_cast<uint32_t>(data.size());
    REQUIRE(driver.begin(decoder, surfaces[surface]) == VA_STATUS_SUCCESS);
    REQUIRE(
        driver.render(decoder, {driver.parameters(decoder, VAPictureParameterBufferType, picture),
                                driver.parameters(decoder, VASliceParameterBufferType, tile),
                                driver.buffer(decoder, VASliceDataBufferType, data.data(),
                                              data.size())}) == VA_STATUS_SUCCESS);
    REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);
    return std::get<core::Av1Parameters>(driver.last_job().parameters).frame;
  };
  picture.base_qindex = 1;
  picture.loop_filter_info_fields.bits.mode_ref_delta_enabled = 1;
  v4l2_ctrl_av1_frame frame = submit(0, 1);
  CHECK(frame.loop_filter.flags == V4L2_AV1_LOOP_FILTER_FLAG_DELTA_ENABLED);
  CHECK(frame.tile_info.tile_size_bytes == 0);
  picture.pic_info_fields.bits.allow_intrabc = 1;
  CHECK(submit(1, 3).loop_filter.flags == 0);
  picture.pic_info_fields.bits.allow_intrabc = 0;
  picture.base_qindex = 0;  // lossless
  CHECK(submit(1, 3).loop_filter.flags == 0);

  // Between the two: a backward and a forward reference.
  picture.pic_info_fields.bits.frame_type = V4L2_AV1_INTER_FRAME;
  for (size_t i = 0; i < std::size(picture.ref_frame_map); ++i) {
    picture.ref_frame_map[i] = surfaces[i % 2];
  }
  for (size_t i = 0; i < std::size(picture.ref_frame_idx); ++i) {
    picture.ref_frame_idx[i] = static_cast<uint8_t>(i % 2);
  }
  frame = submit(2, 2);
  CHECK((frame.flags & V4L2_AV1_FRAME_FLAG_SKIP_MODE_ALLOWED) == 0);
  CHECK(frame.skip_mode_frame[0] == 0);
  picture.mode_control_fields.bits.reference_select = 1;
  frame = submit(2, 2);
  CHECK((frame.flags & V4L2_AV1_FRAME_FLAG_SKIP_MODE_ALLOWED) != 0);
  CHECK(frame.skip_mode_frame[0] == V4L2_AV1_REF_LAST_FRAME);
  CHECK(frame.skip_mode_frame[1] == V4L2_AV1_REF_LAST2_FRAME);
}

TEST_CASE("av1: tiles that share bytes or are too many are refused before they are copied") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileAV1Profile0);
  const VASurfaceID surface = driver.surface();
  VADecPictureParameterBufferAV1 picture{};
  picture.frame_width_minus1 = picture.frame_height_minus1 = 63;
  picture.current_frame = picture.current_display_picture = surface;
  picture.seq_info_fields.fields.subsampling_x = picture.seq_info_fields.fields.subsampling_y = 1;
  picture.pic_info_fields.bits.show_frame = 1;
  picture.tile_cols = 1;
  picture.tile_rows = 2;
  std::fill(std::begin(picture.ref_frame_map), std::end(picture.ref_frame_map), VA_INVALID_ID);
  const std::vector<uint8_t> data(64);
  const auto submit = [&](std::vector<uint32_t> sizes) {
    std::vector<VASliceParameterBufferAV1> tiles(sizes.size());
    for (size_t i = 0; i < sizes.size(); ++i) {
      tiles[i].slice_data_size = sizes[i];
      tiles[i].tile_row = static_cast<uint16_t>(i);
    }
    const VAStatus begun = driver.begin(decoder, surface);
    if (begun != VA_STATUS_SUCCESS) return begun;
    const VAStatus status = driver.render(
        decoder, {driver.parameters(decoder, VAPictureParameterBufferType, picture),
                  driver.buffer(decoder, VASliceParameterBufferType, tiles.data(), sizeof tiles[0],
                                static_cast<unsigned>(tiles.size())),
                  driver.buffer(decoder, VASliceDataBufferType, data.data(), data.size())});
    return status ? status : driver.end(decoder);
  };
  CHECK(submit({32, 32}) == VA_STATUS_SUCCESS);
  CHECK(submit({32, 33}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({64, 64}) == VA_STATUS_ERROR_INVALID_PARAMETER);
  CHECK(submit({8, 8, 8}) == VA_STATUS_ERROR_INVALID_PARAMETER);
}

TEST_CASE("slices: several in a buffer, parts of one in several, and a start code too many") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileH264High);
  const VASurfaceID surface = driver.surface();
  std::vector<uint8_t> data(64);
  std::iota(data.begin(), data.end(), uint8_t{0x41});
  const std::vector<uint8_t> annex_b = {0, 0, 0, 1, 0x41, 0x77};
  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  REQUIRE(driver.render(decoder, {driver.parameters(decoder, VAPictureParameterBufferType,
                                                    h264_parameters(surface))}) ==
          VA_STATUS_SUCCESS);
  auto two = std::array{h264_slice(10, 0), h264_slice(5, 20)};
  two[1].num_ref_idx_l0_active_minus1 = 3;
  REQUIRE(driver.render(
              decoder,
              {driver.buffer(decoder, VASliceParameterBufferType, two.data(), sizeof two[0], 2),
               driver.buffer(decoder, VASliceDataBufferType, data.data(), 64)}) ==
          VA_STATUS_SUCCESS);
  const auto part = [&](uint32_t size, uint32_t offset, uint32_t flag) {
    return driver.render(decoder, {driver.parameters(decoder, VASliceParameterBufferType,
                                                     h264_slice(size, offset, flag)),
                                   driver.buffer(decoder, VASliceDataBufferType, data.data(), 64)});
  };
  REQUIRE(part(3, 1, VA_SLICE_DATA_FLAG_BEGIN) == VA_STATUS_SUCCESS);
  REQUIRE(part(2, 8, VA_SLICE_DATA_FLAG_MIDDLE) == VA_STATUS_SUCCESS);
  REQUIRE(part(1, 30, VA_SLICE_DATA_FLAG_END) == VA_STATUS_SUCCESS);
  REQUIRE(driver.render(
              decoder,
              {driver.parameters(decoder, VASliceParameterBufferType, h264_slice(annex_b.size())),
               driver.buffer(decoder, VASliceDataBufferType, annex_b.data(), annex_b.size())}) ==
          VA_STATUS_SUCCESS);
  REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);

  const core::DecodeJob& job = driver.last_job();
  REQUIRE(job.slices.size() == 4);
  CHECK(slice_bytes(job, 0) == std::vector<uint8_t>(data.begin(), data.begin() + 10));
  CHECK(slice_bytes(job, 1) == std::vector<uint8_t>(data.begin() + 20, data.begin() + 25));
  CHECK(slice_bytes(job, 2) ==
        std::vector<uint8_t>{data[1], data[2], data[3], data[8], data[9], data[30]});
  CHECK(slice_bytes(job, 3) == std::vector<uint8_t>{0x41, 0x77});
  const auto& parameters = std::get<core::H264Parameters>(job.parameters);
  REQUIRE(parameters.slice_reference_counts_minus1.size() == 4);
  CHECK(int{parameters.slice_reference_counts_minus1[1][0]} == 3);
}

TEST_CASE("vp8: the frame begins with its tag, whether the client sends it or not") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileVP8Version0_3);
  const VASurfaceID surface = driver.surface();
  std::array<uint8_t, 26> whole{};
  std::iota(whole.begin() + 10, whole.end(), uint8_t{0x80});
  const uint32_t offset = GENERATE(0u, 10u);
  const uint8_t* data = whole.data() + 10 - offset;
  REQUIRE(driver.begin(decoder, surface) == VA_STATUS_SUCCESS);
  REQUIRE(
      driver.render(
          decoder,
          {driver.parameters(decoder, VAPictureParameterBufferType, vp8_picture_parameters()),
           driver.parameters(decoder, VASliceParameterBufferType, vp8_slice_parameters(16, offset)),
           driver.buffer(decoder, VASliceDataBufferType, data, 16 + offset)}) == VA_STATUS_SUCCESS);
  REQUIRE(driver.end(decoder) == VA_STATUS_SUCCESS);
  // RFC 6386 9.1: a key frame, version 0, shown, a first partition of 5 + 3 bytes; 64x64.
  const std::array<uint8_t, 10> tag = {0x10, 0x01, 0x00, 0x9d, 0x01, 0x2a, 64, 0, 64, 0};
  std::copy(tag.begin(), tag.end(), whole.begin());
  CHECK(slice_bytes(driver.last_job(), 0) == std::vector<uint8_t>(whole.begin(), whole.end()));
}

TEST_CASE("mpeg2: matrices stay in force until others are loaded; fields pair") {
  DriverUnderTest driver;
  const VAContextID decoder = driver.decoder(VAProfileMPEG2Main);
  const VASurfaceID surface = driver.surface();
  const std::array<uint8_t, 8> slice = {0, 0, 1, 1, 0x12, 0x34, 0x56, 0x78};
  VAPictureParameterBufferMPEG2 picture{};
  picture.horizontal_size = 64;
  picture.vertical_size = 64;
  picture.forward_reference_picture = VA_INVALID_SURFACE;
  picture.backward_reference_picture = VA_INVALID_SURFACE;
  picture.picture_coding_type = 1;
  picture.f_code = 0x1234;
  VAIQMatrixBufferMPEG2 matrix{};
  const auto submit = [&](uint32_t structure, bool with_matrix) {
    picture.picture_coding_extension.bits.picture_structure = structure;
    VASliceParameterBufferMPEG2 parameters{};
    parameters.slice_data_size = slice.size();
    if (VAStatus status = driver.begin(decoder, surface)) return status;
    std::vector<VABufferID> buffers = {
        driver.parameters(decoder, VAPictureParameterBufferType, picture)};
    if (with_matrix) buffers.push_back(driver.parameters(decoder, VAIQMatrixBufferType, matrix));
    buffers.push_back(driver.parameters(decoder, VASliceParameterBufferType, parameters));
    buffers.push_back(driver.buffer(decoder, VASliceDataBufferType, slice.data(), slice.size()));
    if (VAStatus status = driver.render(decoder, buffers)) return status;
    return driver.end(decoder);
  };
  const auto last = [&]() -> const core::Mpeg2Parameters& {
    return std::get<core::Mpeg2Parameters>(driver.last_job().parameters);
  };

  REQUIRE(submit(3, false) == VA_STATUS_SUCCESS);
  CHECK(int{last().quantisation.intra_quantiser_matrix[0]} == 8);
  CHECK(int{last().quantisation.intra_quantiser_matrix[63]} == 83);
  CHECK(int{last().quantisation.non_intra_quantiser_matrix[5]} == 16);
  CHECK(int{last().picture.f_code[0][0]} == 1);
  CHECK(int{last().picture.f_code[1][1]} == 4);
  CHECK(driver.last_job().field == FieldRole::kFrame);

  matrix.load_non_intra_quantiser_matrix = 1;
  matrix.non_intra_quantiser_matrix[5] = 99;
  REQUIRE(submit(1, true) == VA_STATUS_SUCCESS);
  CHECK(driver.last_job().field == FieldRole::kFirstField);
  const auto first = driver.last_job().target;
  picture.picture_coding_type = 2;
  REQUIRE(submit(2, false) == VA_STATUS_SUCCESS);
  CHECK(driver.last_job().field == FieldRole::kSecondField);
  CHECK(driver.last_job().target == first);
  CHECK(int{last().quantisation.non_intra_quantiser_matrix[5]} == 99);
  CHECK(int{last().quantisation.intra_quantiser_matrix[0]} == 8);

  picture.picture_coding_type = 7;
  CHECK(submit(3, false) == VA_STATUS_ERROR_INVALID_PARAMETER);
  picture.picture_coding_type = 1;
  CHECK(submit(0, false) == VA_STATUS_ERROR_INVALID_PARAMETER);
}

}  // namespace
}  // namespace daedalus::test
