"""Opens damaged model folders, and prints what else happens than a reply or one line for the user.

python open_mutated.py FOLDER FIRST_SEED NUMBER

FOLDER has the folder `models`, whose model folders are damaged in turn. Memory is limited.
"""

from __future__ import annotations

import random
import resource
import sys
import time
import traceback
from pathlib import Path

from autocakechat import Request, UserError
from autocakechat.artifacts.catalog import list_artifacts
from autocakechat.artifacts.model_folder import corpus_key, open_model
from autocakechat.artifacts.store import ArtifactStore
from autocakechat.registry.manager import PluginManager
from tests.models.folders import run_context
from tests.models.mutations import copy_model, mutate

_MEMORY = 3 * 2**29
_SECONDS = 20.0  # more than any damage may cost; a reply takes milliseconds
_REQUESTS = [Request(("do you have any pets", "two cats", "what are their names"), "neutral"), Request(("hi",), "joy")]


def use(folder: Path, manager: PluginManager, seed: int) -> None:
    """Does with a model folder what commands do."""
    corpus_key(folder)
    model = open_model(folder, manager, lambda trainer: trainer.reply(), run_context(folder.parent), seed)
    responder = model.load()
    assert len(responder.respond(_REQUESTS)) == len(_REQUESTS)
    candidates = [["two cats", "tom"], ["any", ""]]
    for method in ("score", "rank"):
        if hasattr(responder, method):
            getattr(responder, method)(_REQUESTS, candidates)


def problem_with(folder: Path, manager: PluginManager, seed: int) -> str | None:
    """Uses a damaged model folder, and returns what is wrong with the outcome."""
    start = time.monotonic()
    try:
        for entry in list_artifacts(ArtifactStore(folder.parents[1])):
            str(entry.summary)
        use(folder, manager, seed)
    except UserError as error:
        if str(folder) not in str(error) or len(str(error)) > 2000:
            return f"does not say where, or at length: {str(error)[:300]!r}"
    except BaseException:
        return traceback.format_exc()[-1500:]
    return "too slow" if time.monotonic() - start > _SECONDS else None


def main() -> None:
    work, first, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    manager = PluginManager.load(frozenset(), third_party=False)
    models = sorted((work / "models").iterdir())
    for model in models:
        use(model, manager, 0)  # imports everything
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    folder = work / ".acc" / "model" / "damaged"
    for seed in range(first, first + number):
        copy_model(models[seed % len(models)], folder)
        done = mutate(folder, random.Random(seed))
        if problem := problem_with(folder, manager, seed):
            print(f"seed {seed}: {done}: {problem}", flush=True)
    print("done")


if __name__ == "__main__":
    main()
