#pragma once
#include <spawn.h>

// Of glibc's GNU part, which Swift's Glibc module leaves out.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
extern int pipe2(int ends[2], int flags);
