/* SPDX-License-Identifier: ISC */
#ifndef FRAME_H
#define FRAME_H

/*
 * A command's main() as a call in another process: what would end the process ends the
 * call, and what a process has for itself is put back as it was.
 */

typedef int frame_main(int argc, char **argv);

/*
 * The exit status of main(argc, argv). A signal that ended the call is raised again
 * once the process handles signals as before: it decides what that means.
 */
int frame_run(frame_main *command, int argc, char **argv);

#endif
