"""Vulkan: headers and the loader that is opened at run time (@volk//:volk), and shaders as constants."""

load("//tools/build:daedalus.bzl", "daedalus_cc_library", "daedalus_cc_test")

_VOLK = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "volk",
    defines = ["VK_NO_PROTOTYPES"],
    linkopts = ["-ldl"],
)
"""

_MISSING = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "volk",
    srcs = [":missing"],
)

genrule(
    name = "missing",
    outs = ["volk_is_missing.cc"],
    cmd = "echo 'no volk.h or vulkan.h: install libvulkan-dev and libvulkan-volk-dev or run ./dev setup, " +
          "then: bazel sync --configure' >&2; exit 1",
)
"""

def _volk_impl(ctx):
    # Headers alone, under /usr/include: the same for every architecture.
    there = ctx.path("/usr/include/volk.h").exists and ctx.path("/usr/include/vulkan/vulkan.h").exists
    ctx.file("BUILD.bazel", _VOLK if there else _MISSING)

volk = repository_rule(
    implementation = _volk_impl,
    local = True,
    configure = True,
)

# Of tests that use the device on the CPU: it leaves nothing behind and takes no more cores than others.
TEST_GPU = {
    "LP_NUM_THREADS": "2",
    "MESA_SHADER_CACHE_DISABLE": "true",
}

def daedalus_vulkan_test(name, size = "medium", data = [], deps = [], **kwargs):
    """A daedalus_cc_test that uses the device on the CPU, and as NAME_validated once more, watched by the validation layer.

    Its devices are made with test_options() of test_device.h. Sanitizers would see nothing more in the second run, and
    the layer is slow under them: tag `clients` keeps it out.

    Args:
      name: the test.
      size: as in cc_test.
      data: as in cc_test.
      deps: as in cc_test; the device comes with it.
      **kwargs: the rest goes to daedalus_cc_test.
    """
    daedalus_cc_test(
        name = name,
        size = size,
        data = data,
        env = TEST_GPU,
        deps = deps + ["//gpu_kernels/vulkan:test_device"],
        **kwargs
    )
    native.sh_test(
        name = name + "_validated",
        size = size,
        srcs = [name],
        data = data,
        env = dict(TEST_GPU, DAEDALUS_TEST_VALIDATION = "1"),
        tags = ["clients"],
    )

def daedalus_shaders(name, shaders, headers = [], visibility = None):
    """Compute shaders, compiled, optimized and validated, as arrays of SPIR-V words in the header NAME.h.

    foo_bar.comp becomes daedalus::gpu_kernels::shaders::foo_bar; NAME_modules are the files of SPIR-V. The optimizer is
    what unrolls loops marked [[unroll]]; without it the V3D's compiler keeps arrays in memory.

    Args:
      name: the library.
      shaders: the sources, NAME.comp each.
      headers: what they include, beside them.
      visibility: of the library.
    """
    modules = []
    for shader in shaders:
        module = shader[:-len(".comp")] + ".spv"
        native.genrule(
            name = module + "_module",
            srcs = [shader] + headers,
            outs = [module],
            cmd = " && ".join([
                "glslangValidator --quiet -V --target-env vulkan1.1 -o $@.raw $(location %s)" % shader,
                "spirv-opt --target-env=vulkan1.1 -O $@.raw -o $@",
                "spirv-val --target-env vulkan1.1 $@",
                "rm $@.raw",
            ]),
            message = "Compiling the shader",
        )
        modules.append(module)
    native.filegroup(
        name = name + "_modules",
        srcs = modules,
        visibility = visibility,
    )
    native.genrule(
        name = name + "_header",
        srcs = modules,
        outs = [name + ".h"],
        cmd = """{
            echo "// Generated from shaders; see tools/build/vulkan.bzl."
            echo "#pragma once"
            echo "#include <cstdint>"
            echo "namespace daedalus::gpu_kernels::shaders {"
            for module in $(SRCS); do
                echo "inline constexpr uint32_t $$(basename $$module .spv)[] = {"
                od -An -v -tx4 -w32 $$module | sed -E 's/([0-9a-f]{8})/0x\\1,/g'
                echo "};"
            done
            echo "}  // namespace"
        } > $@""",
    )
    daedalus_cc_library(
        name = name,
        hdrs = [name + ".h"],
        visibility = visibility,
    )
