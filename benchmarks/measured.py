"""Runs a program and writes what it took: `measured.py FILE PROGRAM ARGUMENT…`.

A program counts the memory of whoever starts it as its own until it is loaded, so who starts it here is small.
"""

import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    started = time.perf_counter()
    process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    found = {"seconds": seconds, "peak_mib": usage.ru_maxrss / 1024, "cpu_seconds": usage.ru_utime + usage.ru_stime}
    Path(sys.argv[1]).write_text(json.dumps(found))
    sys.exit(os.waitstatus_to_exitcode(status))
