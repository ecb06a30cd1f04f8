"""`python serve.py PORT`: uvicorn as it is set up for production on a small machine. WORKERS is how many processes."""

import ctypes
import os
import signal
import sys

import uvicorn

PR_SET_PDEATHSIG = 1

# A worker imports this module, too: none outlives its parent, nor that the bench.
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

if __name__ == "__main__":
    uvicorn.run(
        "app:app", host="127.0.0.1", port=int(sys.argv[1]), workers=int(os.environ["WORKERS"]), loop="uvloop", http="httptools",
        access_log=False, log_level="warning", lifespan="on")
