/* caps_draw.h - the way of an expression to its memory, as a graph for mermaid or dot. */
#ifndef BOSK_CMD_CAPS_DRAW_H
#define BOSK_CMD_CAPS_DRAW_H

#include "caps_judge.h"

/* `format` is CAPS_MERMAID or CAPS_DOT; draw_verdict comes once for each group, with its number. */
void draw_begin(FILE *f, enum caps_format format, const char *expression);
void draw_verdict(FILE *f, enum caps_format format, unsigned number, const struct caps_group *group,
                  const struct verdict *v);
void draw_end(FILE *f, enum caps_format format);

#endif /* BOSK_CMD_CAPS_DRAW_H */
