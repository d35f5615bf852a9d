# Flags for every target of ours: pinhole_flags carries them.
add_library(pinhole_flags INTERFACE)
target_compile_features(pinhole_flags INTERFACE c_std_11)
target_compile_definitions(pinhole_flags INTERFACE _GNU_SOURCE)
target_compile_options(pinhole_flags INTERFACE
  -Wall -Wextra -Wshadow -Wundef -Wwrite-strings -Wredundant-decls -Wdisabled-optimization
  -Wdouble-promotion -Wmissing-declarations -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wvla
  -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(pinhole_flags INTERFACE -Wlogical-op -Wjump-misses-init)
endif()
if(PINHOLE_WERROR)
  target_compile_options(pinhole_flags INTERFACE -Werror)
endif()
if(PINHOLE_SANITIZE)
  target_compile_options(pinhole_flags INTERFACE
    -fsanitize=${PINHOLE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(pinhole_flags INTERFACE -fsanitize=${PINHOLE_SANITIZE})
endif()
