"""`python tied.py PARENT COMMAND…`: run a command that the kernel ends (SIGTERM) when process PARENT dies, even by `kill -9`.

Linux only; elsewhere the command runs untied. Run by path and with nothing but the standard library: it starts in
milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we were tied
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
