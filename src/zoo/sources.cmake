# Texts in the order in which their networks are listed.
set(PINHOLE_ZOO
  lenet5
  alexnet
  nin-imagenet
  nin-cifar10
  nin-fashion
  vgg
  googlenet
  resnet
  resnet-cifar
  resnet8
  squeezenet
  densenet
  mobilenetv1
  mobilenetv2
  mlpconv
  inception-3a
  residual-block)
set(zoo_texts "")
foreach(name prelude ${PINHOLE_ZOO})
  list(APPEND zoo_texts ${CMAKE_CURRENT_SOURCE_DIR}/zoo/${name}.net)
endforeach()
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/zoo_texts.c
  COMMAND ${CMAKE_COMMAND} "-DTEXTS=${zoo_texts}" -DOUT=${CMAKE_CURRENT_BINARY_DIR}/zoo_texts.c
          -P ${CMAKE_CURRENT_SOURCE_DIR}/zoo/embed.cmake
  DEPENDS ${zoo_texts} ${CMAKE_CURRENT_SOURCE_DIR}/zoo/embed.cmake
  VERBATIM)
list(APPEND PINHOLE_SOURCES
  zoo/net_args.c
  zoo/net_blocks.c
  zoo/net_build.c
  zoo/net_head.c
  zoo/net_layers.c
  zoo/net_parse.c
  zoo/net_power.c
  zoo/net_run.c
  zoo/net_text.c
  zoo/zoo.c
  ${CMAKE_CURRENT_BINARY_DIR}/zoo_texts.c)
