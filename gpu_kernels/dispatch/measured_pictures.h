// The pictures that stages are measured with, one file each.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_MEASURED_PICTURES_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_MEASURED_PICTURES_H_

#include <memory>

#include "base/result.h"
#include "gpu_kernels/dispatch/costs.h"
#include "gpu_kernels/dispatch/measurement.h"

namespace daedalus::gpu_kernels {

class VulkanAv1FilmGrain;
class VulkanH264Inter;
class VulkanPack;
class VulkanSand;

// Errors: as MeasuredPicture::create(); the GPU's stages outlive the pictures.
using MeasuredPictureResult = Result<std::unique_ptr<MeasuredPicture>>;

// Packed to NV12, or of more than 8 bits to P010.
MeasuredPictureResult measured_pack(VulkanPack& gpu, const Work& work, const PictureMemory& memory);
// The same with film grain as encoders describe it.
MeasuredPictureResult measured_film_grain(VulkanAv1FilmGrain& gpu, const Work& work,
                                          const PictureMemory& memory);
// Inter prediction and the residual added to it: stages "mc" and "idct" together, of 8 bits.
MeasuredPictureResult measured_h264_inter(VulkanH264Inter& gpu, const Work& work);
// NC12 to NV12, or of more than 8 bits NC30 to P010.
MeasuredPictureResult measured_sand(VulkanSand& gpu, const Work& work, const PictureMemory& memory);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_MEASURED_PICTURES_H_
