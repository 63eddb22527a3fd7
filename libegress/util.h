/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_UTIL_H
#define EGRESS_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What the process has too little of, which its caller may have seen to: no reason to let anybody pass. */
static inline bool util_is_scarce(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* Cleanup attributes: one owner a resource. */
#define AUTO_FREE __attribute__((cleanup(util_freep)))
#define AUTO_CLOSE __attribute__((cleanup(util_closep)))

/* Saves errno: cleanup runs between a failure and the use of its errno. */
static inline void util_freep(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

static inline void util_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline int util_steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Room for one more item in an owned array, whose address ITEMS is. -ENOMEM. */
static inline int util_grow(void *items, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return 0;
	grown = reallocarray(*(void **)items, more, size);
	if (!grown)
		return -ENOMEM;
	*(void **)items = grown;
	*room = more;
	return 0;
}

#define util_steal(pointer)                                                                        \
	__extension__({                                                                            \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#endif
