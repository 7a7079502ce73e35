"""Files by allow-list, with Landlock (Linux 5.13 and later): no privilege needed, can't be undone by the process.

The rights grew with the kernel: TCP since ABI 4, signals and abstract sockets outside since ABI 6.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from sml_agents.sandbox.inside.kernel import call

__all__ = ["confine_files"]

_READ_FILE, _READ_DIR, _WRITE_FILE, _TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
_MAKE_DEVICES = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11  # character, socket, fifo, block
_EXECUTE = 1
_RIGHTS_BY_ABI = ((1, 13), (2, 14), (3, 15), (5, 16))
_PATH_BENEATH = 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def confine_files(readable: Iterable[str], writable: Iterable[str]) -> None:
    """From now on this process and its children can read below `readable` and use what is below `writable`: no more.

    Nothing can be executed. Needs `no_new_privileges`. Raises OSError where the kernel has no Landlock.
    """
    abi = call("landlock_create_ruleset", None, 0, 1)
    rights = (1 << max(bits for least, bits in _RIGHTS_BY_ABI if least <= abi)) - 1
    ruleset = _Ruleset(rights, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    handle = call("landlock_create_ruleset", ctypes.byref(ruleset), size, 0)
    try:
        for path in readable:
            _allow(handle, path, rights & (_READ_FILE | _READ_DIR))
        for path in writable:
            _allow(handle, path, rights & ~(_EXECUTE | _MAKE_DEVICES))
        call("landlock_restrict_self", handle, 0)
    finally:
        os.close(handle)


def _allow(handle: int, path: str, rights: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there: nothing to allow
    try:
        if not os.path.isdir(path):
            rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        call("landlock_add_rule", handle, _PATH_BENEATH, ctypes.byref(_Beneath(rights, target)), 0)
    finally:
        os.close(target)
