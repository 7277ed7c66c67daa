/* empty.c - keeps a library of generated sources valid while there are none. */
extern int boski_empty_translation_unit;
