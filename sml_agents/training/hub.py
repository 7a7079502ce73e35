"""Pushing to the Hugging Face Hub, or to whatever server `HF_ENDPOINT` names: trained models and exported data sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sml_agents.errors import InputError, SmlError, TrainingError, one_line
from sml_agents.training.folder import RECORD

__all__ = ["claim", "kind_of", "push"]

_PRIVATE = ["checkpoints/*", "dialogues.sqlite*", "plan.json", "*.lock", "runs/*"]
"""Of a trained folder: dialogues hold what teachers keep from students, a plan is of a run that is not over."""

Kind = Literal["model", "dataset"]


def kind_of(folder: Path) -> Kind:
    """Whether a folder holds a model that was trained or merged here, or a data set that was exported as Parquet.

    Raises:
        InputError: neither.
    """
    if (folder / RECORD).is_file():
        return "model"
    if (folder / "README.md").is_file() and any(folder.glob("data/*.parquet")):
        return "dataset"
    raise InputError(
        f"{folder} holds neither a trained model ({RECORD}) nor a data set (sml-agents export --format parquet)"
    )


def claim(repository: str, *, private: bool = True, kind: Kind = "model") -> None:
    """Make the repository, if it is not there.

    Raises:
        InputError: the name, the token or the server is no good; nothing was done.
    """
    from huggingface_hub import HfApi

    try:
        with _complaints():
            HfApi().create_repo(repository, private=private, repo_type=kind, exist_ok=True)
    except _Complaint as error:
        raise InputError(
            f"{repository} cannot be pushed to ({error}): check its name (user/name) and log in with hf auth login"
        ) from error


def push(folder: str | Path, repository: str, *, private: bool = True) -> str:
    """Push a trained model or an exported data set, its card included; gives the address.

    Args:
        private: of a repository that is made for it.

    Raises:
        InputError: the folder holds neither, or the repository cannot be made.
        TrainingError: it could not be pushed; the folder is as it was.
    """
    from huggingface_hub import HfApi

    folder = Path(folder)
    kind = kind_of(folder)
    claim(repository, private=private, kind=kind)
    try:
        with _complaints():
            done = HfApi().upload_folder(
                repo_id=repository,
                folder_path=folder,
                repo_type=kind,
                ignore_patterns=_PRIVATE if kind == "model" else None,
                commit_message="Push with sml-agents",
            )
    except _Complaint as error:
        raise TrainingError(
            f"{folder} could not be pushed ({error}): it is complete, push it again with sml-agents push {folder} --to "
            f"{repository}"
        ) from error
    return str(getattr(done, "repo_url", "") or done)


class _Complaint(Exception):
    """What the client of the Hub has to say, in one line."""


@contextmanager
def _complaints() -> Iterator[None]:
    try:
        yield
    except SmlError:
        raise
    except Exception as error:  # of several libraries, with no class in common
        raise _Complaint(one_line(error, 200) or type(error).__name__) from error
