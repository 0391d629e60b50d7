"""Marks of tests that not every system can run."""

import os
import sys

import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX: its signals, its pipes or its names of files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: what it tells in /proc, or /dev/full")
