"""Facts of the device that this process computes on: card, memory, number formats, attention."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend

from align.contracts.devices import DeviceFacts
from align.device import Compute, memory

FORMATS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
KERNELS = {
    SDPBackend.MATH: "plain",
    SDPBackend.FLASH_ATTENTION: "flash",
    SDPBackend.EFFICIENT_ATTENTION: "memory-efficient",
    SDPBackend.CUDNN_ATTENTION: "cuDNN",
}
HEAD_WIDTH = 64
"""Of every attention of SDXL's UNet."""
SYSCTL_TIMEOUT_S = 5


def device_facts(compute: Compute) -> DeviceFacts:
    """Return the facts of a device, for the line that the app prints and the page shows."""
    total, used = memory(compute)
    kind = compute.device.type
    products = FORMATS.get(compute.autocast or compute.weights, "")
    version, build = torch_build()
    on_card = kind == "cuda"
    return DeviceFacts(
        kind,
        device_name(kind),
        total,
        max(0, total - used),
        FORMATS.get(compute.weights, ""),
        products,
        attention_kernel(compute),
        version,
        build,
        visible_index(os.environ) if on_card else None,
        card_uuid() if on_card else "",
        capability() if on_card else "",
        instruction_set() if kind == "cpu" else "",
    )


def attention_kernel(compute: Compute) -> str:
    """Return the kernel that torch takes for attention here; empty where it does not say."""
    shape = (1, 2, HEAD_WIDTH, HEAD_WIDTH)
    try:
        query = torch.zeros(shape, device=compute.device, dtype=compute.autocast or compute.weights)
        choice = torch._fused_sdp_choice(query, query, query)
    except (RuntimeError, NotImplementedError):
        return ""
    return KERNELS.get(SDPBackend(choice), "")


def torch_build() -> tuple[str, str]:
    """Return torch's version, and what it was built for: cpu, cu130, rocm6.4, xpu."""
    version, _, local = str(torch.__version__).partition("+")
    if torch.version.cuda:
        return version, f"cu{torch.version.cuda.replace('.', '')}"
    if torch.version.hip:
        return version, local or "rocm"
    return version, "xpu" if torch.version.xpu else "cpu"


def instruction_set() -> str:
    """Return the widest instructions that torch uses on this CPU."""
    if torch.cpu._is_avx512_bf16_supported():
        return "AVX512-BF16"
    widest = torch.backends.cpu.get_cpu_capability()
    return "" if widest == "DEFAULT" else widest


def device_name(kind: str) -> str:
    """Return the name of the current card, or of the processor that computes."""
    if kind == "cuda":
        return torch.cuda.get_device_properties(torch.cuda.current_device()).name
    return torch.xpu.get_device_name() if kind == "xpu" else processor_name()


def card_uuid() -> str:
    """Return the current NVIDIA card as nvidia-smi names it; empty for others."""
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    uuid = getattr(properties, "uuid", None)
    return f"GPU-{uuid}" if uuid and not torch.version.hip else ""


def capability() -> str:
    """Return the compute capability of an NVIDIA card, or the architecture of an AMD one."""
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    if torch.version.hip:
        return str(getattr(properties, "gcnArchName", "")).split(":")[0]
    return f"{properties.major}.{properties.minor}"


def visible_index(environment: os._Environ[str] | dict[str, str]) -> int:
    """Return the current card's number among all, where the environment shows only some."""
    current = torch.cuda.current_device()
    shown = environment.get("CUDA_VISIBLE_DEVICES") or environment.get("HIP_VISIBLE_DEVICES") or ""
    words = [word.strip() for word in shown.split(",")]
    named = words[current] if current < len(words) else ""
    return int(named) if named.isdecimal() else current


def processor_name() -> str:
    """Return the name of the processor, of Apple's chips the chip's."""
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _sysctl(key: str) -> str:
    try:
        found = subprocess.run(
            ["sysctl", "-n", key], capture_output=True, text=True, timeout=SYSCTL_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
