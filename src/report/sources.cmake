list(APPEND PINHOLE_SOURCES
  report/account_csv.c
  report/account_json.c
  report/account_notes_text.c
  report/account_roofline.c
  report/account_text.c
  report/account_write.c
  report/cells.c)
