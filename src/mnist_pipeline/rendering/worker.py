"""Draws a share of the pictures: a job as arrays comes in on stdin, the pictures go out on stdout.

Started by crew.py as `python -m mnist_pipeline.rendering.worker`.
"""

import io
import signal
import sys

import cv2
import numpy as np

from mnist_pipeline.rendering.job import work


def main() -> None:
    """Do the job that stdin brings."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who started this says what there is to say
    cv2.setNumThreads(1)
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as archive:
        job = dict(archive.items())
    np.save(sys.stdout.buffer, work(job), allow_pickle=False)


if __name__ == "__main__":
    main()
