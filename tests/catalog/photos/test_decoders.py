"""Decoder processes: ended past the deadline, replaced when they die, gone with their parent, never mixed up."""

from __future__ import annotations

import contextlib
import gc
import io
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from PIL import Image
from pytest_django import Settings

from catalog.photos.decoder_pool import AT_A_TIME, KEPT_IDLE, DecodersBusy, decoder_pool
from catalog.photos.reading import PhotoError, decode_photo, inspect_photo
from config.local.services import PROJECT
from tests.catalog.photos.files import encoded, many_scans, noise
from tests.waiting import is_alive, wait_until
from tests.workers import process_environment

WAIT_SECONDS = 30.0
SLOW = many_scans(4992, 100)  # about 3 s, and no longer than the header may ask for
SMALL = encoded(noise(64, 64))
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads the descriptors of a process from /proc")


@pytest.fixture(autouse=True)
def fresh_pool() -> Iterator[None]:
    decoder_pool().close()
    yield
    decoder_pool().close()


def decode(data: bytes) -> Image.Image:
    return decode_photo(io.BytesIO(data))


def refusal(data: bytes) -> PhotoError:
    """What is wrong with the photo itself; where the machine had no time for it, it is asked again."""
    for _ in range(10):
        with pytest.raises(PhotoError) as error:
            decode(data)
        if not isinstance(error.value, DecodersBusy):
            break
    return error.value


def in_thread(data: bytes) -> Future[Image.Image]:
    future: Future[Image.Image] = Future()

    def run() -> None:
        try:
            future.set_result(decode(data))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def at_work() -> psutil.Process:
    """The one decoder, once it computes."""
    wait_until(decoder_pool().processes, seconds=WAIT_SECONDS)
    (pid,) = decoder_pool().processes()
    process = psutil.Process(pid)
    started = process.cpu_times().user
    wait_until(lambda: process.cpu_times().user > max(started, 0.3), seconds=WAIT_SECONDS)
    return process


def test_a_photo_past_its_deadline_is_refused_and_its_decoder_is_gone(settings: Settings) -> None:
    decode(SMALL)
    (before,) = decoder_pool().processes()
    settings.PHOTO_SECONDS = 0.5
    error = refusal(SLOW)
    assert error.reason == "too_slow"
    assert str(error) == "the picture takes more than 0.5 s to decode; save it as a plain (baseline) JPEG, or smaller"
    assert not psutil.pid_exists(before)
    assert decoder_pool().processes() == []
    assert decode(SMALL).size == (64, 64)


def test_a_decoder_that_gets_no_time_says_nothing_of_the_photo(settings: Settings) -> None:
    decode(SMALL)
    (pid,) = decoder_pool().processes()
    os.kill(pid, signal.SIGSTOP)
    settings.PHOTO_SECONDS = 0.2
    with pytest.raises(DecodersBusy, match="no time for it; try again") as error:
        decode(SMALL)
    assert error.value.reason == "busy"
    assert not psutil.pid_exists(pid)


def test_a_slow_decoder_steps_back_and_is_replaced(settings: Settings) -> None:
    settings.PHOTO_SECONDS = 60.0
    slow = in_thread(SLOW)
    wait_until(
        lambda: [pid for pid in decoder_pool().processes() if psutil.Process(pid).nice() > 0], seconds=WAIT_SECONDS
    )
    assert slow.result(60).size == (4992, 4992)
    wait_until(lambda: decoder_pool().processes() == [], seconds=WAIT_SECONDS)


def test_a_decoder_killed_from_outside_is_replaced_once(settings: Settings) -> None:
    settings.PHOTO_SECONDS = 60.0
    slow = in_thread(SLOW)
    first = at_work()
    first.kill()
    wait_until(lambda: decoder_pool().processes() not in ([], [first.pid]), seconds=WAIT_SECONDS)
    second = at_work()
    second.kill()
    with pytest.raises(PhotoError, match="killed over the picture, twice") as error:
        slow.result(60)
    assert error.value.reason == "bomb"
    assert decode(SMALL).size == (64, 64)


def test_a_decoder_that_crashes_is_damage(settings: Settings) -> None:
    settings.PHOTO_SECONDS = 60.0
    slow = in_thread(SLOW)
    at_work().send_signal(signal.SIGSEGV)
    with pytest.raises(PhotoError, match=r"makes its decoder crash \(code -11\)") as error:
        slow.result(60)
    assert error.value.reason == "truncated"
    assert decode(SMALL).size == (64, 64)


def test_an_idle_decoder_that_was_killed_costs_no_photo() -> None:
    decode(SMALL)
    (pid,) = decoder_pool().processes()
    os.kill(pid, signal.SIGKILL)
    assert decode(SMALL).size == (64, 64)
    assert pid not in decoder_pool().processes()


def test_signals_to_the_group_leave_a_decoder_at_work() -> None:
    decode(SMALL)
    (pid,) = decoder_pool().processes()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    assert decode(SMALL).size == (64, 64)
    assert decoder_pool().processes() == [pid]


def test_threads_get_their_own_pictures_and_few_decoders_stay() -> None:
    pictures = [noise(50 + seed, 40 + seed % 7, seed) for seed in range(60)]
    with ThreadPoolExecutor(12) as threads:
        read = list(threads.map(decode, [encoded(picture) for picture in pictures]))
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(read, pictures, strict=True))
    assert 1 <= len(decoder_pool().processes()) <= KEPT_IDLE


def test_more_than_may_be_decoded_at_a_time_wait_but_not_for_ever(settings: Settings) -> None:
    settings.PHOTO_SECONDS = 60.0
    slow = [in_thread(SLOW) for _ in range(AT_A_TIME)]
    wait_until(lambda: len(decoder_pool().processes()) == AT_A_TIME, seconds=WAIT_SECONDS)
    for pid in decoder_pool().processes():
        os.kill(pid, signal.SIGSTOP)
    settings.PHOTO_SECONDS = 0.05
    with pytest.raises(DecodersBusy, match="4 photos are being decoded already"):
        decode(SMALL)
    for pid in decoder_pool().processes():
        os.kill(pid, signal.SIGSEGV)
        os.kill(pid, signal.SIGCONT)
    for each in slow:
        assert isinstance(each.exception(60), PhotoError)
    settings.PHOTO_SECONDS = 5.0
    assert decode(SMALL).size == (64, 64)


def test_nothing_is_left_open(settings: Settings) -> None:
    me = psutil.Process()
    decode(SMALL)
    decoder_pool().close()
    gc.collect()  # what earlier tests left open is not counted as closed by this one
    before = me.num_fds(), len(me.children())
    settings.PHOTO_SECONDS = 0.2
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for data in (SMALL, SLOW, b"no photo", SMALL[:40]):
            try:
                decode(data)
            except PhotoError:
                continue
        decoder_pool().close()
        gc.collect()
    assert (me.num_fds(), len(me.children())) == before


def test_a_decoder_that_cannot_be_started_is_said_and_leaves_nothing_open() -> None:
    """Every descriptor that this process may have is taken."""
    me = psutil.Process()
    before = me.num_fds()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 20, hard))
    with contextlib.ExitStack() as taken:
        taken.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with contextlib.suppress(OSError):
            while True:
                taken.enter_context(open(os.devnull))
        with pytest.raises(DecodersBusy, match=r"no decoder process can be started \(.*Too many open files"):
            decode(SMALL)
    assert me.num_fds() == before
    assert decode(SMALL).size == (64, 64)


@linux
def test_memory_of_a_large_picture_is_given_back() -> None:
    decode(encoded(Image.new("RGB", (3000, 3000))))
    decode(SMALL)
    (pid,) = decoder_pool().processes()
    shared = [
        os.stat(f"/proc/{pid}/fd/{name}").st_size
        for name in os.listdir(f"/proc/{pid}/fd")
        if "memfd:photo" in os.readlink(f"/proc/{pid}/fd/{name}")
    ]
    assert len(shared) == 1 and shared[0] < 2 * len(SMALL)


def pixels_of_a_forked_child(sender: multiprocessing.connection.Connection) -> None:
    sender.send((decode(SMALL).tobytes(), decoder_pool().processes()))
    sender.recv()


@linux
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_decoders_of_its_own() -> None:
    whole = decode(SMALL).tobytes()
    (mine,) = decoder_pool().processes()
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=pixels_of_a_forked_child, args=[theirs])
    child.start()
    assert ours.poll(WAIT_SECONDS)
    pixels, (its,) = ours.recv()
    assert pixels == whole and its != mine
    # The child holds no end of the parent's decoder: it goes as soon as the parent lets go.
    assert len([fd for fd in os.listdir(f"/proc/{mine}/fd") if "socket" in os.readlink(f"/proc/{mine}/fd/{fd}")]) == 1
    assert decode(SMALL).tobytes() == whole
    child.kill()
    child.join(WAIT_SECONDS)
    wait_until(lambda: not is_alive(its), seconds=WAIT_SECONDS)


PARENT = """
import io, sys, threading, time
import django
django.setup()
from catalog.photos.decoder_pool import decoder_pool
from catalog.photos.reading import decode_photo
decode_photo(io.BytesIO(open(sys.argv[1], "rb").read()))
threading.Thread(target=lambda: decode_photo(io.BytesIO(open(sys.argv[2], "rb").read())), daemon=True).start()
while not decoder_pool().processes():
    time.sleep(0.005)
time.sleep(float(sys.argv[3]))
print(*decoder_pool().processes(), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("at_work", [False, True])
def test_a_decoder_does_not_outlive_its_parent(at_work: bool, tmp_path: object) -> None:
    """Idle it ends at once; in the middle of a photo its alarm ends it soon after the deadline."""
    folder = str(tmp_path)
    for name, data in (("small.png", SMALL), ("slow.jpg", SLOW)):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(data)
    second = "slow.jpg" if at_work else "small.png"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, f"{folder}/small.png", f"{folder}/{second}", "0.3" if at_work else "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=process_environment(PHOTO_SECONDS="1.5"),
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert pids
        parent.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), seconds=WAIT_SECONDS)


def test_facts_are_read_under_the_same_deadline(settings: Settings) -> None:
    """Two million chunks that nobody reads: the header alone takes seconds."""
    chunk = b"\0\0\0\0prVt" + bytes.fromhex("00000000")
    data = SMALL[:33] + chunk * 1_600_000 + SMALL[33:]
    settings.PHOTO_SECONDS = 0.3
    with pytest.raises(PhotoError) as error:
        inspect_photo(io.BytesIO(data))
    assert error.value.reason in ("too_slow", "truncated", "busy")
