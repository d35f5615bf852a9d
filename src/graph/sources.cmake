list(APPEND PINHOLE_SOURCES
  graph/account.c
  graph/attr.c
  graph/build.c
  graph/check.c
  graph/infer.c
  graph/names.c
  graph/tensor.c
  graph/view.c)
