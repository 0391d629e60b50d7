"""Draws a share of the pictures: a job as arrays comes in on stdin, the pictures go out on stdout.

Started by crew.py; it ends when nobody is left to read its stdout.
"""

import io
import os
import select
import signal
import sys
from threading import Thread

import cv2
import numpy as np

from mnist_pipeline.data.rendering.drawing import work


def main() -> None:
    """Do the job that stdin brings."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who started this says what there is to say
    Thread(target=_end_with_the_reader, daemon=True).start()
    cv2.setNumThreads(1)
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as archive:
        job = dict(archive.items())
    np.save(sys.stdout.buffer, work(job), allow_pickle=False)


def _end_with_the_reader() -> None:
    """End this process once the other end of its stdout is closed, as by a reader that was killed."""
    stdout = select.poll()
    stdout.register(1, 0)  # no event but the one that is always told: an error, because nobody can read
    stdout.poll()
    os._exit(1)


if __name__ == "__main__":
    main()
