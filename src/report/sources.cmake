list(APPEND PINHOLE_SOURCES
  report/account_csv.c
  report/account_json.c
  report/account_notes_text.c
  report/account_roofline.c
  report/account_text.c
  report/account_write.c
  report/cells.c
  report/measurements_json.c
  report/pair_csv.c
  report/pair_json.c
  report/pair_make.c
  report/pair_text.c)
