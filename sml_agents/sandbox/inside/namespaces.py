"""A private world: a root with nothing in it but the standard library, no network, a process tree of its own.

`enter` and, in a child, `furnish` are called once by the launcher, `renew` by each program's process: it gets an empty
folder of limited size, and what it leaves in it, in shared memory or running, ends with it.
"""

from __future__ import annotations

import os
import sys

from sml_agents.sandbox.inside import kernel
from sml_agents.sandbox.inside.kernel import call, mount, pivot_root

__all__ = ["SCRATCH", "enter", "furnish", "library_paths", "renew"]

SCRATCH = "/tmp"
_MOUNT_POINTS = ("/mnt", "/media", "/srv", "/opt", "/tmp")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_SYSTEM = ("/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache")
_ST_TO_MS = {1: 1, 2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
"""statvfs flags to mount flags: those that a bind mount has already may have to be kept."""


def library_paths() -> list[str]:
    """What a program may read: the standard library, shared libraries, time zones, harmless devices."""
    ours = {os.path.dirname(os.path.realpath(os.__file__)), *(p for p in sys.path if "lib" in p and os.path.isdir(p))}
    ours.add(os.path.join(sys.base_prefix, "lib"))
    return [path for path in (*sorted(ours), *_SYSTEM, *_DEVICES) if os.path.exists(path)]


def enter() -> None:
    """Leaves the host's mounts, network and users; the next child leaves its processes. Raises OSError."""
    user, group = os.geteuid(), os.getegid()
    spaces = kernel.NEWNS | kernel.NEWNET | kernel.NEWIPC | kernel.NEWUTS | kernel.NEWPID
    if user == 0:
        try:
            call("unshare", spaces)
        except OSError:  # root in a container without the right to: as an ordinary user then
            call("unshare", spaces | kernel.NEWUSER)
            _map_user(user, group)
    else:
        call("unshare", spaces | kernel.NEWUSER)
        _map_user(user, group)


def furnish() -> None:
    """Swaps the root for one that holds nothing but the libraries, read-only. Raises OSError."""
    mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    _new_root(library_paths())


def _map_user(user: int, group: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _new_root(paths: list[str]) -> None:
    root = next(
        point
        for point in _MOUNT_POINTS
        if os.path.isdir(point) and not any(path.startswith(f"{point}/") for path in paths)
    )
    mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=0755")
    done: list[str] = []
    for path in paths:
        if any(path.startswith(f"{other}/") for other in done):
            continue
        target = root + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.islink(path):
            os.symlink(os.readlink(path), target)
            continue
        if os.path.isdir(path):
            os.makedirs(target, exist_ok=True)
        else:
            with open(target, "w"):
                pass
        mount(path, target, flags=kernel.MS_BIND | kernel.MS_REC)
        _make_read_only(target, device=path in _DEVICES)
        done.append(path)
    os.makedirs(root + SCRATCH, exist_ok=True)
    os.symlink(f"{SCRATCH}/.stdin", f"{root}/dev/stdin")  # where a whole program's input is
    os.makedirs(root + "/proc", exist_ok=True)
    pivot_root(root)
    mount("none", "/", flags=kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV)


def _make_read_only(target: str, *, device: bool) -> None:
    kept = sum(ms for st, ms in _ST_TO_MS.items() if os.statvfs(target).f_flag & st)
    flags = kernel.MS_NOSUID | kernel.MS_RDONLY | kept | (0 if device else kernel.MS_NODEV)
    mount("none", target, flags=kernel.MS_REMOUNT | kernel.MS_BIND | flags)


def renew(megabytes: int, user: int) -> None:
    """This process gets an empty folder at SCRATCH and shared memory of its own."""
    call("unshare", kernel.NEWNS | kernel.NEWIPC)
    data = f"size={megabytes}m,nr_inodes=1000,mode=0700,uid={user},gid={user if user else 0}"
    mount("tmpfs", SCRATCH, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC, data)
    os.chdir(SCRATCH)
