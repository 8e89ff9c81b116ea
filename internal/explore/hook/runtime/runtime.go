// Package runtime is the part of package runtime that the explored code calls.
package runtime

import (
	"runtime"

	"boundaries/internal/explore"
)

// Gosched says that the actor spins.
func Gosched() { explore.Spins() }

// KeepAlive is runtime.KeepAlive.
func KeepAlive(v any) { runtime.KeepAlive(v) }
