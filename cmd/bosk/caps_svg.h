/* caps_svg.h - what the pictures of `bosk caps` share: colours for light and dark, escaping, pages.
 */
#ifndef BOSK_CMD_CAPS_SVG_H
#define BOSK_CMD_CAPS_SVG_H

#include <stdio.h>

enum { SVG_COLOURS = 8 }; /* var(--s0) to var(--s7) */

/* Opens a picture, with its style, its background and its title at `left`. */
void svg_begin(FILE *f, int width, int height, int left, const char *title);
/* Text from anywhere, cleaned and escaped. */
void svg_escape(FILE *f, const char *s);
/* digit * 10^exponent: 50, 2k, 10M */
void svg_number(FILE *f, int exponent, int digit);

void svg_page_begin(FILE *f, const char *title);
void svg_page_end(FILE *f);

#endif /* BOSK_CMD_CAPS_SVG_H */
