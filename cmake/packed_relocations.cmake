# Addresses in tables as a bitmap (DT_RELR) instead of 24 bytes each: a twentieth of the library. The
# linker and the C library must know it (binutils 2.38, glibc 2.36), so a program that needs it is run.
set(PINHOLE_LINK_SMALL "")
if(NOT CMAKE_CROSSCOMPILING)
  include(CheckCSourceRuns)
  set(CMAKE_REQUIRED_FLAGS -fPIE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -pie -Wl,-z,pack-relative-relocs -Wl,--fatal-warnings)
  check_c_source_runs("static int x; int *volatile p = &x; int main(void) { return p != &x; }"
                      PINHOLE_HAVE_PACKED_RELOCATIONS)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(PINHOLE_HAVE_PACKED_RELOCATIONS)
    set(PINHOLE_LINK_SMALL -Wl,-z,pack-relative-relocs)
  endif()
endif()
