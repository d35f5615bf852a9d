list(APPEND PINHOLE_SOURCES
  data/cifar.c
  data/dataset.c
  data/gz_file.c
  data/idx.c
  data/npy.c)
