"""The process that runs llama.cpp, started by `llama_process`. Run as a file, so that it imports nothing else.

Standard input begins with one line of JSON, the settings. When it ends, the process ends: it never outlives the process
that started it. The line `ready` on standard output says that the model is loaded. llama.cpp logs to standard error.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time


def main() -> None:
    """Loads the model and serves it on a Unix socket until standard input ends."""
    settings = json.loads(sys.stdin.readline())
    from xllamacpp import CommonAdapterLoraInfo, CommonParams, Server, llama_flash_attn_type

    params = CommonParams()
    params.model.path = settings["base"]
    if settings["adapter"]:
        params.lora_adapters = [CommonAdapterLoraInfo(settings["adapter"], 1.0)]
    params.hostnames = [settings["socket"]]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["context_tokens"]
    # Each slot has its own context. In a shared one, a token is compared with those of all conversations, then masked.
    params.kv_unified = False
    # The prompt cache has the contexts of conversations without a slot, so that only what is new is read.
    params.cache_ram_mib = settings["prompt_cache_mib"]
    # Buffers are for so many tokens; larger ones read prompts no faster.
    params.n_batch = params.n_ubatch = settings["batch_tokens"]
    params.fit_params = False
    # On CPUs, flash attention rounds more, so that log p of a reply depends on what else is computed.
    params.flash_attn_type = llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.warmup = False
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 1
    try:
        server = Server(params)  # noqa: F841 - it serves as long as it exists
    except RuntimeError:
        time.sleep(0.5)  # a thread of llama.cpp writes the reason into the log
        raise
    # The server of llama.cpp would end on signals that the parent process handles.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    shutil.rmtree(os.path.dirname(settings["socket"]), ignore_errors=True)
    os._exit(0)  # the threads of the server need no orderly end


if __name__ == "__main__":
    main()
