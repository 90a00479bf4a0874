package postgres_test

import "syscall"

func mount(dir string) error { return syscall.Mount("small", dir, "tmpfs", 0, "size=100m") }

func unmount(dir string) error { return syscall.Unmount(dir, 0) }
