/* main.c - picks the sub-command. */
#include "cmd.h"
#include "say.h"

#include <locale.h>
#include <string.h>

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "run") == 0) return cmd_run(argc - 1, argv + 1);
    if (strcmp(name, "caps") == 0) return cmd_caps(argc - 1, argv + 1);
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return cmd_help(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("bosk %s\n", BOSK_VERSION);
        return fflush(stdout) == 0 ? 0 : EXIT_OWN;
    }
    if (name[0] == '\0')
        say_problem("Usage: bosk run [OPTIONS] -- PROGRAM [ARGUMENTS]", "More: bosk help",
                    "nothing to do");
    else
        say_problem("The commands are: run, caps, help.", "More: bosk help",
                    "'%s' is not a command of bosk", name);
    return EXIT_USAGE;
}
