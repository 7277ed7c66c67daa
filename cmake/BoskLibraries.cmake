# libbosk and libbosk-malloc, shared and static, from one set of objects.
#
# bosk_core holds src/, bosk_shim holds shim/.  The drop-in contains all of the runtime: with both
# libraries in a process the drop-in's names come first, and there is one heap.
#
# The kernel maps 64 KiB around each page of a library that is touched.  So what every program needs
# comes first and lies close together, and what few programs need comes last.
file(GLOB hot_sources CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/heap/*.c ${PROJECT_SOURCE_DIR}/src/os/*.c)
file(GLOB cold_sources CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/observe/*.c ${PROJECT_SOURCE_DIR}/src/gc/*.c
  ${PROJECT_SOURCE_DIR}/src/container/*.c)
set(core_sources ${hot_sources} ${cold_sources})
file(GLOB shim_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/shim/*.c)

set(CMAKE_THREAD_PREFER_PTHREAD ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

add_library(bosk_core OBJECT ${core_sources})
target_link_libraries(bosk_core PRIVATE bosk_runtime_flags)
set_target_properties(bosk_core PROPERTIES POSITION_INDEPENDENT_CODE ON)

set(bosk_map ${PROJECT_SOURCE_DIR}/cmake/bosk.map)

# Names shown to the world; link against libc alone; stay loaded, because threads keep pointers
# to our thread-local block and exit handlers of others still free.
function(bosk_shared target output)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${bosk_map})
  target_link_options(${target} PRIVATE
    -Wl,--version-script=${bosk_map} -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro -Wl,-z,now
    -Wl,--as-needed -Wl,--exclude-libs,ALL)
  target_link_libraries(${target} PRIVATE bosk_flags ${CMAKE_DL_LIBS} Threads::Threads)
endfunction()

function(bosk_usage target)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()

set(bosk_library_targets bosk bosk_static)
if(BOSK_SANITIZE)
  # -z defs would refuse the run time of the sanitizer, which only executables bring.
  add_library(bosk SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:bosk_core>)
else()
  add_library(bosk SHARED $<TARGET_OBJECTS:bosk_core>)
endif()
bosk_shared(bosk bosk)
bosk_usage(bosk)
add_library(bosk_static STATIC $<TARGET_OBJECTS:bosk_core>)
set_target_properties(bosk_static PROPERTIES OUTPUT_NAME bosk EXPORT_NAME static)
target_link_libraries(bosk_static INTERFACE ${CMAKE_DL_LIBS} Threads::Threads)
bosk_usage(bosk_static)
add_library(bosk::bosk ALIAS bosk)
add_library(bosk::static ALIAS bosk_static)

if(BOSK_BUILD_SHIM AND shim_sources)
  add_library(bosk_shim OBJECT ${shim_sources})
  target_link_libraries(bosk_shim PRIVATE bosk_runtime_flags)
  # operator new throws through these frames.
  target_compile_options(bosk_shim PRIVATE -fexceptions)
  set_target_properties(bosk_shim PROPERTIES POSITION_INDEPENDENT_CODE ON)

  add_library(bosk_malloc SHARED $<TARGET_OBJECTS:bosk_shim> $<TARGET_OBJECTS:bosk_core>)
  set_target_properties(bosk_malloc PROPERTIES EXPORT_NAME malloc)
  bosk_shared(bosk_malloc bosk-malloc)
  bosk_usage(bosk_malloc)
  add_library(bosk_malloc_static STATIC $<TARGET_OBJECTS:bosk_core> $<TARGET_OBJECTS:bosk_shim>)
  set_target_properties(bosk_malloc_static PROPERTIES OUTPUT_NAME bosk-malloc
    EXPORT_NAME malloc_static)
  target_link_libraries(bosk_malloc_static INTERFACE ${CMAKE_DL_LIBS} Threads::Threads)
  bosk_usage(bosk_malloc_static)
  add_library(bosk::malloc ALIAS bosk_malloc)
  add_library(bosk::malloc_static ALIAS bosk_malloc_static)
  list(APPEND bosk_library_targets bosk_malloc bosk_malloc_static)
endif()
