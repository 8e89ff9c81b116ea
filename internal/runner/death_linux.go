package runner

import "syscall"

// dieWithParent ends a command when the thread that started it ends. It covers the
// moment before the keeper knows of the command.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
