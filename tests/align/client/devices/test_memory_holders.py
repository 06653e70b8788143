"""Who holds a card's memory, from what nvidia-smi prints."""

from __future__ import annotations

import os

import psutil
import pytest
from fake_nvidia_smi import write_nvidia_smi

from align.client.devices.memory_holders import memory_holders, program_name
from align.client.devices.nvidia_smi import CardProcess, read_processes
from align.contracts.devices import GIB, MemoryHolder, holders_sentence

PROCESS = """<process_info><gpu_instance_id>N/A</gpu_instance_id><pid>{pid}</pid>
<type>{type}</type><process_name>{name}</process_name><used_memory>{memory}</used_memory>
</process_info>"""
DOCUMENT = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log><driver_version>580.65.06</driver_version><gpu id="00000000:01:00.0">
<product_name>NVIDIA GeForce RTX 4070</product_name><processes>{processes}</processes>
</gpu></nvidia_smi_log>"""


def document(*processes):
    told = [PROCESS.format(pid=p, type=t, name=n, memory=m) for p, t, n, m in processes]
    return DOCUMENT.format(processes="".join(told))


def test_programs_with_a_window_are_listed_and_each_only_once():
    text = document(
        (10, "C", "/usr/bin/python3", "6144 MiB"),
        (11, "G", "/usr/lib/firefox/firefox", "300 MiB"),
        (10, "G", "/usr/bin/python3", "6144 MiB"),
    )
    assert read_processes(text) == [
        CardProcess(10, "/usr/bin/python3", 6 * GIB),
        CardProcess(11, "/usr/lib/firefox/firefox", 300 * 2**20),
    ]


@pytest.mark.parametrize("text", ["", "No devices were found", "<nvidia_smi_log>", "<a/>"])
def test_what_is_no_list_of_processes_holds_none(text):
    assert read_processes(text) == []


def test_windows_does_not_tell_how_much_a_process_holds():
    text = document((7, "C+G", r"C:\Games\game.exe", "N/A"))
    assert read_processes(text) == [CardProcess(7, r"C:\Games\game.exe", None)]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ([r"C:\Games\game.exe", "-fast"], "game.exe"),
        (["/usr/lib/firefox/firefox"], "firefox"),
        (["/opt/v/bin/python3.11", "-s", "main.py", "--listen"], "python3.11 main.py"),
        (["python", "/home/ann/ComfyUI/main.py"], "python ComfyUI/main.py"),
        (["python.exe", r"D:\ai\ComfyUI\main.py"], "python.exe ComfyUI/main.py"),
        (["python", "-m", "http.server"], "python -m http.server"),
        (["python", "-u", "-X", "dev", "-m", "http.server"], "python -m http.server"),
        (["python3", "-W", "ignore", "train.py"], "python3 train.py"),
        (["python3", "-c", "from multiprocessing.spawn import spawn_main", "-f"], "python3"),
        (["python", "-m", "align", "serve"], "another Palate's image model"),
        (["python", "-m", "align", "train", "runs/r0001"], "a run of Palate"),
        (["python"], "python"),
        ([], ""),
    ],
)
def test_a_process_has_the_name_that_a_person_knows_it_by(command, name):
    assert program_name(command) == name


def test_the_sentence_names_the_largest_first():
    assert holders_sentence([]) == ""
    assert (
        holders_sentence([MemoryHolder(7, "game.exe")]) == "game.exe (process 7) uses the card now."
    )
    four = [MemoryHolder(pid, "", pid * GIB) for pid in (1, 2, 12, 3)]
    assert holders_sentence(four) == (
        "a program (process 12, 12 GB), a program (process 3, 3.0 GB), "
        "a program (process 2, 2.0 GB) and 1 more use the card now."
    )


@pytest.mark.slow
def test_nvidia_smi_is_asked_about_the_card_and_this_process_is_left_out(tmp_path, monkeypatch):
    parent = psutil.Process().ppid()
    listed = document((os.getpid(), "C", "python", "1 MiB"), (parent, "C", "x", "1024 MiB"))
    write_nvidia_smi(tmp_path, monkeypatch, {"-q -x -i GPU-5": listed})
    (holder,) = memory_holders("GPU-5")
    assert (holder.pid, holder.memory) == (parent, GIB)
    assert holder.name == program_name(psutil.Process(parent).cmdline())
    assert memory_holders("GPU-6") == []
    assert memory_holders("GPU-5", ours=[parent]) == []
