# cmake --install: library, header, pkg-config file, CMake package, program, man page.
include(CMakePackageConfigHelpers)
set(PINHOLE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/pinhole)

install(TARGETS pinhole_shared pinhole_static EXPORT pinhole
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/pinhole/pinhole.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pinhole)
install(EXPORT pinhole NAMESPACE pinhole:: DESTINATION ${PINHOLE_CMAKE_DIR}
  FILE pinhole-targets.cmake)

# relative, so that cmake --install --prefix and moved trees work
file(RELATIVE_PATH PINHOLE_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(cmake/pinhole.pc.in pinhole.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pinhole.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(cmake/pinhole-config.cmake.in pinhole-config.cmake
  INSTALL_DESTINATION ${PINHOLE_CMAKE_DIR})
write_basic_package_version_file(pinhole-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/pinhole-config.cmake ${PROJECT_BINARY_DIR}/pinhole-config-version.cmake
  DESTINATION ${PINHOLE_CMAKE_DIR})

if(PINHOLE_BUILD_CLI)
  install(TARGETS pinhole_cli DESTINATION ${CMAKE_INSTALL_BINDIR})
  # what 'pinhole classify' takes without --model; found from the program's own place
  install(FILES models/nin-fashion.onnx DESTINATION ${CMAKE_INSTALL_DATADIR}/pinhole/models)
  install(FILES docs/pinhole.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
