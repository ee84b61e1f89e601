"""The project's C++ rules: the native ones with the project's warnings, and tests with Catch2's main."""

COMMON_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wextra-semi",
    "-Wnon-virtual-dtor",
    "-Wvla",
]

GCC_WARNINGS = COMMON_WARNINGS + [
    "-Wduplicated-cond",
    "-Wlogical-op",
    "-Wshadow=local",
]

CLANG_WARNINGS = COMMON_WARNINGS + [
    "-Wimplicit-fallthrough",
]

def _warnings():
    return select({
        "//tools/build:clang": CLANG_WARNINGS,
        "//conditions:default": GCC_WARNINGS,
    })

# Linker options of a shared object that must find all its symbols; under --config=fuzz clang leaves those of the
# sanitizers to the program that loads it.
NO_UNDEFINED_SYMBOLS = select({
    "//tools/build:fuzz": [],
    "//conditions:default": ["-Wl,-z,defs"],
})

# For the attribute linkstatic of tests.
LINKED_STATICALLY = select({
    "//tools/build:shared_libraries": False,
    "//conditions:default": True,
})

def daedalus_cc_library(copts = [], **kwargs):
    """cc_library with the project's warnings."""
    native.cc_library(copts = _warnings() + copts, **kwargs)

def daedalus_cc_binary(copts = [], **kwargs):
    """cc_binary (or, with linkshared, a shared object) with the project's warnings."""
    native.cc_binary(copts = _warnings() + copts, **kwargs)

def daedalus_cc_test(copts = [], deps = [], size = "small", linkstatic = LINKED_STATICALLY, **kwargs):
    """cc_test of TEST_CASEs, which include "test/catch.h"; the main function comes with it.

    Tags: `clients` for a test that starts stock programs, `full` for one too long for every run.
    """
    native.cc_test(
        copts = _warnings() + copts,
        size = size,
        linkstatic = linkstatic,
        deps = deps + ["//test:catch_main"],
        **kwargs
    )

def daedalus_kernels(name, headers = [], deps = [], test_deps = []):
    """A stage's kernels for one codec or one family of formats, and their comparison.

    NAME.h and NAME.cc (which substrate), NAME_scalar.cc, NAME_simd.cc, NAME_tables.h (what they share), NAME_test.cc.

    Args:
      name: the library, named after the codec or the formats.
      headers: further headers of its own.
      deps: what NAME.h includes beyond what all stages do.
      test_deps: what NAME_test.cc does.
    """
    daedalus_cc_library(
        name = name,
        srcs = [
            name + ".cc",
            name + "_scalar.cc",
            name + "_simd.cc",
            name + "_tables.h",
        ] + headers,
        hdrs = [name + ".h"],
        visibility = [
            "//decode_core:__subpackages__",
            "//gpu_kernels:__subpackages__",
            "//test:__subpackages__",
            "//tools:__subpackages__",
        ],
        deps = [
            "//gpu_kernels:substrate",
            "//gpu_kernels:vectors_128",
            "@libhwy",
        ] + deps,
    )
    daedalus_cc_test(
        name = name + "_test",
        srcs = [name + "_test.cc"],
        deps = [
            ":" + name,
            "//gpu_kernels:harness",
        ] + test_deps,
    )

def daedalus_fuzz_test(name, seeds, copts = [], deps = [], size = "small", **kwargs):
    """A test around LLVMFuzzerTestOneInput.

    It runs the seeds and damaged copies of them. Under --config=fuzz it is a libFuzzer program instead, which
    bazel test runs from the seeds for half a minute; for longer: bazel build --config=fuzz TARGET, then start it
    with a corpus folder.

    Args:
      name: the test.
      seeds: files that it starts from; at least one.
      copts: as in cc_test.
      deps: as in cc_test.
      size: as in cc_test.
      **kwargs: the rest goes to cc_test.
    """
    native.cc_test(
        name = name,
        args = select({
            "//tools/build:fuzz": ["-max_total_time=30"],
            "//conditions:default": [],
        }) + ["$(locations {})".format(seed) for seed in seeds],
        copts = _warnings() + copts,
        data = seeds,
        linkopts = select({
            "//tools/build:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        linkstatic = LINKED_STATICALLY,
        size = size,
        deps = deps + select({
            "//tools/build:fuzz": ["//test:fuzz_seeds"],
            "//conditions:default": ["//test:fuzz_main"],
        }),
        **kwargs
    )
