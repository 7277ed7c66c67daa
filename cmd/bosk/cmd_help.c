/* cmd_help.c - `bosk help`. */
#include "cmd.h"
#include "say.h"

#include <string.h>

static const char general[] =
    "Usage: bosk run [OPTIONS] -- PROGRAM [ARGUMENTS]\n"
    "       bosk help [COMMAND]\n"
    "       bosk --version\n"
    "\n"
    "bosk run starts a dynamically linked program on bosk's heap, without changing it, and tells\n"
    "afterwards how its memory grew, where it was asked for, and how long calls took.\n";

static const char run[] =
    "Usage: bosk run [OPTIONS] -- PROGRAM [ARGUMENTS]\n"
    "\n"
    "  -o, --output DIR    write summary.json and heap.pb.gz there; %p is replaced by the process\n"
    "                      id, %e by the program's name, %t by the time, %h by the host, %% by %\n"
    "                      (default: bosk.PROGRAM.PID, and the link bosk.last to it)\n"
    "      --sample SIZE   bytes between samples on average: auto (default: 16 KiB, growing to\n"
    "                      512 KiB), off, or a size such as 64K; 1 takes every call\n"
    "      --depth N       functions of a stack that are kept, 1 to 128 (default: 64)\n"
    "      --timeout S     end the program after S seconds: SIGTERM, then SIGKILL\n"
    "      --json          print summary.json on standard error instead of the report\n"
    "  -q, --quiet         print no report\n"
    "  -h, --help          this text\n"
    "\n"
    "Everything bosk prints goes to standard error.  The exit status is the program's, 128 + N\n"
    "when signal N ended it, or\n"
    "  2    wrong usage                    124  the program was ended at its time limit\n"
    "  125  bosk itself failed             126  the program cannot be run under bosk\n"
    "  127  the program was not found\n";

int cmd_help(int argc, char **argv)
{
    bool about_run = argc > 1 && strcmp(argv[1], "run") == 0;
    if (argc > 1 && !about_run && strcmp(argv[1], "help") != 0) {
        say_problem("The commands are: run, help.", NULL, "'%s' is not a command of bosk", argv[1]);
        return EXIT_USAGE;
    }
    fputs(about_run ? run : general, stdout);
    return fflush(stdout) == 0 ? 0 : EXIT_OWN;
}
