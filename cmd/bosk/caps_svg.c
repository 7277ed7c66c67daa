/* caps_svg.c - see caps_svg.h. */
#define _GNU_SOURCE
#include "caps_svg.h"

#include "say.h"

#include <string.h>

static const char style[] =
    "<style>\n"
    ".bosk{--back:#ffffff;--ink:#1d2530;--soft:#66707d;--grid:#e4e8ee;--beside:#9aa4b1;"
    "--s0:#2763c9;--s1:#d4450c;--s2:#23803a;--s3:#9332b0;--s4:#bf1f58;--s5:#0a7083;--s6:#8a6700;"
    "--s7:#4a5159}\n"
    "@media (prefers-color-scheme:dark){.bosk{--back:#14171c;--ink:#e3e8ef;--soft:#96a1b0;"
    "--grid:#2a303a;--beside:#6c7684;--s0:#74aaff;--s1:#ff9260;--s2:#68cf80;--s3:#d78dec;"
    "--s4:#ff86ab;--s5:#4ec5d9;--s6:#e2ba42;--s7:#b3bbc6}}\n"
    ".bosk text{font:13px system-ui,sans-serif;fill:var(--soft)}\n"
    ".bosk .title{font-size:19px;font-weight:600;fill:var(--ink)}\n"
    ".bosk .key{fill:var(--ink)}\n"
    ".bosk .grid{stroke:var(--grid);stroke-width:1}\n"
    ".bosk .line{fill:none;stroke-linejoin:round}\n"
    ".bosk .beside{stroke:var(--beside);stroke-width:1.3;stroke-dasharray:6 4;fill:none}\n"
    ".bosk .b1{stroke-dasharray:1.5 3}\n"
    ".bosk .mark{stroke:var(--back);stroke-width:1.2}\n"
    "</style>\n";

void svg_escape(FILE *f, const char *s)
{
    char clean[256];
    for (s = text_clean(s, clean, sizeof clean); *s != '\0'; s++) {
        if (*s == '<')
            fputs("&lt;", f);
        else if (*s == '>')
            fputs("&gt;", f);
        else if (*s == '&')
            fputs("&amp;", f);
        else if (*s == '"')
            fputs("&quot;", f);
        else
            fputc(*s, f);
    }
}

void svg_number(FILE *f, int exponent, int digit)
{
    static const char *const unit[] = {"", "k", "M", "G", "T", "P", "E"};
    unsigned e = (unsigned)exponent;
    fprintf(f, "%d%.*s%s", digit, (int)(e % 3), "00", unit[e / 3 < 7 ? e / 3 : 6]);
}

void svg_begin(FILE *f, int width, int height, int left, const char *title)
{
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"bosk\" viewBox=\"0 0 %d %d\" "
            "width=\"%d\" height=\"%d\" role=\"img\">\n<title>",
            width, height, width, height);
    svg_escape(f, title);
    fprintf(f,
            "</title>\n%s<rect width=\"%d\" height=\"%d\" rx=\"8\" style=\"fill:var(--back)\"/>\n"
            "<text class=\"title\" x=\"%d\" y=\"36\">",
            style, width, height, left);
    svg_escape(f, title);
    fputs("</text>\n", f);
}

static const char page_style[] =
    "<style>\n"
    "body{margin:0;background:#fff;color:#1d2530;font:15px system-ui,sans-serif}\n"
    "main{max-width:960px;margin:0 auto;padding:20px}\n"
    "svg{width:100%;height:auto}\n"
    "h2{font-size:17px;margin:28px 0 8px}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:3px 10px;text-align:right;border-bottom:1px solid #e4e8ee}\n"
    "th{font-weight:600;color:#66707d}\n"
    "tr.differs td{background:#fff3d6}\n"
    ".wide{overflow-x:auto}\n"
    "@media (prefers-color-scheme:dark){body{background:#14171c;color:#e3e8ef}"
    "th,td{border-color:#2a303a}th{color:#96a1b0}tr.differs td{background:#3a3115}}\n"
    "</style>\n";

void svg_page_begin(FILE *f, const char *title)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          f);
    svg_escape(f, title);
    fprintf(f, "</title>\n%s</head>\n<body>\n<main>\n", page_style);
}

void svg_page_end(FILE *f) { fputs("</main>\n</body>\n</html>\n", f); }
