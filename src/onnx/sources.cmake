# onnx.pb-c.{c,h} are made from our own minimal onnx.proto.
find_program(PROTOC_C protoc-c REQUIRED)
set(onnx_pb ${CMAKE_CURRENT_BINARY_DIR}/onnx/onnx.pb-c)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/onnx)
add_custom_command(
  OUTPUT ${onnx_pb}.c ${onnx_pb}.h
  COMMAND ${PROTOC_C} --proto_path=${CMAKE_CURRENT_SOURCE_DIR}
          --c_out=${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/onnx/onnx.proto
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/onnx/onnx.proto
  VERBATIM)
# generated code is not held to our warnings
set_source_files_properties(${onnx_pb}.c PROPERTIES COMPILE_OPTIONS "-w")

list(APPEND PINHOLE_SOURCES
  ${onnx_pb}.c
  onnx/inline.c
  onnx/onnx_read.c
  onnx/onnx_tensor.c
  onnx/onnx_write.c
  onnx/onnx_sparse.c
  onnx/pb_arena.c
  onnx/pb_scan.c
  onnx/pb_thin.c)
