list(APPEND PINHOLE_SOURCES
  data/cifar.c
  data/dataset.c
  data/idx.c
  data/npy.c)
