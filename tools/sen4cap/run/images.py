"""Images of the steps: there before the first step starts, or one line on how to get them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from ..errors import BadInput
from ..progress import say


def engine_of(options: Sequence[str]) -> str | None:
    """Container engine that the runner will call; None without containers."""
    given = {word.partition("=")[0] for word in options}
    if "--no-container" in given:
        return None
    for option in ("--podman", "--singularity", "--udocker"):
        if option in given:
            return option.removeprefix("--")
    return "docker"


def check(images: Sequence[str], options: Sequence[str]) -> None:
    """See that every image is on this machine; one that is not is pulled.

    Singularity and udocker keep images in ways of their own; only their presence is looked at.

    Raises
    ------
    BadInput
        The engine is missing or does not answer, or an image is not here and cannot be pulled.
    """
    engine = engine_of(options)
    if engine is None or not images:
        return
    if shutil.which(engine) is None and not (engine == "singularity" and shutil.which("apptainer")):
        others = [other for other in ("podman", "singularity") if other != engine and shutil.which(other)]
        instead = "".join(f"add --{other}, " for other in others)
        raise BadInput(engine, "is not installed here", do=f"install it, {instead}or add --no-container")
    if engine not in ("docker", "podman"):
        return
    for image in sorted(set(images)):
        if call(engine, "image", "inspect", image) is None:
            continue
        alive = call(engine, "version")
        if alive is not None:
            raise BadInput(engine, f"does not answer: {alive}", do="start it, or add --podman or --no-container")
        how = f"run `make images` in a checkout of the suite, or `{engine} pull {image}`"
        if "--disable-pull" in options:
            raise BadInput(image, "is not on this machine", do=how)
        say(f"{image}: not on this machine, pulling it")
        why = call(engine, "pull", "--quiet", image)
        if why is not None:
            raise BadInput(image, f"is not on this machine and could not be pulled ({why})", do=how)


def call(*command: str) -> str | None:
    """Call the engine; the last line of what it complains, None where all went well."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        return None
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1].strip() if lines else f"exit code {done.returncode}"
