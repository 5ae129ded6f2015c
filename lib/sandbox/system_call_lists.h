// The names behind the filter. One that this machine's kernel or libseccomp does not know is passed
// over.
#pragma once

#include <array>

namespace jitwg::sandbox {

// For every program, whatever their arguments. Those whose arguments matter (socket, clone, prctl,
// ioctl, tgkill) are in system_calls.cc.
inline constexpr std::array kAllowed = {
    // memory
    "brk", "madvise", "membarrier", "memfd_create", "mlock", "mlock2", "mmap", "mprotect", "mremap",
    "munlock", "munmap",
    // threads and signals
    "exit", "exit_group", "futex", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake",
    "get_robust_list", "getcpu", "gettid", "restart_syscall", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max",
    "sched_get_priority_min", "sched_yield", "set_robust_list", "set_tid_address", "sigaltstack",
    "arch_prctl",
    // time and waiting
    "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1",
    "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "getitimer",
    "inotify_add_watch", "inotify_init1", "inotify_rm_watch", "setitimer", "alarm", "gettimeofday",
    "nanosleep", "poll", "ppoll", "pselect6", "select", "time", "timerfd_create", "timerfd_gettime",
    "timerfd_settime", "times",
    // files
    "access", "chmod", "chown", "close", "close_range", "dup", "dup2", "dup3", "faccessat",
    "faccessat2", "fadvise64", "fallocate", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl",
    "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents",
    "getdents64", "lchown", "link", "linkat", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat",
    "open", "openat", "pipe", "pipe2", "pread64", "preadv", "pwrite64", "pwritev", "read",
    "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2", "rmdir", "sendfile",
    "stat", "statfs", "statx", "umask", "unlink", "unlinkat", "utimensat", "write", "writev",
    // sockets that are there
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    "socketpair",
    // about the process and the machine
    "capget", "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid",
    "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getuid", "prlimit64",
    "setrlimit", "sysinfo", "uname"};

// No library here ever makes one of these: whoever does has taken the process over. Not among them,
// but refused: those that a library may try and do without (Kerberos asks for kernel keys).
inline constexpr std::array kHostile = {"acct",
                                        "bpf",
                                        "chroot",
                                        "delete_module",
                                        "execve",
                                        "execveat",
                                        "finit_module",
                                        "fsconfig",
                                        "fsmount",
                                        "fsopen",
                                        "fspick",
                                        "init_module",
                                        "ioperm",
                                        "iopl",
                                        "kcmp",
                                        "kexec_file_load",
                                        "kexec_load",
                                        "mount",
                                        "mount_setattr",
                                        "move_mount",
                                        "open_by_handle_at",
                                        "open_tree",
                                        "perf_event_open",
                                        "pidfd_getfd",
                                        "pivot_root",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "ptrace",
                                        "reboot",
                                        "setns",
                                        "swapoff",
                                        "swapon",
                                        "umount2",
                                        "unshare",
                                        "userfaultfd"};

}  // namespace jitwg::sandbox
