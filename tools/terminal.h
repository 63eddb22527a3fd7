/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESSCTL_TERMINAL_H
#define EGRESSCTL_TERMINAL_H

/*
 * On a terminal that root types at, the calling process, and all that it starts, may not type: what it puts into the
 * terminal's input would be run by root's shell. Of TIOCSTI and TIOCLINUX comes EIO then, as from kernels that are
 * built without. Nothing happens where there is no terminal. 0 or a negative errno; -EINVAL: a kernel without filters.
 */
int terminal_shut(void);

#endif
