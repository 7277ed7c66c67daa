/* caps.c - `bosk caps`: picks what is to be explained. */
#include "caps.h"

#include "cmd.h"

#include <stdarg.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"slice", caps_slice},   {"size", caps_size},       {"classes", caps_classes},
    {"struct", caps_struct}, {"explain", caps_explain}, {"advise", caps_advise},
    {"asm", caps_asm},       {"map", caps_map},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

int caps_wrong(const char *name, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    char said[512], clean[512];
    vsnprintf(said, sizeof said, text, args);
    va_end(args);
    fprintf(stderr, "bosk: caps %s%s%s\n", name, name[0] != '\0' ? ": " : "",
            text_clean(said, clean, sizeof clean));
    return EXIT_USAGE;
}

static int unknown(const char *name)
{
    char clean[64];
    if (name[0] == '\0')
        fputs("bosk: caps: say what to show: ", stderr);
    else
        fprintf(stderr, "bosk: caps: '%s' is nothing that can be shown; there are ",
                text_clean(name, clean, sizeof clean));
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stderr, "%s%s", i == 0 ? "" : ", ", commands[i].name);
    fputs("; more: bosk help caps\n", stderr);
    return EXIT_USAGE;
}

int cmd_caps(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        char *help[] = {argv[0], (char *)"caps", NULL};
        return cmd_help(2, help);
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    return unknown(name);
}
