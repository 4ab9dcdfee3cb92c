#pragma once
#include <spawn.h>
#include <sys/socket.h>

// Of glibc's GNU part, which Swift's Glibc module leaves out.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
extern int pipe2(int ends[2], int flags);
extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
