# The bosk tool.  bosk_tool_core is everything but main, so that tests and fuzz targets can link it.
file(GLOB tool_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmd/bosk/*.c)
file(GLOB tool_protos CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmd/bosk/*.proto)
if(NOT tool_sources)
  return()
endif()

find_package(PkgConfig REQUIRED)
pkg_check_modules(TOOL_DEPS REQUIRED IMPORTED_TARGET
  libprotobuf-c>=1.3 zlib libdw>=0.170 libelf jansson>=2.12)

set(generated ${PROJECT_BINARY_DIR}/generated/cmd)
set(proto_sources "")
foreach(proto ${tool_protos})
  find_program(PROTOC_C NAMES protoc-c REQUIRED)
  get_filename_component(stem ${proto} NAME_WE)
  get_filename_component(dir ${proto} DIRECTORY)
  file(MAKE_DIRECTORY ${generated})
  add_custom_command(OUTPUT ${generated}/${stem}.pb-c.c ${generated}/${stem}.pb-c.h
    COMMAND ${PROTOC_C} --c_out=${generated} --proto_path=${dir} ${proto}
    DEPENDS ${proto} VERBATIM)
  list(APPEND proto_sources ${generated}/${stem}.pb-c.c)
endforeach()
# What a generator wrote is not ours to warn about.
add_library(bosk_tool_proto OBJECT ${proto_sources} ${PROJECT_SOURCE_DIR}/cmake/empty.c)
target_link_libraries(bosk_tool_proto PRIVATE PkgConfig::TOOL_DEPS)
target_include_directories(bosk_tool_proto PRIVATE ${generated})

set(tool_main ${PROJECT_SOURCE_DIR}/cmd/bosk/main.c)
list(REMOVE_ITEM tool_sources ${tool_main})
add_library(bosk_tool_core STATIC EXCLUDE_FROM_ALL
  ${tool_sources} $<TARGET_OBJECTS:bosk_tool_proto>)
add_dependencies(bosk_tool_core bosk_tool_proto)
# The layer rule: the tool sees the public headers only.
target_include_directories(bosk_tool_core PUBLIC
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/cmd/bosk)
target_include_directories(bosk_tool_core SYSTEM PUBLIC ${generated})
target_compile_definitions(bosk_tool_core PUBLIC
  BOSK_INSTALL_LIBDIR="${CMAKE_INSTALL_FULL_LIBDIR}")
# Of the library only the pure functions of growth.h are used, so nothing of the heap is linked in.
target_link_libraries(bosk_tool_core
  PUBLIC PkgConfig::TOOL_DEPS bosk_static m ${CMAKE_DL_LIBS} PRIVATE bosk_tool_flags)

if(EXISTS ${tool_main})
  add_executable(bosk_tool ${tool_main})
  set_target_properties(bosk_tool PROPERTIES OUTPUT_NAME bosk)
  target_link_libraries(bosk_tool PRIVATE bosk_tool_core bosk_tool_flags)
endif()

# `bosk caps asm` looks for the headers beside itself, as they are installed.
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include SYMBOLIC)
