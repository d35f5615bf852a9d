list(APPEND PINHOLE_SOURCES
  image/exif.c
  image/image.c
  image/image_read.c
  image/image_tensor.c
  image/jpeg.c
  image/labels.c
  image/png.c
  image/prep.c
  image/prep_text.c
  image/resize.c
  image/resize_weights.c)
