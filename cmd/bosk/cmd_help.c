/* cmd_help.c - `bosk help`. */
#include "cmd.h"
#include "say.h"

#include <string.h>

static const char general[] =
    "Usage: bosk run [OPTIONS] -- PROGRAM [ARGUMENTS]\n"
    "       bosk caps WHAT [OPTIONS]\n"
    "       bosk help [COMMAND]\n"
    "       bosk --version\n"
    "\n"
    "bosk run starts a dynamically linked program on bosk's heap, without changing it, and tells\n"
    "afterwards how its memory grew, where it was asked for, and how long calls took.\n"
    "\n"
    "bosk caps shows how Go's slices grow and what its allocator makes of a request, for each\n"
    "version and architecture, without Go.\n";

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

static const char caps[] =
    "Usage: bosk caps slice [OPTIONS]              the capacities that appends climb\n"
    "       bosk caps size N... [OPTIONS]          the block that serves N bytes\n"
    "       bosk caps classes [OPTIONS]            all size classes\n"
    "       bosk caps struct 'FIELDS' [OPTIONS]    offsets, gaps, and the best order of fields\n"
    "       bosk caps explain 'EXPRESSION' [OPTIONS]\n"
    "                                              stack or heap, which block, by which limit\n"
    "       bosk caps advise N [OPTIONS]           which capacity to begin with for N elements\n"
    "       bosk caps map [OPTIONS]                when maps grow, and what that costs\n"
    "       bosk caps asm [WHAT...] [OPTIONS]      what compilers make of slices\n"
    "\n"
    "      --elem T        the element: a type of Go such as 'struct{a int; b *T}', or its bytes\n"
    "                      (default: int)\n"
    "      --ptr           of a size: it holds pointers\n"
    "      --go VERSION    1.15 to 1.26, several with commas, or all (default: 1.22)\n"
    "      --arch ARCH     amd64, arm64, 386, arm, several with commas, or all\n"
    "                      (default: this one)\n"
    "      --rule RULE     a rule of growth: x2, x1.5, threshold=256,add=25% (slice, advise)\n"
    "      --from CAP      begin with a full slice of this capacity (slice; default: 0)\n"
    "      --append K      elements at a time (slice; default: 1)\n"
    "      --to N          until so many elements are there (slice, map; default: 10000)\n"
    "      --key K         type of the keys (map; default: int)\n"
    "      --val V         type of the values (map; default: int)\n"
    "      --hint N        made for so many entries (map; default: 0)\n"
    "      --load L        with --rule threshold: a table that doubles above this load (map;\n"
    "                      default: 0.75)\n"
    "      --capacity N    slots that it begins with (map; default: 16)\n"
    "      --steps         the evacuation of a bucket map, write by write (map)\n"
    "      --seed N        of its hash (map; default: 1)\n"
    "      --json          the answer as JSON\n"
    "      --csv           the answer as CSV, a row for each version and architecture\n"
    "      --svg           a picture of capacity over length (slice), of bytes an entry (map)\n"
    "      --html          a page with the picture and the tables (slice, map)\n"
    "      --mermaid       a diagram for mermaid (explain)\n"
    "      --dot           a diagram for graphviz (explain)\n"
    "      --compiler C    gcc or clang alone (asm; default: both, if they are there)\n"
    "      --include DIR   where bosk/slice.h is (asm; default: beside the tool)\n"
    "      --toolchain GO  this Go instead of the one on PATH, or none (asm)\n"
    "  -o, --output FILE   write there instead of to standard output\n"
    "  -h, --help          this text\n"
    "\n"
    "The exit status is 0, 2 for wrong input, or 125 when the answer could not be written or no\n"
    "compiler was found.\n";

int cmd_help(int argc, char **argv)
{
    const char *about = argc > 1 ? argv[1] : "help";
    bool is_run = strcmp(about, "run") == 0, is_caps = strcmp(about, "caps") == 0;
    if (!is_run && !is_caps && strcmp(about, "help") != 0) {
        say_problem("The commands are: run, caps, help.", NULL, "'%s' is not a command of bosk",
                    argv[1]);
        return EXIT_USAGE;
    }
    fputs(is_run ? run : is_caps ? caps : general, stdout);
    return fflush(stdout) == 0 ? 0 : EXIT_OWN;
}
