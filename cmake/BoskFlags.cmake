# How everything is compiled, as interface libraries, each on top of the one before:
# bosk_warnings; bosk_tool_flags adds sanitizers and coverage; bosk_flags adds the internal headers;
# bosk_runtime_flags is for code that runs inside other people's processes.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# The presets with sanitizers leave BOSK_WERROR off: warnings that follow the flow of values are not
# reliable there, and every other build has them as errors.
add_library(bosk_warnings INTERFACE)
target_compile_options(bosk_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow $<$<COMPILE_LANGUAGE:C>:-Wconversion>
  $<$<BOOL:${BOSK_WERROR}>:-Werror>)

add_library(bosk_tool_flags INTERFACE)
target_link_libraries(bosk_tool_flags INTERFACE bosk_warnings)
# The valgrind of Debian 12 cannot read what clang 14 writes by default.
target_compile_options(bosk_tool_flags INTERFACE
  $<$<AND:$<C_COMPILER_ID:Clang>,$<CONFIG:Debug,RelWithDebInfo>>:-gdwarf-4>)

add_library(bosk_flags INTERFACE)
target_link_libraries(bosk_flags INTERFACE bosk_tool_flags)
target_include_directories(bosk_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
# Stacks of samples go through tests too, and on arm frames have tables only when asked for.
target_compile_options(bosk_flags INTERFACE -funwind-tables)
target_compile_definitions(bosk_flags INTERFACE
  BOSKI_ASSERT_LEVEL=${BOSK_ASSERT_LEVEL} $<$<BOOL:${BOSK_HOSTILE}>:BOSKI_HOSTILE=1>)

if(BOSK_SANITIZE STREQUAL "undefined")
  # Traps, so that no run time is needed and the drop-in can still be preloaded.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 13)
    set(sanitize -fsanitize=undefined -fsanitize-undefined-trap-on-error)
  else()
    set(sanitize -fsanitize=undefined -fsanitize-trap=all)
  endif()
  target_compile_options(bosk_tool_flags INTERFACE ${sanitize} -fno-sanitize-recover=all)
elseif(BOSK_SANITIZE)
  target_compile_options(bosk_tool_flags INTERFACE
    -fsanitize=${BOSK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(bosk_tool_flags INTERFACE -fsanitize=${BOSK_SANITIZE})
endif()
if(BOSK_COVERAGE)
  target_compile_options(bosk_tool_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(bosk_tool_flags INTERFACE --coverage)
endif()

# No call of ours may go through a PLT, be interposed, or carry markers for a shadow stack that
# cost an instruction; and the compiler must not turn our code into calls of malloc itself.
add_library(bosk_runtime_flags INTERFACE)
target_link_libraries(bosk_runtime_flags INTERFACE bosk_flags)
target_compile_options(bosk_runtime_flags INTERFACE
  -fvisibility=hidden -ftls-model=initial-exec -fno-plt -fno-semantic-interposition
  -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
  -fasynchronous-unwind-tables)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86|AMD64")
  target_compile_options(bosk_runtime_flags INTERFACE -fcf-protection=none)
endif()
