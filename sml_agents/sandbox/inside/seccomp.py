"""System calls by allow-list, with a seccomp filter: no new process, no program, no socket, no signal to others.

What a program that computes needs is on the list: memory, files (Landlock or a private root say which), time, threads,
its own signals. All else fails with EPERM. The filter holds for every thread and can't be taken off.

Where there is no private root, what Landlock does not guard is not on it either: modes and times of files, and, before
its third version, their length.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from functools import lru_cache

from sml_agents.sandbox.inside.kernel import ARCH, PR_SET_SECCOMP, prctl

__all__ = ["confine_calls", "prepare"]

_ALLOWED = """
    read:0:63 write:1:64 open:2 close:3:57 stat:4 fstat:5:80 lstat:6 poll:7 lseek:8:62 mmap:9:222 mprotect:10:226
    munmap:11:215 brk:12:214 rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139 
    pread64:17:67 pwrite64:18:68 readv:19:65 writev:20:66 access:21 pipe:22 select:23 sched_yield:24:124
    mremap:25:216 msync:26:227 mincore:27:232 madvise:28:233 dup:32:23 dup2:33 pause:34 nanosleep:35:101
    getitimer:36:102 alarm:37 setitimer:38:103 getpid:39:172 sendfile:40:71 recvfrom:45:207 shutdown:48:210
    exit:60:93 wait4:61:260 uname:63:160 flock:73:32 fsync:74:82 fdatasync:75:83 
    ftruncate:77:46 getdents:78 getcwd:79:17 chdir:80:49 fchdir:81:50 rename:82 mkdir:83 rmdir:84 creat:85 link:86
    unlink:87 symlink:88 readlink:89 umask:95:166 gettimeofday:96:169 getrlimit:97:163
    getrusage:98:165 sysinfo:99:179 times:100:153 getuid:102:174 getgid:104:176 geteuid:107:175 getegid:108:177
    getppid:110:173 getpgrp:111 getgroups:115:158 getresuid:118:148 getresgid:120:150 getpgid:121:155
    capget:125:90 rt_sigpending:127:136 rt_sigtimedwait:128:137 rt_sigsuspend:130:133 sigaltstack:131:132
    statfs:137:43 fstatfs:138:44 sched_getparam:143:121 sched_getscheduler:145:120
    sched_get_priority_max:146:125 sched_get_priority_min:147:126 arch_prctl:158 gettid:186:178 time:201
    futex:202:98 sched_getaffinity:204:123 set_thread_area:205 epoll_create:213 getdents64:217:61
    set_tid_address:218:96 restart_syscall:219:128 fadvise64:221:223 timer_create:222:107 clock_gettime:228:113
    clock_getres:229:114 clock_nanosleep:230:115 exit_group:231:94 epoll_wait:232 epoll_ctl:233:21 
    waitid:247:95 openat:257:56 mkdirat:258:34 newfstatat:262:79 unlinkat:263:35 renameat:264:38 linkat:265:37
    symlinkat:266:36 readlinkat:267:78 faccessat:269:48 pselect6:270:72 ppoll:271:73
    set_robust_list:273:99 get_robust_list:274:100 epoll_pwait:281:22 eventfd:284
    fallocate:285:47 eventfd2:290:19 epoll_create1:291:20 dup3:292:24 pipe2:293:59 getcpu:309:168
    renameat2:316:276 getrandom:318:278 membarrier:324:283 statx:332:291 rseq:334:293 close_range:436:436
    faccessat2:439:439
"""
"""name:number on x86-64:number on AArch64, as in the kernel's tables; a missing number: no such call there."""
_ON_PATHS = """
    chmod:90 fchmod:91:52 fchmodat:268:53 utime:132 utimes:235 utimensat:280:88 truncate:76:45
"""
"""What Landlock does not guard: allowed in a private root, which is read-only but for the program's folder."""

_ARCH_ID = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SPECIAL = {  # (x86-64, AArch64)
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "socketpair": (53, 199),
    "sendto": (44, 206),
    "prlimit64": (302, 261),
    "ioctl": (16, 29),
    "fcntl": (72, 25),
}
_TERMINAL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
_SIGNALS_OTHERS = (8, 10, 15)  # F_SETOWN F_SETSIG F_SETOWN_EX
_CLONE_THREAD, _AF_UNIX, _X32 = 0x10000, 1, 0x40000000
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_KILL, _REFUSE, _ABSENT, _ALLOW = 0x80000000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS, 0x7FFF0000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def prepare(*, private: bool) -> None:
    """Does once what is the same for every process that will be confined."""
    if ARCH in _ARCH_ID:
        _table(_column(), _calls(private))


def _column() -> int:
    return 0 if ARCH == "x86_64" else 1


def _calls(private: bool) -> str:
    return _ALLOWED + (_ON_PATHS if private else "")


def confine_calls(*, private: bool) -> None:
    """Installs the filter for this process. `private`: it has a root of its own.

    Needs `no_new_privileges`. Raises OSError where there is no seccomp.
    """
    if ARCH not in _ARCH_ID:
        raise OSError(errno.ENOSYS, "no seccomp table for this processor")
    code = _filter(_column(), os.getpid(), _calls(private))
    program = _Program(len(code) // 8, code)
    prctl(PR_SET_SECCOMP, 2, ctypes.byref(program))


@lru_cache(maxsize=4)
def _table(column: int, allowed: str) -> bytes:
    """The part of the filter that lets calls through whatever their arguments are."""
    code = []
    for entry in allowed.split():
        _, *numbers = entry.split(":")
        if column < len(numbers):
            code += [_instruction(_EQUAL, int(numbers[column]), 0, 1), _instruction(_RETURN, _ALLOW)]
    return b"".join(code)


def _filter(column: int, me: int, allowed: str) -> bytes:
    """The filter for process `me`, in classic BPF."""
    do = _instruction
    code = [do(_LOAD, _ARCH), do(_EQUAL, _ARCH_ID[ARCH], 1, 0), do(_RETURN, _KILL), do(_LOAD, _NUMBER)]
    code += [do(_AT_LEAST, _X32, 0, 1), do(_RETURN, _KILL)]
    code.append(_table(column, allowed))
    first, second = _argument(0), _argument(1)
    rules = {
        "clone": [first, do(_AND, _CLONE_THREAD), do(_EQUAL, _CLONE_THREAD, 0, 1), do(_RETURN, _ALLOW)],
        "clone3": [do(_RETURN, _ABSENT)],  # its flags can't be read by a filter: the C library then uses clone
        "kill": [first, do(_EQUAL, me, 0, 1), do(_RETURN, _ALLOW)],
        "tgkill": [first, do(_EQUAL, me, 0, 1), do(_RETURN, _ALLOW)],
        "socketpair": [first, do(_EQUAL, _AF_UNIX, 0, 1), do(_RETURN, _ALLOW)],
        "sendto": [  # without an address only: between the ends of a pair
            *(_argument(4), do(_EQUAL, 0, 0, 3), _argument(4, high=True), do(_EQUAL, 0, 0, 1), do(_RETURN, _ALLOW)),
        ],
        "ioctl": [second, *(part for at in _TERMINAL for part in (do(_EQUAL, at, 0, 1), do(_RETURN, _ALLOW)))],
        "fcntl": [
            *(second, *(part for at in _SIGNALS_OTHERS for part in (do(_EQUAL, at, 0, 1), do(_RETURN, _REFUSE)))),
            do(_RETURN, _ALLOW),
        ],
        "prlimit64": [first, do(_EQUAL, 0, 1, 0), do(_EQUAL, me, 0, 1), do(_RETURN, _ALLOW)],
    }
    for name, rule in rules.items():
        rule.append(do(_RETURN, _REFUSE))
        code += [do(_EQUAL, _SPECIAL[name][column], 0, len(rule)), *rule]
    return b"".join([*code, do(_RETURN, _REFUSE)])


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _argument(index: int, *, high: bool = False) -> bytes:
    return _instruction(_LOAD, _ARGUMENTS + 8 * index + (4 if high else 0))
