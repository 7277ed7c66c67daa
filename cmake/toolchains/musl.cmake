# musl on the machine's own architecture, by the compiler wrapper that its package brings.
#
# The wrapper sees musl's headers only, and musl has none of the kernel's: a folder of links brings
# those, and nothing else of the system's C library, into sight.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER musl-gcc)
set(kernel_headers ${CMAKE_BINARY_DIR}/kernel-headers)
if(NOT EXISTS ${kernel_headers}/linux)
  execute_process(COMMAND gcc -print-multiarch OUTPUT_VARIABLE multiarch
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(MAKE_DIRECTORY ${kernel_headers})
  file(CREATE_LINK /usr/include/linux ${kernel_headers}/linux SYMBOLIC)
  file(CREATE_LINK /usr/include/asm-generic ${kernel_headers}/asm-generic SYMBOLIC)
  file(CREATE_LINK /usr/include/${multiarch}/asm ${kernel_headers}/asm SYMBOLIC)
endif()
set(CMAKE_C_FLAGS_INIT "-idirafter ${kernel_headers}")
