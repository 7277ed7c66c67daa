# Headers, libraries, the tool, bosk.pc, find_package(bosk), man pages, completions, the debugger's
# printers.
include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/bosk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
if(NOT BOSK_SANITIZE)
  install(TARGETS ${bosk_library_targets} EXPORT boskTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT boskTargets NAMESPACE bosk::
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bosk)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/boskConfig.cmake.in
    ${PROJECT_BINARY_DIR}/generated/boskConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bosk)
  # Before 1.0 a minor version may change the ABI.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/boskConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/generated/boskConfig.cmake
    ${PROJECT_BINARY_DIR}/generated/boskConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bosk)
endif()

if(TARGET bosk_tool)
  install(TARGETS bosk_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

foreach(name bosk bosk-malloc)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in
    ${PROJECT_BINARY_DIR}/generated/${name}.pc @ONLY)
  if(name STREQUAL "bosk" OR TARGET bosk_malloc)
    install(FILES ${PROJECT_BINARY_DIR}/generated/${name}.pc
      DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endif()
endforeach()

file(GLOB man_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.[1-8])
foreach(page ${man_pages})
  string(REGEX MATCH "[1-8]$" section ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

set(completions ${PROJECT_SOURCE_DIR}/completions)
if(EXISTS ${completions}/bosk.bash)
  install(FILES ${completions}/bosk.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME bosk)
endif()
if(EXISTS ${completions}/_bosk)
  install(FILES ${completions}/_bosk DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
if(EXISTS ${completions}/bosk.fish)
  install(FILES ${completions}/bosk.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

# gdb loads a script that is named as the library it has opened, below auto-load.
set(gdb_script ${PROJECT_SOURCE_DIR}/gdb/bosk-gdb.py)
if(EXISTS ${gdb_script})
  install(FILES ${gdb_script} DESTINATION ${CMAKE_INSTALL_DATADIR}/bosk)
  foreach(library bosk bosk-malloc)
    install(FILES ${gdb_script}
      DESTINATION ${CMAKE_INSTALL_DATADIR}/gdb/auto-load/${CMAKE_INSTALL_FULL_LIBDIR}
      RENAME lib${library}.so.${PROJECT_VERSION}-gdb.py)
  endforeach()
endif()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
