# Toolchain: 64-bit Arm from another machine, with programs run under qemu-user. The libraries are
# those that scripts/test-aarch64 unpacks into build/sysroot-aarch64; C's own come with the compiler.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triplet aarch64-linux-gnu)
set(CMAKE_C_COMPILER ${triplet}-gcc)

set(sysroot ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot-aarch64)
cmake_path(NORMAL_PATH sysroot)
set(CMAKE_C_FLAGS_INIT "-isystem ${sysroot}/usr/include -isystem ${sysroot}/usr/include/${triplet}")
set(libraries ${sysroot}/usr/lib/${triplet})
foreach(kind EXE SHARED)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT "-Wl,-rpath-link,${libraries}:${sysroot}/lib/${triplet}")
endforeach()
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_FIND_ROOT_PATH ${sysroot} /usr/${triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
set(ENV{PKG_CONFIG_LIBDIR} ${libraries}/pkgconfig:${sysroot}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_PATH} "")

find_program(PINHOLE_QEMU qemu-aarch64)
if(PINHOLE_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR
    ${PINHOLE_QEMU} -L /usr/${triplet} -E LD_LIBRARY_PATH=${libraries}:${sysroot}/lib/${triplet})
endif()
