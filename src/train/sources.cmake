list(APPEND PINHOLE_SOURCES
  train/augment.c
  train/checkpoint.c
  train/classifier.c
  train/evaluate.c
  train/gradient_memory.c
  train/gradient_path.c
  train/loss.c
  train/optimiser.c
  train/rate.c
  train/schedule.c
  train/settings.c
  train/shuffle.c
  train/tape.c
  train/tape_run.c
  train/trainer.c)
