# cmake --install: bin/tapemill, its libraries beside it in lib/tapemill (the tree may be moved), what users read and
# edit in share/tapemill, and a package for find_package(Tapemill).
include(CMakePackageConfigHelpers)
set(libraries lib/tapemill)

if(TARGET tapemill)
  install(TARGETS tapemill tapemill_program RUNTIME DESTINATION bin)
  set_target_properties(tapemill_program PROPERTIES INSTALL_RPATH "$ORIGIN/../${libraries}")
endif()
file(GLOB arrow_libraries ${ARROW_WHEEL_ROOT}/lib*.so.${ARROW_WHEEL_SOVERSION})
install(FILES ${arrow_libraries} ${TAPEMILL_DEPS}/duckdb/lib/libduckdb.so DESTINATION ${libraries})

foreach(folder datasets calendars graphs strategies rules)
  if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION share/tapemill)
  endif()
endforeach()
install(DIRECTORY ${TAPEMILL_DEPS}/data DESTINATION share/tapemill)
install(FILES LICENSE NOTICE THIRD_PARTY.md DESTINATION share/doc/tapemill)

get_property(stages GLOBAL PROPERTY TAPEMILL_STAGES)
foreach(stage IN LISTS stages)
  set_target_properties(tapemill_${stage} PROPERTIES EXPORT_NAME ${stage})
  install(TARGETS tapemill_${stage} EXPORT Tapemill ARCHIVE DESTINATION ${libraries})
endforeach()
install(TARGETS duckdb_header EXPORT Tapemill)
install(EXPORT Tapemill NAMESPACE Tapemill:: FILE TapemillTargets.cmake DESTINATION lib/cmake/Tapemill)
install(DIRECTORY src/ DESTINATION include/tapemill FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${ARROW_WHEEL_INCLUDE}/ DESTINATION include/tapemill/third_party)
configure_package_config_file(cmake/TapemillConfig.cmake.in ${CMAKE_BINARY_DIR}/TapemillConfig.cmake
                              INSTALL_DESTINATION lib/cmake/Tapemill)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/TapemillConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/TapemillConfig.cmake ${CMAKE_BINARY_DIR}/TapemillConfigVersion.cmake
              cmake/ArrowWheel.cmake DESTINATION lib/cmake/Tapemill)
