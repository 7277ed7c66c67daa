/* cmd.h - the sub-commands of the tool.  Each returns the exit status. */
#ifndef BOSK_CMD_CMD_H
#define BOSK_CMD_CMD_H

int cmd_run(int argc, char **argv);
int cmd_caps(int argc, char **argv);
int cmd_help(int argc, char **argv);

#endif /* BOSK_CMD_CMD_H */
