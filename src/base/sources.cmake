list(APPEND PINHOLE_SOURCES
  base/alloc.c
  base/budget.c
  base/clock.c
  base/cpu.c
  base/cpu_name.c
  base/error.c
  base/file.c
  base/format.c
  base/half.c
  base/measurements.c
  base/names.c
  base/pool.c
  base/rng.c)
