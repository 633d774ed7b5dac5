"""A disk whose syncs can be held up and made to fail: a library that is loaded into the servers of a test."""
import subprocess

import pytest

SHIM = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int there(const char* variable) { return access(getenv(variable), F_OK) == 0; }

static int of_an_increment(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  static const char end[] = ".incr.aof";
  const ssize_t tail = sizeof end - 1;
  return length >= tail && memcmp(path + length - tail, end, (size_t)tail) == 0;
}

/* While the file that FAIL_SYNCS names is there, nothing that is written becomes durable, and sync says so. Syncs of the log are counted as
   bytes of the file COUNT_SYNCS, and do not end while the file HOLD_SYNCS is there. */
int fdatasync(int fd) {
  if (of_an_increment(fd)) {
    const int count = open(getenv("COUNT_SYNCS"), O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (write(count, "x", 1) != 1) abort();
    close(count);
    while (there("HOLD_SYNCS")) usleep(1000);
  }
  if (there("FAIL_SYNCS")) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_fdatasync, fd);
}
"""


class Syncs:
    def __init__(self, folder):
        self._held, self._failing, self._count = folder / "syncs-wait", folder / "syncs-fail", folder / "syncs"

    def hold(self):
        self._held.touch()

    def release(self):
        self._held.unlink(missing_ok=True)

    def fail(self):
        self._failing.touch()

    def recover(self):
        self._failing.unlink(missing_ok=True)

    def begun(self):
        """How many syncs of the log have begun."""
        return self._count.stat().st_size if self._count.exists() else 0


@pytest.fixture
def syncs(cluster, tmp_path, monkeypatch):
    """Those of all servers that are started from now on."""
    source, library = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    for variable, name in (("HOLD_SYNCS", "syncs-wait"), ("FAIL_SYNCS", "syncs-fail"), ("COUNT_SYNCS", "syncs")):
        monkeypatch.setenv(variable, str(tmp_path / name))
    disk = Syncs(tmp_path)
    yield disk
    disk.release()
