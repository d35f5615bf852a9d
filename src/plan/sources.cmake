list(APPEND PINHOLE_SOURCES
  plan/bands.c
  plan/chain.c
  plan/fuse.c
  plan/measure.c
  plan/pack.c
  plan/peak.c
  plan/place.c
  plan/plan.c
  plan/plan_account.c
  plan/plan_steps.c
  plan/portions.c
  plan/rewrite.c
  plan/run.c
  plan/survey.c
  plan/slices.c
  plan/strides.c
  plan/wanted.c)
