"""A process ends when the one that made it was killed: at any moment of its life, and also where the kernel cannot help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
# The child says that it lives on its way, and holds the pipe open for as long as it does.
FORK = """
import os, signal, sys, time
from config.parent import end_with_parent
sys.platform = {platform!r}
parent = os.getpid()
if os.fork() == 0:
    if {late}:
        while os.getppid() == parent:
            time.sleep(0.01)
    print("lives", flush=True)
    end_with_parent(parent)
    time.sleep(600)
    print("outlived its parent", flush=True)
if {late}:
    os.kill(parent, signal.SIGKILL)
sys.stdin.readline()
os.kill(parent, signal.SIGKILL)
"""
COMMAND = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "config/parent.py", str(os.getpid()), "sleep", "600"])
sys.stdin.readline()
"""


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("late", [False, True], ids=["the parent dies later", "the parent is dead already"])
def test_a_process_does_not_outlive_its_parent(platform: str, late: bool) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", FORK.format(platform=platform, late=late)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "lives\n"
    output, _ = parent.communicate("die\n" if not late else None, timeout=5)  # returns when the child's end closes too
    assert output == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a command may outlive its parent")
def test_a_command_does_not_outlive_its_parent() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.communicate("die\n", timeout=5) == ("", None)  # returns when the command has ended too
