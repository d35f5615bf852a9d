list(APPEND PINHOLE_SOURCES
  graph/account.c
  graph/attr.c
  graph/build.c
  graph/check.c
  graph/copy.c
  graph/fold.c
  graph/infer.c
  graph/infer_inputs.c
  graph/loop.c
  graph/names.c
  graph/scores.c
  graph/sum_to.c
  graph/tensor.c
  graph/trace.c
  graph/view.c)
