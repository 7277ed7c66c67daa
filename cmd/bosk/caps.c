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
};
#define COMMANDS (sizeof commands / sizeof commands[0])

int caps_wrong(const char *name, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    fprintf(stderr, "bosk: caps %s%s", name, name[0] != '\0' ? ": " : "");
    vfprintf(stderr, text, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

static int unknown(const char *name)
{
    fprintf(stderr, "bosk: caps: '%s' is nothing that can be shown; there are ", name);
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
