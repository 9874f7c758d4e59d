/* Keeps a copy of every SQLite file that a program writes, as it was at its last sync: what a power cut leaves in the
   worst case. The copy is beside the file and has the suffix ".synced".

   Loaded with LD_PRELOAD; built with `cc -shared -fPIC -o only_synced.so only_synced.c -ldl`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void keep(int fd) {
    char link[64], path[4096], copy[4200], part[4200], block[65536];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (!strstr(path, ".sqlite3") || strstr(path, ".synced")) return;
    snprintf(copy, sizeof copy, "%s.synced", path);
    snprintf(part, sizeof part, "%s.synced-part", path);
    int from = open(path, O_RDONLY), to = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (ssize_t got; from >= 0 && to >= 0 && (got = read(from, block, sizeof block)) > 0;)
        if (write(to, block, got) != got) break;
    close(from);
    close(to);
    rename(part, copy); /* atomic, in case the program is killed here */
}

static int then_keep(const char *name, int fd) {
    int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = sync(fd);
    if (result == 0) keep(fd);
    return result;
}

int fsync(int fd) { return then_keep("fsync", fd); }
int fdatasync(int fd) { return then_keep("fdatasync", fd); }
